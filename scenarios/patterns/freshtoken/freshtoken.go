// Package freshtoken moves money between two accounts, in one transaction.
//
// Transfer leaves the client request token to the client library, which draws one
// for each call: its own retries are one transaction. But whoever calls the function
// retries too, when its answer is lost, and that call has a token of its own: the
// money is moved twice.
//
// Reported: the DynamoDB Developer Guide, on idempotency of TransactWriteItems (a
// token makes equal only what is sent with it, for ten minutes); aws-samples/
// aws-serverless-airline-booking, issue 167, for the shape of the bug.
//
// Provoked by: a lost answer of the function, or a crash after the transaction.
//
// Remedy: the token is the request's, which its caller names: a transaction
// of it happens once.
package freshtoken

import (
	"context"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Transfer is the function transfer.
type Transfer struct {
	DynamoDB *dynamodb.Client
	Repaired bool
}

// Handle moves ten from alice to bob: 200 if it is done.
func (f *Transfer) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	write := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{move("alice", "-10"), move("bob", "10")}}
	if f.Repaired {
		write.ClientRequestToken = aws.String(r.QueryStringParameters["transfer"])
	}
	if _, err := f.DynamoDB.TransactWriteItems(ctx, write); err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK}, nil
}

func move(account, amount string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName:                 aws.String("accounts"),
		Key:                       map[string]types.AttributeValue{"account": &types.AttributeValueMemberS{Value: account}},
		UpdateExpression:          aws.String("ADD balance :amount"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":amount": &types.AttributeValueMemberN{Value: amount}},
	}}
}
