// Package unversioned keeps carts in DynamoDB, each as one item.
//
// Add reads a cart, adds to it, and puts it back whole. Another request for the
// same cart that runs between the two is overwritten: what it has added is
// gone, and its customer was told that it is there.
//
// Reported: the DynamoDB Developer Guide, on optimistic locking with a version
// number (an item that is read, changed in the program and put is protected by
// nothing), and whoever has two tabs open.
//
// Provoked by: another request that runs between the read and the write, or a
// read that is not consistent and misses the last write.
//
// Remedy: the item has a version, the write is conditional on the version that was
// read, and is tried again from the beginning if that has changed.
package unversioned

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Add is the function add.
type Add struct {
	DynamoDB *dynamodb.Client
	Repaired bool
}

// Handle adds an article to a cart: 200 if it is there.
func (f *Add) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	cart, article := r.QueryStringParameters["cart"], r.QueryStringParameters["article"]
	for {
		err := f.add(ctx, cart, article)
		var changed *types.ConditionalCheckFailedException
		if errors.As(err, &changed) {
			continue
		}
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK}, err
	}
}

func (f *Add) add(ctx context.Context, cart, article string) error {
	key := map[string]types.AttributeValue{"cart": &types.AttributeValueMemberS{Value: cart}}
	out, err := f.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("carts"), Key: key, ConsistentRead: &f.Repaired})
	if err != nil {
		return err
	}
	articles, _ := out.Item["articles"].(*types.AttributeValueMemberL)
	if articles == nil {
		articles = &types.AttributeValueMemberL{}
	}
	for _, a := range articles.Value {
		if a, ok := a.(*types.AttributeValueMemberS); ok && a.Value == article {
			return nil // by an attempt before
		}
	}
	version := 0
	if v, ok := out.Item["version"].(*types.AttributeValueMemberN); ok {
		if version, err = strconv.Atoi(v.Value); err != nil {
			return err
		}
	}
	put := &dynamodb.PutItemInput{TableName: aws.String("carts"), Item: map[string]types.AttributeValue{
		"cart": key["cart"], "version": number(version + 1),
		"articles": &types.AttributeValueMemberL{Value: append(articles.Value, &types.AttributeValueMemberS{Value: article})},
	}}
	if f.Repaired {
		put.ConditionExpression = aws.String("attribute_not_exists(cart) OR version = :read")
		put.ExpressionAttributeValues = map[string]types.AttributeValue{":read": number(version)}
	}
	_, err = f.DynamoDB.PutItem(ctx, put)
	return err
}

func number(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}
