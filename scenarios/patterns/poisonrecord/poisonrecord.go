// Package poisonrecord keeps what each customer has spent, by the stream of a table of
// orders.
//
// Total reads the orders as they are stored, a batch at a time and in their order. Of
// an order without an amount, which an old client still sends, it makes an error. The
// batch comes again, and fails again, for a day, and nothing behind it in the shard is
// totalled meanwhile.
//
// Reported: the Lambda Developer Guide, on discarded records of a DynamoDB event source
// ("a bad record can block processing on the affected shard for up to one day").
//
// Provoked by: one record that no attempt can cope with.
//
// Remedy: the mapping splits a batch that fails, tries it so often and no more, and
// tells a queue of what it has given up: one record is passed over, and the others
// are totalled.
package poisonrecord

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Order is the function order.
type Order struct{ DynamoDB *dynamodb.Client }

// Handle stores an order: 200 if it is there.
func (f *Order) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	q := r.QueryStringParameters
	item := map[string]types.AttributeValue{"id": text(q["order"]), "customer": text(q["customer"]), "version": number(q["version"])}
	if amount, ok := q["amount"]; ok {
		item["amount"] = number(amount)
	}
	_, err := f.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("orders"), Item: item, ConditionExpression: aws.String("attribute_not_exists(id)")})
	if _, again := errors.AsType[*types.ConditionalCheckFailedException](err); err != nil && !again {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK}, nil
}

// Total is the function total.
type Total struct{ DynamoDB *dynamodb.Client }

// Handle adds orders to the totals of their customers.
func (f *Total) Handle(ctx context.Context, e events.DynamoDBEvent) error {
	for _, r := range e.Records {
		amount, ok := r.Change.NewImage["amount"]
		if !ok {
			return fmt.Errorf("order %s has no amount", r.Change.Keys["id"].String())
		}
		if err := f.add(ctx, r.Change.NewImage["id"].String(), r.Change.NewImage["customer"].String(), amount.Number()); err != nil {
			return err
		}
	}
	return nil
}

// add adds an order, unless that was done: the total knows its orders.
func (f *Total) add(ctx context.Context, order, customer, amount string) error {
	_, err := f.DynamoDB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String("totals"), Key: map[string]types.AttributeValue{"customer": text(customer)},
		UpdateExpression:    aws.String("ADD spent :amount, orders :orders"),
		ConditionExpression: aws.String("attribute_not_exists(orders) OR NOT contains(orders, :order)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":amount": number(amount), ":order": text(order), ":orders": &types.AttributeValueMemberSS{Value: []string{order}}},
	})
	if _, again := errors.AsType[*types.ConditionalCheckFailedException](err); again {
		return nil
	}
	return err
}

func text(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func number(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }
