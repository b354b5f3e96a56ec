package sns_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awsclient "github.com/aws/aws-sdk-go-v2/aws"
	snsclient "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/sns"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// published runs a scenario in which a message is published to a topic, whose
// function it invokes by a trigger, and returns its steps, each with its time.
func published(t *testing.T, trigger sns.Trigger, h cloud.Handler, source scheduler.Source) string {
	t.Helper()
	trigger.Topic = "orders"
	scenario := sim.Scenario{
		Name: "topic", Platform: aws.Lambda(), Services: []cloud.Service{sns.New("sns").With(sns.Topic{Name: "orders"}), sqs.New("sqs").With(sqs.Queue{Name: "dead"})},
		Functions: []sim.Function{
			{Name: "send", New: func(env cloud.Env) (cloud.Handler, error) {
				c := snsclient.New(snsclient.Options{Region: aws.Region, Credentials: awsclient.AnonymousCredentials{}, HTTPClient: sns.Client(env, "sns")})
				return aws.Handler(func(ctx context.Context) error {
					_, err := c.Publish(ctx, &snsclient.PublishInput{TopicArn: awsclient.String(aws.TopicARN("orders")), Message: awsclient.String("hello"), Subject: awsclient.String("s"),
						MessageAttributes: map[string]types.MessageAttributeValue{"k": {DataType: awsclient.String("String"), StringValue: awsclient.String("v")}}})
					return err
				}), nil
			}},
			{Name: "work", Triggers: []cloud.Trigger{trigger}, Handler: h},
		},
		Clients: []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "send"}}}},
	}
	c, err := sim.Compile(scenario)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Run(source)
	if r.Verdict != sim.Held {
		t.Fatalf("%s (%s)", r.Verdict, r.Why)
	}
	var out []string
	for _, s := range r.Steps {
		out = append(out, fmt.Sprintf("%s %s: %s %s", s.Time.Sub(r.Steps[0].Time).Round(time.Second), s.Function, s.What, s.Status))
	}
	return strings.Join(out, "\n")
}

func has(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("got\n%s\nwanted %q", got, w)
		}
	}
}

// A function gets an event of one message, again after 1 and 2 minutes where it
// fails.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
func TestFunction(t *testing.T) {
	got := published(t, sns.Trigger{}, aws.Handler(func(e events.SNSEvent) error {
		m := e.Records[0].SNS
		a, _ := m.MessageAttributes["k"].(map[string]any)
		return fmt.Errorf("%d %s %s %s %s %v", len(e.Records), e.Records[0].EventSource, m.Message, m.Subject, m.TopicArn, a["Value"])
	}), scheduler.Benign{})
	has(t, got, "0s work: gets a message of orders", "error: 1 aws:sns hello s arn:aws:sns:us-east-1:123456789012:orders v", "3m0s work: gets a message of orders, attempt 3")
}

// An endpoint is called four times, 20 s apart, if it answers with 5xx; once, if it
// refuses. Then there are dead letters.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
func TestEndpoint(t *testing.T) {
	answer := func(status int) cloud.Handler {
		return cloud.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var n struct{ Message string }
			if r.Header.Get("X-Amz-Sns-Message-Type") != "Notification" || json.NewDecoder(r.Body).Decode(&n) != nil || n.Message != "hello" {
				status = http.StatusTeapot
			}
			w.WriteHeader(status)
		}))
	}
	got := published(t, sns.Trigger{HTTP: true, DeadLetter: "dead"}, answer(503), scheduler.Benign{})
	has(t, got, "0s work: gets a message of orders by HTTP", "1m0s work: gets a message of orders by HTTP, attempt 4", "work: is dead-lettered 503 Service Unavailable, after 4 attempts")
	got = published(t, sns.Trigger{HTTP: true}, answer(403), scheduler.Benign{})
	has(t, got, "work: is dropped 403 Forbidden, after 1 attempt")
}

// What is wrong with a declaration is told.
func TestCheck(t *testing.T) {
	for want, s := range map[string]*sns.Service{
		"topic \"b\", which is not there": sns.New("sns").With(sns.Topic{Name: "a"}).Subscribe(sns.Subscription{Topic: "b", Queue: "q"}),
		"wanted a queue that is there":    sns.New("sns").With(sns.Topic{Name: "a"}).Subscribe(sns.Subscription{Topic: "a", Queue: "nowhere"}),
		"wanted a standard queue":         sns.New("sns").With(sns.Topic{Name: "a"}).Subscribe(sns.Subscription{Topic: "a", Queue: "q.fifo"}),
		"its Filter: it is no JSON":       sns.New("sns").With(sns.Topic{Name: "a"}).Subscribe(sns.Subscription{Topic: "a", Queue: "q", Filter: "{"}),
		"no name of a topic":              sns.New("sns").With(sns.Topic{Name: "a b"}),
		"two topics":                      sns.New("sns").With(sns.Topic{Name: "a"}, sns.Topic{Name: "a"}),
	} {
		d := cloud.Deployment{Services: []cloud.Service{s, sqs.New("sqs").With(sqs.Queue{Name: "q"})}}
		if err := s.Check(d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, wanted %s", err, want)
		}
	}
}
