// Package coalesced bills what is uploaded: every revision of a report that is
// saved costs something.
//
// Bill is invoked by an event for each object that S3 has created, and puts a
// line on the bill. But where two writes of one key are near each other, and the
// bucket keeps no versions, it may be that a single event is sent. A revision is
// saved then, and never billed.
//
// Reported: the S3 User Guide, on the structure of event messages: "If two writes
// are made to a single non-versioned object at the same time, it is possible that
// only a single event notification is sent."
//
// Provoked by: two revisions that are saved one after the other, of whose events
// one is sent.
//
// Remedy: versioning, as the guide says: each write is a version then, and each
// version has its event.
package coalesced

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Save is the function save.
type Save struct{ S3 *s3.Client }

// Handle saves what an author has written since the last time, every revision as
// the report that the path names.
func (f *Save) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (out events.APIGatewayV2HTTPResponse, err error) {
	var revisions []string
	if json.Unmarshal([]byte(r.Body), &revisions) != nil {
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusBadRequest}, nil
	}
	for _, text := range revisions {
		_, err := f.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("reports"), Key: aws.String(strings.TrimPrefix(r.RawPath, "/")), Body: strings.NewReader(text)})
		if err != nil {
			return out, err
		}
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK}, nil
}

// Bill is the function bill.
type Bill struct{ DynamoDB *dynamodb.Client }

// Handle puts the revisions that events are about on the bill: an event that comes
// again is known by its sequencer.
func (f *Bill) Handle(ctx context.Context, e events.S3Event) error {
	for _, r := range e.Records {
		o := r.S3.Object
		_, err := f.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("bill"), Item: map[string]types.AttributeValue{
			"report": &types.AttributeValueMemberS{Value: o.Key}, "change": &types.AttributeValueMemberS{Value: o.Sequencer}, "etag": &types.AttributeValueMemberS{Value: o.ETag},
		}})
		if err != nil {
			return err
		}
	}
	return nil
}
