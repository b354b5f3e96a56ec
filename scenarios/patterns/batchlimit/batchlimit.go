// Package batchlimit starts the processing of uploaded documents, a batch of
// messages at a time.
//
// Start starts an execution for each document of a batch. When its time is up in
// the middle, or at the end, Lambda ends the instance and the whole batch comes
// again: what was started is started again, and paid for again.
//
// Reported: aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws,
// issue 904 (the function is killed at its time limit with part of the batch done).
//
// Provoked by: the time limit, or whatever else ends an invocation in the middle
// of its batch.
//
// Remedy: an execution has the document's name as its idempotency key. Starting
// one that was started before changes nothing.
package batchlimit

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Upload is the function upload.
type Upload struct{ SQS *sqs.Client }

// Handle queues the document whose name is the path.
func (f *Upload) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	_, err := f.SQS.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String("https://sqs.us-east-1.amazonaws.com/123456789012/documents"),
		MessageBody: aws.String(fmt.Sprintf(`{"document":%q}`, r.RawPath[1:]))})
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusAccepted}, nil
}

// Start is the function start.
type Start struct {
	Executions *http.Client
	Repaired   bool
}

// Handle starts an execution for each document of a batch.
func (f *Start) Handle(ctx context.Context, batch events.SQSEvent) error {
	for _, m := range batch.Records {
		if err := f.start(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (f *Start) start(ctx context.Context, m events.SQSMessage) error {
	var document struct{ Document string }
	if err := json.Unmarshal([]byte(m.Body), &document); err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://executions.example/executions", strings.NewReader(m.Body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if f.Repaired {
		r.Header.Set("Idempotency-Key", document.Document)
	}
	resp, err := f.Executions.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("the executions answer %s", resp.Status)
	}
	return nil
}
