// Command worker is a function of Lambda that a queue invokes: it mails receipts,
// and says which it could not.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// mailed are the messages whose receipt is on its way, as one may come again.
var mailed = map[string]bool{}

func handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	var out events.SQSEventResponse
	for _, m := range batch.Records {
		if err := mail(ctx, m); err != nil {
			lc, _ := lambdacontext.FromContext(ctx)
			log.Printf("%s: message %s: %v", lc.AwsRequestID, m.MessageId, err)
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return out, nil
}

func mail(ctx context.Context, m events.SQSMessage) error {
	if mailed[m.MessageId] {
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://mail.example/receipts", strings.NewReader(m.Body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("the mailer answers %s", resp.Status)
	}
	mailed[m.MessageId] = true
	return nil
}

func main() { lambda.Start(handle) }
