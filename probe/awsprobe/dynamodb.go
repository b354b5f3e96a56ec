package awsprobe

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// describeDynamoDB names what an operation of DynamoDB touches:
//
//	articles            a table
//	articles/x          an item, where the table's keys are known: by its partition key
//	articles/x/1        and by its sort key
//	articles/x tags/y   several, of a batch or a transaction
//	articles/*          a query or scan, and what changes a table as such
//	articles/by-author/*  of an index
//
// In values a blank, "/", "%" and "*" are percent-encoded. The request's body is
// made canonical: clients write the members of its objects in any order.
func describeDynamoDB(_ Target, keys Keys, op *event.Operation) {
	op.Fails = dynamoDBFails
	if slices.Contains(dynamoDBReads, op.Method) {
		op.Access = event.Reads
	}
	q := canonical(op)
	if q == nil {
		return
	}
	if op.Method == "BatchWriteItem" || op.Method == "PutItem" && q["ConditionExpression"] == nil && q["Expected"] == nil && (q["ReturnValues"] == nil || q["ReturnValues"] == "NONE") {
		op.Access = event.Writes
	}
	op.Resource = strings.Join(q.resources(op.Method, keys), " ")
}

// dynamoDBFails are refusals that are retried, and may meet every operation.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
var dynamoDBFails = []string{"InternalServerError", "ProvisionedThroughputExceededException", "ThrottlingException"}

var dynamoDBReads = []string{
	"GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan", "DescribeTable", "ListTables", "DescribeTimeToLive",
	"DescribeLimits", "DescribeEndpoints", "DescribeContinuousBackups", "ListTagsOfResource",
	"ListStreams", "DescribeStream", "GetShardIterator", "GetRecords",
}

// document is a request, or a part of one. What is not there is empty.
type document map[string]any

func (d document) text(name string) string {
	s, _ := d[name].(string)
	return s
}

func (d document) part(name string) document {
	m, _ := d[name].(map[string]any)
	return m
}

func (d document) list(name string) []document { return documents(d[name]) }

func documents(v any) []document {
	list, _ := v.([]any)
	var out []document
	for _, e := range list {
		m, _ := e.(map[string]any)
		out = append(out, m)
	}
	return out
}

// resources are the names of what is touched.
func (d document) resources(method string, keys Keys) []string {
	table := TableName(d.text("TableName"))
	switch method {
	case "PutItem", "GetItem", "UpdateItem", "DeleteItem":
		return []string{d.resource(table, keys)}
	case "BatchGetItem", "BatchWriteItem":
		return d.batch(keys)
	case "TransactWriteItems", "TransactGetItems":
		var out []string
		for _, t := range d.list("TransactItems") {
			for _, verb := range []string{"Put", "Update", "Delete", "ConditionCheck", "Get"} {
				if of := t.part(verb); of != nil {
					out = append(out, of.resource(TableName(of.text("TableName")), keys))
				}
			}
		}
		return out
	case "DescribeTable", "DescribeTimeToLive":
		return []string{table}
	case "Query", "Scan", "CreateTable", "DeleteTable", "UpdateTable", "UpdateTimeToLive":
		if index := d.text("IndexName"); index != "" {
			table += "/" + index
		}
		return []string{table + "/*"}
	}
	return nil
}

// batch is what a batch touches, by tables in their order of names.
func (d document) batch(keys Keys) []string {
	var out []string
	tables := d.part("RequestItems")
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		table := TableName(name)
		for _, w := range tables.list(name) {
			for _, verb := range []string{"PutRequest", "DeleteRequest"} {
				if of := w.part(verb); of != nil {
					out = append(out, of.resource(table, keys))
				}
			}
		}
		for _, k := range tables.part(name).list("Keys") {
			out = append(out, document{"Key": map[string]any(k)}.resource(table, keys))
		}
	}
	return out
}

// TableName is that of a table, which requests name by it or by its ARN.
func TableName(nameOrARN string) string {
	if _, name, ok := strings.Cut(nameOrARN, ":table/"); ok && strings.HasPrefix(nameOrARN, "arn:") {
		name, _, _ = strings.Cut(name, "/")
		return name
	}
	return nameOrARN
}

// resource names the item of a key or an item; the table where its keys are not
// known.
func (d document) resource(table string, keys Keys) string {
	if keys == nil {
		return table
	}
	of := d.part("Key")
	if of == nil {
		of = d.part("Item")
	}
	out := table
	for _, name := range keys(table) {
		text, ok := keyText(of.part(name))
		if !ok {
			return table + "/*" // it will be refused, or nobody can tell
		}
		out += "/" + escape(text)
	}
	return out
}

// keyText is a key's value; false if its text is not the only one that it has.
func keyText(v document) (string, bool) {
	for kind, value := range v { //wtsim:order there is one, or it is refused
		s, ok := value.(string)
		switch {
		case !ok || len(v) != 1:
			return "", false
		case kind == "N" && !plain(s):
			return "", false
		}
		return s, kind == "S" || kind == "N" || kind == "B"
	}
	return "", false
}

// plain reports whether a number is written as DynamoDB would write it: an
// integer without leading zeros. Other numbers have several texts.
func plain(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == "" && (digits[0] != '0' || s == "0")
}

// canonical reads the body of a request, and puts it in canonical form: the
// members of objects in the order of their names. It is nil if it is no object
// of JSON.
func canonical(op *event.Operation) document {
	d := json.NewDecoder(bytes.NewReader(op.Request.Body))
	d.UseNumber()
	var v map[string]any
	if d.Decode(&v) != nil || v == nil {
		return nil
	}
	if sorted, err := json.Marshal(v); err == nil {
		op.Request.Body, op.Request.JSON = sorted, true
	}
	return v
}

// Item is the resource of an item, of the texts of its key's values.
func Item(table string, key ...string) string {
	for _, k := range key {
		table += "/" + escape(k)
	}
	return table
}
