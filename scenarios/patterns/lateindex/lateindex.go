// Package lateindex takes payments for orders, which it finds by the payment's
// number in a global secondary index.
//
// Place writes an order with the number of its payment. The payment service then
// calls Paid, which looks the order up in the index. An index is updated a little
// after its table, and cannot be read consistently: the order is not there yet. Paid
// takes the payment for somebody else's and says that all is well. The order
// is never marked as paid.
//
// Reported: the DynamoDB Developer Guide, on global secondary indexes (eventually
// consistent reads alone; applications need to anticipate that a query returns
// results that are not up to date).
//
// Provoked by: a read of the index that misses the newest write.
//
// Remedy: the payment is an item of its own, which a consistent read finds by its key.
package lateindex

import (
	"context"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Orders has the functions place and paid.
type Orders struct {
	DynamoDB *dynamodb.Client
	Repaired bool
}

var table = aws.String("orders")

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// Place takes an order and the number of its payment.
func (f *Orders) Place(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	order, payment := r.QueryStringParameters["order"], r.QueryStringParameters["payment"]
	write := &dynamodb.TransactWriteItemsInput{ClientRequestToken: &order, TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: table, Item: map[string]types.AttributeValue{"id": text(order), "payment": text(payment)}}}}}
	if f.Repaired {
		write.TransactItems = append(write.TransactItems, types.TransactWriteItem{Put: &types.Put{TableName: table,
			Item: map[string]types.AttributeValue{"id": text("payment#" + payment), "order": text(order)}}})
	}
	_, err := f.DynamoDB.TransactWriteItems(ctx, write)
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusCreated}, err
}

// Paid marks the order of a payment as paid.
func (f *Orders) Paid(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	order, err := f.orderOf(ctx, r.QueryStringParameters["payment"])
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	if order == nil { // of another shop
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK}, nil
	}
	_, err = f.DynamoDB.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: table, Key: map[string]types.AttributeValue{"id": order},
		UpdateExpression: aws.String("SET paid = :yes"), ExpressionAttributeValues: map[string]types.AttributeValue{":yes": &types.AttributeValueMemberBOOL{Value: true}}})
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK}, err
}

// orderOf returns the id of a payment's order; nil if it is not known.
func (f *Orders) orderOf(ctx context.Context, payment string) (types.AttributeValue, error) {
	if f.Repaired {
		out, err := f.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, ConsistentRead: aws.Bool(true),
			Key: map[string]types.AttributeValue{"id": text("payment#" + payment)}})
		if err != nil {
			return nil, err
		}
		return out.Item["order"], nil
	}
	out, err := f.DynamoDB.Query(ctx, &dynamodb.QueryInput{TableName: table, IndexName: aws.String("by-payment"),
		KeyConditionExpression: aws.String("payment = :p"), ExpressionAttributeValues: map[string]types.AttributeValue{":p": text(payment)}})
	if err != nil || len(out.Items) == 0 {
		return nil, err
	}
	return out.Items[0]["id"], nil
}
