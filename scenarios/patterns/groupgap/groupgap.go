// Package groupgap tells a warehouse what becomes of orders, in their order.
//
// Tell goes through a batch of a FIFO queue, reports the messages that it could
// not deal with, and goes on with the next. Of one order the message that failed
// comes again, and the later ones, which were dealt with, do not: the warehouse
// learns that an order is packed when it has been shipped.
//
// Reported: the Lambda Developer Guide, on partial batch responses: with a FIFO
// queue a function stops at the first failure and reports it and all that it has
// not processed, which "helps preserve the ordering of messages".
//
// Provoked by: a call that fails for a message that others of its group follow.
//
// Remedy: the function stops at the first failure, and reports the rest of the
// batch as failed too.
package groupgap

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Ship is the function ship.
type Ship struct{ SQS *sqs.Client }

// Handle tells that an order, whose number is the path, is packed and shipped.
func (f *Ship) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	order := r.RawPath[1:]
	in := &sqs.SendMessageBatchInput{QueueUrl: aws.String("https://sqs.us-east-1.amazonaws.com/123456789012/told.fifo")}
	for i, stage := range []string{"packed", "shipped"} {
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
			Id: aws.String(stage), MessageGroupId: &order, MessageDeduplicationId: aws.String(order + "-" + stage),
			MessageBody: aws.String(fmt.Sprintf(`{"order":%q,"stage":%d}`, order, i+1)),
		})
	}
	out, err := f.SQS.SendMessageBatch(ctx, in)
	if err == nil && len(out.Failed) > 0 {
		err = fmt.Errorf("%s is not told", *out.Failed[0].Id)
	}
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusAccepted}, nil
}

// Tell is the function tell.
type Tell struct {
	Warehouse *http.Client
	Repaired  bool
}

// Handle passes a batch on.
func (f *Tell) Handle(ctx context.Context, batch events.SQSEvent) (out events.SQSEventResponse, err error) {
	for i, m := range batch.Records {
		if f.tell(ctx, m) == nil {
			continue
		}
		failed := batch.Records[i : i+1]
		if f.Repaired {
			failed = batch.Records[i:]
		}
		for _, m := range failed {
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
		if f.Repaired {
			break
		}
	}
	return out, nil
}

func (f *Tell) tell(ctx context.Context, m events.SQSMessage) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://warehouse.example/stages", strings.NewReader(m.Body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", m.MessageId)
	resp, err := f.Warehouse.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("the warehouse answers %s", resp.Status)
	}
	return nil
}
