// Package tokenreused moves money between accounts, by messages of a queue.
//
// Settle gives each transfer's transaction the transfer's id as client request token,
// so that a message that comes twice moves its money once. But DynamoDB knows a token
// for ten minutes, and the queue hides a message for longer: where the success of a
// batch is not noted, or its instance has died after the transaction, the message
// comes again when the token is forgotten. The money is moved twice.
//
// Reported: the DynamoDB Developer Guide, on idempotency of TransactWriteItems ("a client
// token is valid for 10 minutes after the request that uses it is finished. After 10
// minutes, any request that uses the same client token is treated as a new request"),
// with the Lambda Developer Guide, whose advice for a queue is six times the function's
// time limit.
//
// Provoked by: a batch whose success is not noted, or a crash after the transaction.
//
// Remedy: the transaction puts a record of the transfer, on condition that there is
// none: what a transfer has done is known for as long as the record is kept.
package tokenreused

import (
	"context"
	"errors"
	"log"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Transfer is the function transfer.
type Transfer struct {
	SQS       *sqs.Client
	Transfers string // the queue's URL
}

// Handle takes a transfer.
func (f *Transfer) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	if _, err := f.SQS.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &f.Transfers, MessageBody: aws.String(r.QueryStringParameters["transfer"])}); err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusAccepted}, nil
}

// Settle is the function settle.
type Settle struct {
	DynamoDB *dynamodb.Client
	Repaired bool
}

// Handle carries out a batch of transfers: each message is a transfer's id, and moves
// ten from alice to bob.
func (f *Settle) Handle(ctx context.Context, batch events.SQSEvent) (out events.SQSEventResponse, err error) {
	for _, m := range batch.Records {
		if err := f.settle(ctx, m.Body); err != nil {
			log.Printf("transfer %s: %v", m.Body, err)
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return out, nil
}

func (f *Settle) settle(ctx context.Context, transfer string) error {
	write := &dynamodb.TransactWriteItemsInput{ClientRequestToken: &transfer, TransactItems: []types.TransactWriteItem{move("alice", "-10"), move("bob", "10")}}
	if f.Repaired {
		write.TransactItems = append(write.TransactItems, types.TransactWriteItem{Put: &types.Put{
			TableName: aws.String("transfers"), Item: map[string]types.AttributeValue{"transfer": text(transfer)}, ConditionExpression: aws.String("attribute_not_exists(transfer)"),
		}})
	}
	_, err := f.DynamoDB.TransactWriteItems(ctx, write)
	if refused, ok := errors.AsType[*types.TransactionCanceledException](err); ok && f.Repaired && aws.ToString(refused.CancellationReasons[2].Code) == "ConditionalCheckFailed" {
		return nil // it is done
	}
	return err
}

func move(account, amount string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: aws.String("accounts"), Key: map[string]types.AttributeValue{"account": text(account)}, UpdateExpression: aws.String("ADD balance :amount"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":amount": &types.AttributeValueMemberN{Value: amount}},
	}}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
