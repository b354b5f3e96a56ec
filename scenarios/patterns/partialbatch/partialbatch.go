// Package partialbatch charges orders, a batch of messages at a time.
//
// Charge goes through the batch and logs what fails, so that one bad order does
// not hold up the others. But a function that returns no error has dealt with
// the batch: its messages are deleted, the failed one too. Nobody charges that
// order any more.
//
// Reported: the Lambda Developer Guide, on errors of an SQS event source: a batch
// is deleted when the function succeeds, and one that cannot say which messages
// have failed must fail as a whole.
//
// Provoked by: a call that fails for one message of a batch.
//
// Remedy: the function says which messages have failed (batchItemFailures, and
// ReportBatchItemFailures at the mapping): these come again.
package partialbatch

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Place is the function place.
type Place struct{ SQS *sqs.Client }

// Handle takes an order.
func (f *Place) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	_, err := f.SQS.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String("https://sqs.us-east-1.amazonaws.com/123456789012/orders"), MessageBody: &r.Body})
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusAccepted}, nil
}

// Charge is the function charge.
type Charge struct {
	Payments *http.Client
	Repaired bool
}

// Handle charges a batch of orders.
func (f *Charge) Handle(ctx context.Context, batch events.SQSEvent) (out events.SQSEventResponse, err error) {
	for _, m := range batch.Records {
		err := f.charge(ctx, m)
		if err == nil {
			continue
		}
		log.Printf("an order is not charged: %v", err)
		if f.Repaired {
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return out, nil
}

func (f *Charge) charge(ctx context.Context, m events.SQSMessage) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://payments.example/charges", strings.NewReader(m.Body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", m.MessageId)
	resp, err := f.Payments.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("the payments answer %s", resp.Status)
	}
	return nil
}
