package fakestest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDBOptions says how to test a DynamoDB. Its zero value will do for a
// fake that has the table.
type DynamoDBOptions struct {
	// Table has a partition key pk (S), a sort key sk (N), and a global index
	// by-kind of kind (S) and sk with all attributes; default "conformance".
	Table string
}

// AWSCredentials are some that nobody checks.
func AWSCredentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
}

// DynamoDB checks what a handler may rely on of DynamoDB, through the client of
// SDK v2. Each check has a partition of its own, whose items stay. The error
// names every check that fails.
func DynamoDB(ctx context.Context, client *dynamodb.Client, o DynamoDBOptions) error {
	if o.Table == "" {
		o.Table = "conformance"
	}
	var failed []error
	for i, c := range dynamoChecks {
		if err := tried(func() error { return c.check(dynamo{ctx, client, o.Table, fmt.Sprint("check-", i)}) }); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(failed...)
}

// dynamo is a partition of a table.
type dynamo struct {
	context.Context
	*dynamodb.Client
	table, pk string
}

var dynamoChecks = []struct {
	name  string
	check func(dynamo) error
}{
	{"an item is read back, with every type", dynamo.everyType},
	{"a condition keeps a write from happening", dynamo.conditions},
	{"an update sees what was there, and returns what is", dynamo.updates},
	{"a query has an order and pages", dynamo.queries},
	{"an index has what has its keys", dynamo.sparse},
	{"a batch writes and reads", dynamo.batches},
	{"a transaction is all or nothing", dynamo.transactions},
	{"a token makes a transaction idempotent", dynamo.tokens},
	{"a table is described", dynamo.describes},
}

type attributes = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

func text(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return fmt.Sprint(v)
}

func (d dynamo) key(sk string) attributes { return attributes{"pk": str(d.pk), "sk": num(sk)} }

// item is one of the partition, with more attributes, names and values by turns.
func (d dynamo) item(sk string, more ...any) attributes {
	out := d.key(sk)
	for i := 0; i < len(more); i += 2 {
		out[more[i].(string)] = more[i+1].(types.AttributeValue)
	}
	return out
}

func (d dynamo) put(item attributes) error {
	_, err := d.PutItem(d, &dynamodb.PutItemInput{TableName: &d.table, Item: item})
	return err
}

func (d dynamo) get(sk string) (attributes, error) {
	out, err := d.GetItem(d, &dynamodb.GetItemInput{TableName: &d.table, Key: d.key(sk), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

func wanted(what string, got, want any) error {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		return fmt.Errorf("%s: got %s, wanted %s", what, g, w)
	}
	return nil
}

func (d dynamo) everyType() error {
	err := d.put(d.item("1", "s", str("é\u2028\"<&"), "n", num("-0.00120e2"), "b", &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"yes", &types.AttributeValueMemberBOOL{Value: true}, "null", &types.AttributeValueMemberNULL{Value: true},
		"l", &types.AttributeValueMemberL{Value: []types.AttributeValue{str("a"), num("1")}}, "m", &types.AttributeValueMemberM{Value: attributes{"k": str("v")}},
		"ss", &types.AttributeValueMemberSS{Value: []string{"b", "a"}}, "ns", &types.AttributeValueMemberNS{Value: []string{"2", "1"}},
		"bs", &types.AttributeValueMemberBS{Value: [][]byte{{1}}}))
	if err != nil {
		return err
	}
	it, err := d.get("1.0")
	return errors.Join(err, wanted("attributes", len(it), 12), wanted("s", text(it["s"]), "é\u2028\"<&"), wanted("n", text(it["n"]), "-0.12"))
}

func (d dynamo) conditions() error {
	create := &dynamodb.PutItemInput{TableName: &d.table, Item: d.item("1", "v", num("1")), ConditionExpression: aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
	if _, err := d.PutItem(d, create); err != nil {
		return err
	}
	create.Item = d.item("1", "v", num("2"))
	_, err := d.PutItem(d, create)
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return fmt.Errorf("the second create: %w, wanted a failed condition", errors.Join(err, errors.ErrUnsupported))
	}
	it, err := d.get("1")
	return errors.Join(err, wanted("what was there", text(failed.Item["v"]), "1"), wanted("what is there", text(it["v"]), "1"))
}

func (d dynamo) updates() error {
	u := &dynamodb.UpdateItemInput{TableName: &d.table, Key: d.key("1"), UpdateExpression: aws.String("SET a = if_not_exists(a, :one) + :one, b = if_not_exists(a, :one)"),
		ExpressionAttributeValues: attributes{":one": num("1")}, ReturnValues: types.ReturnValueAllNew}
	for _, want := range []string{"2 1", "3 2"} {
		out, err := d.UpdateItem(d, u)
		if err != nil {
			return err
		}
		if err := wanted("a and b", text(out.Attributes["a"])+" "+text(out.Attributes["b"]), want); err != nil {
			return err
		}
	}
	return nil
}

func (d dynamo) queries() error {
	for _, sk := range []string{"10", "9", "-1", "100"} {
		if err := d.put(d.item(sk)); err != nil {
			return err
		}
	}
	var got []string
	pages := dynamodb.NewQueryPaginator(d.Client, &dynamodb.QueryInput{TableName: &d.table, Limit: aws.Int32(2), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: aws.String("pk = :p AND sk < :n"), ExpressionAttributeValues: attributes{":p": str(d.pk), ":n": num("100")}})
	for pages.HasMorePages() {
		out, err := pages.NextPage(d)
		if err != nil {
			return err
		}
		for _, it := range out.Items {
			got = append(got, text(it["sk"]))
		}
	}
	return wanted("items", strings.Join(got, " "), "10 9 -1")
}

func (d dynamo) sparse() error {
	if err := errors.Join(d.put(d.item("1", "kind", str(d.pk))), d.put(d.item("2"))); err != nil {
		return err
	}
	out, err := d.Query(d, &dynamodb.QueryInput{TableName: &d.table, IndexName: aws.String("by-kind"), KeyConditionExpression: aws.String("kind = :k"),
		ExpressionAttributeValues: attributes{":k": str(d.pk)}})
	if err != nil {
		return err
	}
	return wanted("items", out.Count, 1)
}

func (d dynamo) batches() error {
	write := func(sk string) types.WriteRequest {
		return types.WriteRequest{PutRequest: &types.PutRequest{Item: d.item(sk)}}
	}
	w, err := d.BatchWriteItem(d, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{d.table: {write("1"), write("2")}}})
	if err != nil {
		return err
	}
	r, err := d.BatchGetItem(d, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		d.table: {Keys: []map[string]types.AttributeValue{d.key("1"), d.key("2"), d.key("3")}, ConsistentRead: aws.Bool(true)}}})
	if err != nil {
		return err
	}
	return errors.Join(wanted("unprocessed", len(w.UnprocessedItems), 0), wanted("items", len(r.Responses[d.table]), 2))
}

func (d dynamo) transactions() error {
	_, err := d.TransactWriteItems(d, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: &d.table, Item: d.item("1")}},
		{ConditionCheck: &types.ConditionCheck{TableName: &d.table, Key: d.key("2"), ConditionExpression: aws.String("attribute_exists(pk)")}}}})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != 2 {
		return fmt.Errorf("got %w, wanted a cancelled transaction with two reasons", errors.Join(err, errors.ErrUnsupported))
	}
	it, err := d.get("1")
	return errors.Join(err, wanted("items", len(it), 0), wanted("reason", *cancelled.CancellationReasons[1].Code, "ConditionalCheckFailed"))
}

func (d dynamo) tokens() error {
	w := &dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String(d.pk), TransactItems: []types.TransactWriteItem{{Update: &types.Update{TableName: &d.table,
		Key: d.key("1"), UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: attributes{":one": num("1")}}}}}
	for range 2 {
		if _, err := d.TransactWriteItems(d, w); err != nil {
			return err
		}
	}
	it, err := d.get("1")
	if err := errors.Join(err, wanted("n", text(it["n"]), "1")); err != nil {
		return err
	}
	w.TransactItems[0].Update.Key = d.key("2")
	_, err = d.TransactWriteItems(d, w)
	var mismatch *types.IdempotentParameterMismatchException
	if !errors.As(err, &mismatch) {
		return fmt.Errorf("another transaction of the token: got %w, wanted a mismatch", errors.Join(err, errors.ErrUnsupported))
	}
	return nil
}

func (d dynamo) describes() error {
	out, err := d.DescribeTable(d, &dynamodb.DescribeTableInput{TableName: &d.table})
	if err != nil {
		return err
	}
	return errors.Join(wanted("status", out.Table.TableStatus, types.TableStatusActive), wanted("keys", len(out.Table.KeySchema), 2))
}
