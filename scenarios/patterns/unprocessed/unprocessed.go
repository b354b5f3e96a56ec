// Package unprocessed invites guests to an event, many with one request.
//
// Invite writes an invitation for each guest in one batch. A batch is not all or
// nothing: what DynamoDB could not write for lack of throughput it returns, as
// unprocessed, with an answer that is a success. Invite looks at the error alone,
// and the guest is never invited.
//
// Reported: the reference of BatchWriteItem (the caller has to send what is
// returned in UnprocessedItems once more); aws/aws-sdk-go-v2 has no retry of its own
// for it.
//
// Provoked by: a batch that is carried out in part.
//
// Remedy: what was left is sent again, until nothing is.
package unprocessed

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Invite is the function invite.
type Invite struct {
	DynamoDB *dynamodb.Client
	Repaired bool
}

// Handle invites guests: 202 if all are.
func (f *Invite) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	var writes []types.WriteRequest
	for _, guest := range strings.Split(r.QueryStringParameters["guests"], ",") {
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: map[string]types.AttributeValue{
			"guest": &types.AttributeValueMemberS{Value: guest}}}})
	}
	for left := map[string][]types.WriteRequest{"invitations": writes}; len(left) > 0; {
		out, err := f.DynamoDB.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: left})
		if err != nil {
			return events.APIGatewayV2HTTPResponse{}, err
		}
		if left = out.UnprocessedItems; !f.Repaired {
			break
		}
		if len(left) > 0 {
			time.Sleep(50 * time.Millisecond)
		}
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusAccepted}, nil
}
