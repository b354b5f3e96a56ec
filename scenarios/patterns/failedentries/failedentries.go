// Package failedentries tells a bus of orders, and charges what it is told of.
//
// Place puts an event for each order and takes a call without an error for
// success. But PutEvents succeeds also where it has not taken all that it was
// given: how many are missing stands in its answer (FailedEntryCount). Nobody looks
// there, the customer is told that the order is placed, and nobody charges it.
//
// Reported: the EventBridge User Guide, on failures of PutEvents: an answer has an
// entry for each event, in order, and those that have failed are to be found there
// and put again by the caller.
//
// Provoked by: an event that is not taken.
//
// Remedy: what was not taken is put again, and the order fails if that does not
// help.
package failedentries

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// Place is the function place: POST / with an order.
type Place struct {
	Events   *eventbridge.Client
	Repaired bool
}

// Handle tells of an order, and of its delivery.
func (f *Place) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	entries := []types.PutEventsRequestEntry{
		{Source: aws.String("shop"), DetailType: aws.String("ToDeliver"), Detail: &r.Body},
		{Source: aws.String("shop"), DetailType: aws.String("ToCharge"), Detail: &r.Body},
	}
	for range 3 {
		out, err := f.Events.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
		if err != nil {
			return events.APIGatewayV2HTTPResponse{}, err
		}
		if !f.Repaired || out.FailedEntryCount == 0 {
			return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusAccepted}, nil
		}
		entries = missing(entries, out.Entries)
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusServiceUnavailable}, nil
}

// missing are the events that were not taken.
func missing(entries []types.PutEventsRequestEntry, results []types.PutEventsResultEntry) (out []types.PutEventsRequestEntry) {
	for i, r := range results {
		if r.ErrorCode != nil {
			out = append(out, entries[i])
		}
	}
	return out
}

// Charge is the function charge.
type Charge struct{ DynamoDB *dynamodb.Client }

// Handle charges an order, once however often it is told of it.
func (f *Charge) Handle(ctx context.Context, order struct{ Order string }) error {
	_, err := f.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("charges"), Item: map[string]dynamodbtypes.AttributeValue{
		"order": &dynamodbtypes.AttributeValueMemberS{Value: order.Order}}})
	if err != nil {
		return fmt.Errorf("order %s: %w", order.Order, err)
	}
	return nil
}
