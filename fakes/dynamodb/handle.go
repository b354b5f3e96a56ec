package dynamodb

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// operation carries a request out.
type operation func(*Backend, *awswire.Request) (any, error)

// operations are those that there are.
var operations = map[string]operation{
	"GetItem": as((*Backend).getItem), "PutItem": as((*Backend).putItem), "UpdateItem": as((*Backend).updateItem), "DeleteItem": as((*Backend).deleteItem),
	"Query": as((*Backend).query), "Scan": as((*Backend).scan),
	"BatchGetItem": as((*Backend).batchGet), "BatchWriteItem": as((*Backend).batchWrite),
	"TransactGetItems": as((*Backend).transactGet), "TransactWriteItems": as((*Backend).transactWrite),
	"CreateTable": as((*Backend).createTable), "DescribeTable": as((*Backend).describeTable), "DeleteTable": as((*Backend).deleteTable),
	"UpdateTable": as((*Backend).updateTable), "ListTables": as((*Backend).listTables),
	"DescribeTimeToLive": as((*Backend).describeTTL), "UpdateTimeToLive": as((*Backend).updateTTL),
	"TagResource": as((*Backend).tagResource), "UntagResource": as((*Backend).untagResource), "ListTagsOfResource": as((*Backend).listTags),
	"DescribeEndpoints": as((*Backend).describeEndpoints), "DescribeLimits": as((*Backend).describeLimits),
	"ListStreams": as((*Backend).listStreams), "DescribeStream": as((*Backend).describeStream),
	"GetShardIterator": as((*Backend).getShardIterator), "GetRecords": as((*Backend).getRecords),
}

// as makes an operation of a method that takes what its requests say.
func as[Q any](method func(*Backend, *awswire.Request, *Q) (any, error)) operation {
	return func(b *Backend, r *awswire.Request) (any, error) {
		q := new(Q)
		if err := r.Decode(q); err != nil {
			return nil, err
		}
		return method(b, r, q)
	}
}

// handle carries a request out. The kernel's lock is held, since what changes
// an item may make something fall due.
func (b *Backend) handle(r *awswire.Request) (any, error) {
	if r.API == "DynamoDB_20111205" {
		return nil, lacks("first API, of 2011", "use a client of 2012 or later")
	}
	do := operations[r.Operation]
	if do == nil {
		return nil, lacks(r.Operation, "see the package comment of fakes/dynamodb for what there is")
	}
	if err := old(r.Body); err != nil {
		return nil, err
	}
	b.kernel.Lock()
	defer b.kernel.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.Region == "" || r.Region == b.region:
	case b.region == "":
		b.region = r.Region
	default:
		return nil, lacks("second region ("+r.Region+" beside "+b.region+")", "a scenario's DynamoDB is in one region: declare one for each")
	}
	b.used(r)
	return do(b, r)
}

// legacy are the parameters from before there were expressions.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
var legacy = []string{"AttributesToGet", "AttributeUpdates", "ConditionalOperator", "Expected", "KeyConditions", "QueryFilter", "ScanFilter"}

// old refuses them by name.
func old(body []byte) error {
	if !slices.ContainsFunc(legacy, func(name string) bool { return bytes.Contains(body, []byte(`"`+name+`"`)) }) && !bytes.Contains(body, []byte("ItemCollectionMetrics")) {
		return nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return nil // who decodes it says why
	}
	for _, name := range legacy {
		if v, ok := fields[name]; ok && string(v) != "null" {
			return lacks("parameter "+name, "write an expression")
		}
	}
	if v := string(fields["ReturnItemCollectionMetrics"]); v == `"SIZE"` {
		return lacks("parameter ReturnItemCollectionMetrics", "leave it out")
	}
	return nil
}

// oneOf refuses what is none of some words.
func oneOf(value, member string, words ...string) error {
	if value == "" || slices.Contains(words, value) {
		return nil
	}
	all := ""
	for i, w := range words {
		if i > 0 {
			all += ", "
		}
		all += w
	}
	return invalid("1 validation error detected: Value '" + value + "' at '" + member + "' failed to satisfy constraint: Member must satisfy enum value set: [" + all + "]")
}
