// Package dedupwindow pays out winnings that are asked for once.
//
// Ask sends a message to a FIFO queue, with the claim's number as deduplication
// id, and Pay pays out what it gets. The queue knows an id for five minutes. Who
// was not answered asks again, and does so after longer than that when the line
// was gone: the queue takes the second message for a new one, and the claim is
// paid twice.
//
// Reported: the Amazon SQS Developer Guide, on the deduplication interval of FIFO
// queues, with Powertools for AWS Lambda (Python), issue 2023, on windows that are
// shorter than the work.
//
// Provoked by: an answer that is lost, and a client that asks again after more
// than five minutes.
//
// Remedy: the payment has the claim's number as its idempotency key: the queue's
// window is no more than a saving.
package dedupwindow

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Ask is the function ask.
type Ask struct{ SQS *sqs.Client }

// Handle queues the claim whose number is the path.
func (f *Ask) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	claim := r.RawPath[1:]
	_, err := f.SQS.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: aws.String("https://sqs.us-east-1.amazonaws.com/123456789012/claims.fifo"), MessageBody: aws.String(fmt.Sprintf(`{"claim":%q}`, claim)),
		MessageGroupId: &claim, MessageDeduplicationId: &claim,
	})
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusAccepted}, nil
}

// Pay is the function pay.
type Pay struct {
	Bank     *http.Client
	Repaired bool
}

// Handle pays out what a batch asks for.
func (f *Pay) Handle(ctx context.Context, batch events.SQSEvent) error {
	for _, m := range batch.Records {
		if err := f.pay(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (f *Pay) pay(ctx context.Context, m events.SQSMessage) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://bank.example/payments", strings.NewReader(m.Body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", m.MessageId)
	if f.Repaired {
		r.Header.Set("Idempotency-Key", m.Attributes["MessageDeduplicationId"])
	}
	resp, err := f.Bank.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("the bank answers %s", resp.Status)
	}
	return nil
}
