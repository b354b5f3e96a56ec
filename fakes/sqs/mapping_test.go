package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awsclient "github.com/aws/aws-sdk-go-v2/aws"
	sqsclient "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// batches runs a scenario: bodies are sent to a queue in one batch ("group:body"
// of a FIFO queue), and the function that the queue invokes fails for those that
// fails reports. It returns the batches, each with the second in which it came.
func batches(t *testing.T, q sqs.Queue, trigger sqs.Trigger, bodies string, fails func(body string, receives string) bool) string {
	t.Helper()
	var got []string
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	trigger.Queue = q.Name
	scenario := sim.Scenario{
		Name: "mapping", Platform: aws.Lambda(), Services: []cloud.Service{sqs.New("sqs").With(q, sqs.Queue{Name: "dead"}, sqs.Queue{Name: "dead.fifo"})},
		Functions: []sim.Function{
			{Name: "send", New: func(env cloud.Env) (cloud.Handler, error) {
				c := sqsclient.New(sqsclient.Options{Region: aws.Region, Credentials: awsclient.AnonymousCredentials{}, HTTPClient: sqs.Client(env, "sqs")})
				return aws.Handler(func(ctx context.Context) error {
					in := &sqsclient.SendMessageBatchInput{QueueUrl: awsclient.String(aws.QueueURL(q.Name))}
					for i, body := range strings.Fields(bodies) {
						e := types.SendMessageBatchRequestEntry{Id: awsclient.String(fmt.Sprint(i)), MessageBody: &body}
						if group, rest, ok := strings.Cut(body, ":"); ok && q.Name != "q" {
							e.MessageGroupId, e.MessageBody, e.MessageDeduplicationId = &group, &rest, &body
						}
						in.Entries = append(in.Entries, e)
					}
					_, err := c.SendMessageBatch(ctx, in)
					return err
				}), nil
			}},
			{Name: "work", Triggers: []cloud.Trigger{trigger}, Handler: aws.Handler(func(e events.SQSEvent) (out events.SQSEventResponse, err error) {
				s := fmt.Sprintf("%.0fs", time.Since(begin).Seconds())
				for _, m := range e.Records {
					s += " " + m.Body
					if fails != nil && fails(m.Body, m.Attributes["ApproximateReceiveCount"]) {
						err = errors.New("no")
						out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
					}
				}
				got = append(got, s)
				if trigger.ItemFailures {
					err = nil
				}
				return out, err
			})},
		},
		Clients: []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "send"}}}},
	}
	c, err := sim.Compile(scenario)
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Run(scheduler.Benign{}); r.Verdict != sim.Held {
		t.Fatalf("%s (%s)", r.Verdict, r.Why)
	}
	return strings.Join(got, ", ")
}

// What a mapping brings, and what comes again.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func TestMapping(t *testing.T) {
	once := func(body string) func(string, string) bool {
		return func(b, receives string) bool { return b == body && receives == "1" }
	}
	always := func(body string) func(string, string) bool {
		return func(b, _ string) bool { return b == body }
	}
	for _, c := range []struct {
		name    string
		queue   sqs.Queue
		trigger sqs.Trigger
		bodies  string
		fails   func(string, string) bool
		want    string
	}{
		{"a batch", sqs.Queue{Name: "q"}, sqs.Trigger{}, "a b c", nil, "0s a b c"},
		{"batches of two", sqs.Queue{Name: "q"}, sqs.Trigger{BatchSize: 2}, "a b c", nil, "0s a b, 0s c"},
		{"a failure brings all again", sqs.Queue{Name: "q"}, sqs.Trigger{}, "a b c", once("b"), "0s a b c, 30s a b c"},
		{"a reported failure brings one again", sqs.Queue{Name: "q", Visibility: time.Minute}, sqs.Trigger{ItemFailures: true}, "a b c", once("b"), "0s a b c, 60s b"},
		{"dead letters", sqs.Queue{Name: "q", MaxReceives: 2, DeadLetter: "dead"}, sqs.Trigger{ItemFailures: true}, "a b", always("b"), "0s a b, 30s b"},
		{"a window", sqs.Queue{Name: "q"}, sqs.Trigger{Window: 20 * time.Second}, "a b", nil, "20s a b"},
		{"a window that is full", sqs.Queue{Name: "q"}, sqs.Trigger{Window: 20 * time.Second, BatchSize: 2}, "a b", nil, "0s a b"},
		{"filters", sqs.Queue{Name: "q"}, sqs.Trigger{Filters: []string{`{"body":{"n":[{"numeric":[">",1]}]}}`, `{"body":["c"]}`}}, `{"n":1} {"n":2} b c {"n":3}`, nil,
			`0s {"n":2} c {"n":3}`},
		{"a delay", sqs.Queue{Name: "q", Delay: 10 * time.Second}, sqs.Trigger{}, "a", nil, "10s a"},
		{"groups", sqs.Queue{Name: "q.fifo"}, sqs.Trigger{BatchSize: 2}, "g:1 g:2 h:3 g:4", nil, "0s 1 2, 0s 3 4"},
		{"a group that fails waits", sqs.Queue{Name: "q.fifo"}, sqs.Trigger{BatchSize: 1}, "g:1 g:2 h:3", once("1"), "0s 1, 0s 3, 30s 1, 30s 2"},
		{"a poison message blocks its group until it is dead", sqs.Queue{Name: "q.fifo", MaxReceives: 3, DeadLetter: "dead.fifo"}, sqs.Trigger{BatchSize: 1}, "g:1 g:2", always("1"), "0s 1, 30s 1, 60s 1, 90s 2"},
	} {
		if got := batches(t, c.queue, c.trigger, c.bodies, c.fails); got != c.want {
			t.Errorf("%s: got %s, wanted %s", c.name, got, c.want)
		}
	}
}
