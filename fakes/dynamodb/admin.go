package dynamodb

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/probe/awsprobe"
)

// creating is how long a table is being created, or deleted.
const creating = 2 * time.Second

type attribute struct{ AttributeName, AttributeType string }

type schemaElement struct{ AttributeName, KeyType string }

type throughput struct{ ReadCapacityUnits, WriteCapacityUnits int64 }

// indexSpec is an index as requests have it.
type indexSpec struct {
	IndexName  string
	KeySchema  []schemaElement
	Projection struct {
		ProjectionType   string
		NonKeyAttributes []string
	}
	ProvisionedThroughput *throughput
}

// tableRequest creates a table, or is about one.
type tableRequest struct {
	TableName              string
	AttributeDefinitions   []attribute
	KeySchema              []schemaElement
	BillingMode            string
	ProvisionedThroughput  *throughput
	LocalSecondaryIndexes  []indexSpec
	GlobalSecondaryIndexes []indexSpec
	StreamSpecification    *struct {
		StreamEnabled  bool
		StreamViewType string
	}
	DeletionProtectionEnabled   *bool
	Tags                        []tag
	GlobalSecondaryIndexUpdates []struct {
		Create *indexSpec
		Delete *struct{ IndexName string }
		Update *struct{ IndexName string }
	}
	ReplicaUpdates          []any
	Limit                   *int
	ExclusiveStartTableName string
}

// keysOfSchema reads a key schema.
func keysOfSchema(schema []schemaElement) (keys, error) {
	switch {
	case len(schema) == 0 || schema[0].KeyType != "HASH":
		return keys{}, invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case len(schema) > 2:
		return keys{}, invalid("1 validation error detected: Value at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2")
	case len(schema) == 1:
		return keys{partition: schema[0].AttributeName}, nil
	case schema[1].KeyType != "RANGE":
		return keys{}, invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	case schema[0].AttributeName == schema[1].AttributeName:
		return keys{}, invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	}
	return keys{schema[0].AttributeName, schema[1].AttributeName}, nil
}

// make makes an index of a table.
func (s *indexSpec) make(t *table, global bool) (*index, error) {
	x := &index{name: s.IndexName, global: global, projects: s.Projection.ProjectionType, include: s.Projection.NonKeyAttributes}
	x.index = x
	var err error
	x.keys, err = keysOfSchema(s.KeySchema)
	switch {
	case err != nil:
		return nil, err
	case !validName(x.name):
		return nil, invalid("IndexName must be at least 3 characters long and at most 255 characters long")
	case t.named(x.name) != nil:
		return nil, invalid("One or more parameter values were invalid: Duplicate index name: " + x.name)
	case !slices.Contains([]string{"ALL", "KEYS_ONLY", "INCLUDE"}, x.projects):
		return nil, invalid("One or more parameter values were invalid: Unknown ProjectionType: " + x.projects)
	case (x.projects == "INCLUDE") != (len(x.include) > 0):
		return nil, invalid("One or more parameter values were invalid: ProjectionType is " + x.projects + ", but NonKeyAttributes is " +
			map[bool]string{true: "not specified", false: "specified"}[len(x.include) == 0])
	case !global && (x.partition != t.partition || x.sort == ""):
		return nil, invalid("One or more parameter values were invalid: Index KeySchema does not have a range key, or its HASH key is not the table's, for index: " + x.name)
	}
	return x, nil
}

// createTable makes a table, which can be used a little later.
func (b *Backend) createTable(_ *awswire.Request, q *tableRequest) (any, error) {
	name := q.TableName
	switch {
	case !validName(name):
		return nil, invalid("TableName must be at least 3 characters long and at most 255 characters long")
	case b.tables[name] != nil && !b.deleted(b.tables[name]):
		return nil, refused("ResourceInUseException", "Table already exists: "+name)
	}
	now := b.kernel.Now()
	t := &table{name: name, types: map[string]string{}, made: now, since: now.Add(creating), tags: q.Tags}
	var err error
	if t.keys, err = keysOfSchema(q.KeySchema); err != nil {
		return nil, err
	}
	for _, a := range q.AttributeDefinitions {
		t.types[a.AttributeName] = a.AttributeType
	}
	for i, s := range slices.Concat(q.LocalSecondaryIndexes, q.GlobalSecondaryIndexes) {
		x, err := s.make(t, i >= len(q.LocalSecondaryIndexes))
		if err != nil {
			return nil, err
		}
		t.indexes = append(t.indexes, x)
	}
	if err := t.checkDefinitions(); err != nil {
		return nil, err
	}
	if err := t.bill(q.BillingMode, q.ProvisionedThroughput, true); err != nil {
		return nil, err
	}
	if s := q.StreamSpecification; s != nil && s.StreamEnabled {
		b.startStream(t, s.StreamViewType)
	}
	t.protected = q.DeletionProtectionEnabled != nil && *q.DeletionProtectionEnabled
	b.tables[name] = t
	return map[string]any{"TableDescription": b.description(t)}, nil
}

// checkDefinitions holds the attributes that are defined against those that are
// keys.
func (t *table) checkDefinitions() error {
	used := t.names()
	for _, x := range t.indexes {
		used = append(used, x.names()...)
	}
	slices.Sort(used)
	used = slices.Compact(used)
	defined := sorted(t.types)
	for _, name := range used {
		if t.types[name] == "" {
			return invalid(fmt.Sprintf("One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
				strings.Join(used, ", "), strings.Join(defined, ", ")))
		}
	}
	if len(used) < len(defined) {
		return invalid(fmt.Sprintf("One or more parameter values were invalid: Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
			strings.Join(defined, ", "), strings.Join(used, ", ")))
	}
	return nil
}

// bill sets how the table is paid for.
func (t *table) bill(mode string, units *throughput, made bool) error {
	switch mode {
	case "PAY_PER_REQUEST":
		if units != nil {
			return invalid("One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		t.billing, t.capacity = mode, [2]int64{}
		return nil
	case "", "PROVISIONED":
		if units == nil && (made || mode != "") {
			return invalid("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
		}
		if units != nil {
			t.billing, t.capacity = "PROVISIONED", [2]int64{units.ReadCapacityUnits, units.WriteCapacityUnits}
		}
		return nil
	}
	return oneOf(mode, "billingMode", "PROVISIONED", "PAY_PER_REQUEST")
}

// deleted reports whether a table is gone, and forgets it then.
func (b *Backend) deleted(t *table) bool {
	if t.gone.IsZero() || b.kernel.Now().Before(t.gone) {
		return false
	}
	if b.tables[t.name] == t {
		delete(b.tables, t.name)
	}
	return true
}

// described is a table that can be told about, although it may not be ready.
func (b *Backend) described(name string) (*table, error) {
	t := b.tables[awsprobe.TableName(name)]
	if t == nil || b.deleted(t) {
		return nil, refused("ResourceNotFoundException", "Requested resource not found: Table: "+awsprobe.TableName(name)+" not found")
	}
	return t, nil
}

func (b *Backend) describeTable(_ *awswire.Request, q *tableRequest) (any, error) {
	t, err := b.described(q.TableName)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Table": b.description(t)}, nil
}

func (b *Backend) deleteTable(_ *awswire.Request, q *tableRequest) (any, error) {
	t, err := b.described(q.TableName)
	now := b.kernel.Now()
	switch {
	case err != nil:
		return nil, err
	case now.Before(t.since):
		return nil, refused("ResourceInUseException", "Attempt to change a resource which is still in use: Table is being created: "+t.name)
	case t.protected:
		return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	if t.gone.IsZero() {
		t.gone = now.Add(creating)
	}
	return map[string]any{"TableDescription": b.description(t)}, nil
}

// updateTable changes how a table is paid for, its stream, its protection, and
// its global indexes, of which a new one is there at once.
func (b *Backend) updateTable(_ *awswire.Request, q *tableRequest) (any, error) {
	t, err := b.find(q.TableName)
	if err != nil {
		return nil, err
	}
	if len(q.ReplicaUpdates) > 0 {
		return nil, lacks("global tables", "declare a DynamoDB for each region")
	}
	if err := t.bill(q.BillingMode, q.ProvisionedThroughput, false); err != nil {
		return nil, err
	}
	if q.DeletionProtectionEnabled != nil {
		t.protected = *q.DeletionProtectionEnabled
	}
	switch s := q.StreamSpecification; {
	case s == nil:
	case s.StreamEnabled && t.stream != nil:
		return nil, invalid("Table already has an enabled stream: TableName: " + t.name)
	case s.StreamEnabled:
		b.startStream(t, s.StreamViewType)
	default:
		t.stream = nil
	}
	for _, a := range q.AttributeDefinitions {
		t.types[a.AttributeName] = a.AttributeType
	}
	for _, u := range q.GlobalSecondaryIndexUpdates {
		switch {
		case u.Create != nil:
			x, err := u.Create.make(t, true)
			if err != nil {
				return nil, err
			}
			t.fill(x)
		case u.Delete != nil:
			t.indexes = slices.DeleteFunc(t.indexes, func(x *index) bool { return x.global && x.name == u.Delete.IndexName })
		}
	}
	return map[string]any{"TableDescription": b.description(t)}, nil
}

// fill adds an index, with what is in the table.
func (t *table) fill(x *index) {
	for _, r := range t.rows {
		if at, ok := t.placeOf(&x.view, r.item); ok {
			x.rows.put(at, x.project(t, r.item))
		}
	}
	t.indexes = append(t.indexes, x)
}

func (b *Backend) listTables(_ *awswire.Request, q *tableRequest) (any, error) {
	list := []string{}
	out := map[string]any{}
	for _, name := range sorted(b.tables) {
		if name <= q.ExclusiveStartTableName || b.deleted(b.tables[name]) {
			continue
		}
		if q.Limit != nil && len(list) == *q.Limit || len(list) == 100 {
			out["LastEvaluatedTableName"] = list[len(list)-1]
			break
		}
		list = append(list, name)
	}
	out["TableNames"] = list
	return out, nil
}

func (b *Backend) describeEndpoints(r *awswire.Request, _ *struct{}) (any, error) {
	return map[string]any{"Endpoints": []any{map[string]any{"Address": r.URL.Host, "CachePeriodInMinutes": 1440}}}, nil
}

func (b *Backend) describeLimits(*awswire.Request, *struct{}) (any, error) {
	return map[string]any{"AccountMaxReadCapacityUnits": 80000, "AccountMaxWriteCapacityUnits": 80000, "TableMaxReadCapacityUnits": 40000, "TableMaxWriteCapacityUnits": 40000}, nil
}

type tagRequest struct {
	ResourceArn string
	Tags        []tag
	TagKeys     []string
}

func (b *Backend) tagResource(_ *awswire.Request, q *tagRequest) (any, error) {
	t, err := b.described(q.ResourceArn)
	if err != nil {
		return nil, err
	}
	for _, g := range q.Tags {
		t.untag(g.Key)
		t.tags = append(t.tags, g)
	}
	return nil, nil
}

func (b *Backend) untagResource(_ *awswire.Request, q *tagRequest) (any, error) {
	t, err := b.described(q.ResourceArn)
	if err != nil {
		return nil, err
	}
	t.untag(q.TagKeys...)
	return nil, nil
}

func (t *table) untag(keys ...string) {
	t.tags = slices.DeleteFunc(t.tags, func(g tag) bool { return slices.Contains(keys, g.Key) })
}

func (b *Backend) listTags(_ *awswire.Request, q *tagRequest) (any, error) {
	t, err := b.described(q.ResourceArn)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Tags": append([]tag{}, t.tags...)}, nil
}
