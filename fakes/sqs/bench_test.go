package sqs_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

var mails = sqs.New("sqs").With(sqs.Queue{Name: "mails"})

// tenCalls are four messages that are sent, three times one that is received, and
// deleted.
func tenCalls(ctx context.Context, http *http.Client) error {
	c := client.New(client.Options{Region: "us-east-1", HTTPClient: http, Credentials: aws.CredentialsProviderFunc(fakestest.AWSCredentials)})
	queue := aws.String("https://sqs.us-east-1.amazonaws.com/123456789012/mails")
	for n := range 4 {
		if _, err := c.SendMessage(ctx, &client.SendMessageInput{QueueUrl: queue, MessageBody: aws.String(fmt.Sprint("m-", n))}); err != nil {
			return err
		}
	}
	for range 3 {
		got, err := c.ReceiveMessage(ctx, &client.ReceiveMessageInput{QueueUrl: queue})
		if err != nil || len(got.Messages) == 0 {
			return fmt.Errorf("%d messages: %w", len(got.Messages), err)
		}
		if _, err := c.DeleteMessage(ctx, &client.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: got.Messages[0].ReceiptHandle}); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkPlain is ten calls of the client to the service, with nothing between
// that decides: the service and the client are made anew for each ten.
func BenchmarkPlain(b *testing.B) {
	defer search.Steady()()
	b.ReportAllocs()
	for b.Loop() {
		e, err := fakestest.Open(b.Context(), mails)
		if err != nil {
			b.Fatal(err)
		}
		if err := tenCalls(b.Context(), sqs.Client(e, "sqs")); err != nil {
			b.Fatal(err)
		}
		e.Close()
	}
}

// BenchmarkBenign is a run of them in the benign order.
func BenchmarkBenign(b *testing.B) {
	s, err := sim.Compile(sim.Scenario{
		Name: "ten", Platform: gcp.CloudRun(), Services: []cloud.Service{mails}, Meant: []string{"no events"},
		Functions: []sim.Function{{Name: "f", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
				if err := tenCalls(r.Context(), sqs.Client(env, "sqs")); err != nil {
					panic(err)
				}
			}), nil
		}}},
		Clients: []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "f"}}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer search.Steady()()
	b.ReportAllocs()
	for b.Loop() {
		if r := s.Run(scheduler.Benign{}); r.Verdict != sim.Held || len(r.Steps) < 12 {
			b.Fatal(r.Verdict, r.Why, len(r.Steps))
		}
	}
}
