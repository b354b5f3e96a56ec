package dynamodb

import "github.com/wtsim/wtsim/fakes/internal/awswire"

// arn is the table's name in a region.
func (t *table) arn(region string) string {
	return "arn:aws:dynamodb:" + region + ":" + awswire.Account + ":table/" + t.name
}

// schema is a key schema as answers have it.
func (k keys) schema() []schemaElement {
	out := []schemaElement{{k.partition, "HASH"}}
	if k.sort != "" {
		out = append(out, schemaElement{k.sort, "RANGE"})
	}
	return out
}

// description is what answers tell of a table.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
func (b *Backend) description(t *table) map[string]any {
	status := "ACTIVE"
	switch {
	case !t.gone.IsZero():
		status = "DELETING"
	case b.kernel.Now().Before(t.since):
		status = "CREATING"
	}
	var definitions []attribute
	for _, name := range sorted(t.types) {
		definitions = append(definitions, attribute{name, t.types[name]})
	}
	arn := t.arn(b.regionOr())
	out := map[string]any{
		"TableName": t.name, "TableArn": arn, "TableStatus": status, "CreationDateTime": t.made.Unix(),
		"AttributeDefinitions": definitions, "KeySchema": t.schema(), "ItemCount": len(t.rows), "TableSizeBytes": t.rows.size(),
		"ProvisionedThroughput":     t.told(),
		"DeletionProtectionEnabled": t.protected,
	}
	if t.billing == "PAY_PER_REQUEST" {
		out["BillingModeSummary"] = map[string]any{"BillingMode": t.billing}
	}
	if s := t.stream; s != nil {
		out["LatestStreamArn"], out["LatestStreamLabel"] = s.ARN(), s.label
		out["StreamSpecification"] = map[string]any{"StreamEnabled": true, "StreamViewType": s.view}
	}
	for _, x := range t.indexes {
		kind := "LocalSecondaryIndexes"
		told := x.told(arn)
		if x.global {
			kind = "GlobalSecondaryIndexes"
			told["IndexStatus"], told["ProvisionedThroughput"] = status, t.told()
		}
		list, _ := out[kind].([]any)
		out[kind] = append(list, told)
	}
	return out
}

// told is the throughput that is provisioned.
func (t *table) told() map[string]any {
	return map[string]any{"ReadCapacityUnits": t.capacity[0], "WriteCapacityUnits": t.capacity[1], "NumberOfDecreasesToday": 0}
}

func (x *index) told(arn string) map[string]any {
	projection := map[string]any{"ProjectionType": x.projects}
	if len(x.include) > 0 {
		projection["NonKeyAttributes"] = x.include
	}
	return map[string]any{
		"IndexName": x.name, "IndexArn": arn + "/index/" + x.name, "KeySchema": x.schema(), "Projection": projection,
		"ItemCount": len(x.rows), "IndexSizeBytes": x.rows.size(),
	}
}

func (r rows) size() int {
	size := 0
	for _, x := range r {
		size += x.item.size()
	}
	return size
}
