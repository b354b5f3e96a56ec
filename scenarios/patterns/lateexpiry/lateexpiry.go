// Package lateexpiry lets in who has the code that was mailed to him.
//
// Send stores a code in DynamoDB with a time to live of five minutes, and Enter lets in
// who has the code that is stored. But an item whose time to live is over is still
// there, and read, until the service gets to deleting it, which takes up to some days:
// a code is good for as long.
//
// Reported: the DynamoDB Developer Guide, on expired items ("If they are not filtered,
// they'll continue to show in read and write operations until they are deleted by the
// background process").
//
// Provoked by: somebody who comes later than the code lasts, here because his first
// attempt was not answered.
//
// Remedy: who reads the item looks whether its time is over.
package lateexpiry

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// lasts is how long a code is good for.
const lasts = 5 * time.Minute

// Send is the function send.
type Send struct{ DynamoDB *dynamodb.Client }

// Handle makes somebody's code.
func (f *Send) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	_, err := f.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("codes"), Item: map[string]types.AttributeValue{
		"person": text(r.QueryStringParameters["person"]), "code": text("1234"), // who mails it, and draws it, is left out
		"expires": &types.AttributeValueMemberN{Value: strconv.FormatInt(time.Now().Add(lasts).Unix(), 10)},
	}})
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK}, err
}

// Enter is the function enter.
type Enter struct {
	DynamoDB *dynamodb.Client
	Repaired bool
}

// Handle lets in who has the code: 200, or 403.
func (f *Enter) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	out, err := f.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("codes"), ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{"person": text(r.QueryStringParameters["person"])}})
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	code, ok := out.Item["code"].(*types.AttributeValueMemberS)
	ok = ok && code.Value == r.QueryStringParameters["code"]
	if f.Repaired && ok {
		ok = time.Now().Before(expires(out.Item))
	}
	if !ok {
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusForbidden}, nil
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK}, nil
}

// expires is when an item's time is over.
func expires(item map[string]types.AttributeValue) time.Time {
	n, _ := item["expires"].(*types.AttributeValueMemberN)
	if n == nil {
		return time.Time{}
	}
	seconds, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
