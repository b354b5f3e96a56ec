// Package stuckrecord charges an order once, whoever asks for it how often, by a
// record in DynamoDB as idempotency libraries keep it.
//
// Charge writes a record "INPROGRESS" on condition that there is none, or that
// it has expired, does its work, and writes "COMPLETED". An instance that dies in
// between leaves the record: for an hour every further request is answered that
// the first is being worked on, which nobody does.
//
// Reported: aws-powertools/powertools-lambda-python, issues 738 and 1038; what has come
// of them is in_progress_expiration.
//
// Provoked by: a crash after the record is written, or a time limit.
//
// Remedy: a record in progress expires by itself when its invocation's time is up,
// and may be taken over; the payment service knows the order by its key.
package stuckrecord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Charge is the function charge.
type Charge struct {
	DynamoDB *dynamodb.Client
	Payments *http.Client
	Repaired bool
}

// Handle charges an order: 200 if it is charged, 503 if that is being done.
func (f *Charge) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	order := r.QueryStringParameters["order"]
	err := f.begin(ctx, order)
	var taken *types.ConditionalCheckFailedException
	if errors.As(err, &taken) {
		if s, ok := taken.Item["status"].(*types.AttributeValueMemberS); ok && s.Value == "COMPLETED" {
			return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK}, nil
		}
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusServiceUnavailable}, nil
	}
	if err == nil {
		err = f.charge(ctx, order)
	}
	if err == nil {
		_, err = f.DynamoDB.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: aws.String("idempotency"), Key: map[string]types.AttributeValue{"id": text(order)},
			UpdateExpression: aws.String("SET #status = :done"), ExpressionAttributeNames: map[string]string{"#status": "status"},
			ExpressionAttributeValues: map[string]types.AttributeValue{":done": text("COMPLETED")}})
	}
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK}, nil
}

// begin writes the record.
func (f *Charge) begin(ctx context.Context, order string) error {
	now := time.Now()
	limit, _ := ctx.Deadline()
	put := &dynamodb.PutItemInput{TableName: aws.String("idempotency"),
		Item:                                map[string]types.AttributeValue{"id": text(order), "status": text("INPROGRESS"), "expiration": number(now.Add(time.Hour).Unix())},
		ConditionExpression:                 aws.String("attribute_not_exists(id) OR expiration < :now"),
		ExpressionAttributeValues:           map[string]types.AttributeValue{":now": number(now.Unix())},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
	if f.Repaired {
		put.Item["in_progress_expiration"] = number(limit.UnixMilli())
		put.ConditionExpression = aws.String("attribute_not_exists(id) OR expiration < :now OR (#status = :begun AND in_progress_expiration < :ms)")
		put.ExpressionAttributeNames = map[string]string{"#status": "status"}
		put.ExpressionAttributeValues[":begun"] = text("INPROGRESS")
		put.ExpressionAttributeValues[":ms"] = number(now.UnixMilli())
	}
	_, err := f.DynamoDB.PutItem(ctx, put)
	return err
}

func (f *Charge) charge(ctx context.Context, order string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://payments.example/charges", strings.NewReader(fmt.Sprintf(`{"order":%q}`, order)))
	if err != nil {
		return err
	}
	r.Header.Set("Idempotency-Key", order)
	resp, err := f.Payments.Do(r)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		err = fmt.Errorf("the payments answer %s", resp.Status)
	}
	return errors.Join(err, resp.Body.Close())
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
