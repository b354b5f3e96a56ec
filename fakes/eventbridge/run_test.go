package eventbridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awsclient "github.com/aws/aws-sdk-go-v2/aws"
	bridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/eventbridge"
	"github.com/wtsim/wtsim/fakes/sns"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

const detail = `{"order":"o-1","items":[{"n":1},{"n":2}],"price":3.0}`

// put runs a scenario in which an event is put on the default bus, with rules and
// a function that one of them invokes by a trigger, and returns its steps, each
// with its time, and what the function was given.
func put(t *testing.T, s *eventbridge.Service, trigger eventbridge.Trigger, h cloud.Handler) string {
	t.Helper()
	scenario := sim.Scenario{
		Name: "bus", Platform: aws.Lambda(),
		Services: []cloud.Service{s, sqs.New("sqs").With(sqs.Queue{Name: "q"}, sqs.Queue{Name: "f.fifo"}, sqs.Queue{Name: "dead"}), sns.New("sns").With(sns.Topic{Name: "t"})},
		Functions: []sim.Function{
			{Name: "send", New: func(env cloud.Env) (cloud.Handler, error) {
				c := bridge.New(bridge.Options{Region: aws.Region, Credentials: awsclient.AnonymousCredentials{}, HTTPClient: eventbridge.Client(env, "eventbridge")})
				return aws.Handler(func(ctx context.Context) error {
					_, err := c.PutEvents(ctx, &bridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{Source: awsclient.String("shop"), DetailType: awsclient.String("Placed"), Detail: awsclient.String(detail)}}})
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
	r := c.Run(scheduler.Benign{})
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

func placed(targets ...eventbridge.Target) *eventbridge.Service {
	return eventbridge.New("eventbridge").With(eventbridge.Rule{Name: "placed", Pattern: `{"source":["shop"],"detail":{"price":[{"numeric":[">",2]}]}}`, Targets: targets})
}

// A function gets the event as it is, and again where it fails.
func TestFunction(t *testing.T) {
	got := put(t, placed(), eventbridge.Trigger{Rule: "placed"}, aws.Handler(func(e events.EventBridgeEvent) error {
		return fmt.Errorf("%s %s %s %s", e.Source, e.DetailType, e.Detail, e.AccountID)
	}))
	has(t, got, "0s work: gets the event Placed", "error: shop Placed "+detail+" 123456789012", "3m0s work: gets the event Placed, attempt 3")
}

// What a target gets instead.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
func TestInput(t *testing.T) {
	for _, c := range []struct {
		input eventbridge.Input
		want  string
	}{
		{eventbridge.Input{Text: `{"a":1}`}, `{"a":1}`},
		{eventbridge.Input{Path: "$.detail.items[1]"}, `{"n":2}`},
		{eventbridge.Input{Path: "$.detail.items[7]"}, `null`},
		{eventbridge.Input{Template: `"order <o> costs <p>"`, Paths: map[string]string{"o": "$.detail.order", "p": "$.detail.price"}}, `"order o-1 costs 3.0"`},
		{eventbridge.Input{Template: `{"order":<o>,"all":<items>,"none":<x>,"says":"<o>: <x>","by":"<aws.events.rule-name>"}`,
			Paths: map[string]string{"o": "$.detail.order", "items": "$.detail.items", "x": "$.detail.x"}}, `{"order":"o-1","all":[{"n":1},{"n":2}],"none":null,"says":"o-1: ","by":"placed"}`},
	} {
		got := ""
		put(t, placed(), eventbridge.Trigger{Rule: "placed", Input: c.input}, aws.Handler(func(in json.RawMessage) error {
			got = string(in)
			return nil
		}))
		if got != c.want {
			t.Errorf("%+v: got %s, wanted %s", c.input, got, c.want)
		}
	}
}

// An endpoint is called again for a day; then there are dead letters. What it
// refuses is not repeated.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
func TestEndpoint(t *testing.T) {
	answer := func(status int) cloud.Handler {
		return cloud.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if body, err := io.ReadAll(r.Body); err != nil || !strings.Contains(string(body), `"detail-type":"Placed"`) {
				status = http.StatusTeapot
			}
			w.WriteHeader(status)
		}))
	}
	got := put(t, placed(), eventbridge.Trigger{Rule: "placed", HTTP: true, DeadLetter: "dead"}, answer(503))
	has(t, got, "0s work: gets the event Placed by HTTP", "1s work: gets the event Placed by HTTP, attempt 2", "3s work: gets the event Placed by HTTP, attempt 3", "work: is dead-lettered 503 Service Unavailable")
	if n := strings.Count(got, "by HTTP"); n < 140 || n > 186 || strings.Contains(got, "24h1") {
		t.Errorf("%d attempts", n)
	}
	got = put(t, placed(), eventbridge.Trigger{Rule: "placed", HTTP: true, Retries: 2}, answer(429))
	has(t, got, "work: is dropped 429 Too Many Requests, after 3 attempts")
	got = put(t, placed(), eventbridge.Trigger{Rule: "placed", HTTP: true}, answer(404))
	has(t, got, "work: is dropped 404 Not Found, after 1 attempt")
}

// A rule with a schedule makes events for its targets.
func TestSchedule(t *testing.T) {
	s := eventbridge.New("eventbridge").With(eventbridge.Rule{Name: "nightly", Schedule: "cron(30 2 * * ? *)", Ticks: 2})
	got := put(t, s, eventbridge.Trigger{Rule: "nightly"}, aws.Handler(func(e events.EventBridgeEvent) error {
		if e.Source != "aws.events" || e.DetailType != "Scheduled Event" || e.Resources[0] != "arn:aws:events:us-east-1:123456789012:rule/nightly" || e.Time.Hour() != 2 {
			return errors.New("another event")
		}
		return nil
	}))
	if strings.Count(got, "gets a tick of nightly") != 2 || strings.Count(got, "work: ends ok") != 2 {
		t.Errorf("got\n%s", got)
	}
}

// What is wrong with a declaration is told.
func TestCheck(t *testing.T) {
	rule := func(r eventbridge.Rule) *eventbridge.Service { return eventbridge.New("eventbridge").With(r) }
	for want, s := range map[string]*eventbridge.Service{
		"wanted a Pattern or a Schedule": rule(eventbridge.Rule{Name: "r"}),
		"its Pattern: it is no JSON":     rule(eventbridge.Rule{Name: "r", Pattern: "{"}),
		"wanted rate(":                   rule(eventbridge.Rule{Name: "r", Schedule: "every day"}),
		"wanted one of [\"default\"]":    rule(eventbridge.Rule{Name: "r", Bus: "b", Pattern: `{"a":[1]}`}),
		"which is not there":             rule(eventbridge.Rule{Name: "r", Pattern: `{"a":[1]}`, Targets: []eventbridge.Target{{Queue: "nowhere"}}}),
		"wanted one of a FIFO queue":     rule(eventbridge.Rule{Name: "r", Pattern: `{"a":[1]}`, Targets: []eventbridge.Target{{Queue: "f.fifo"}}}),
		"which its Paths do not have":    rule(eventbridge.Rule{Name: "r", Pattern: `{"a":[1]}`, Targets: []eventbridge.Target{{Queue: "q", Input: eventbridge.Input{Template: `"<x>"`}}}}),
		"is no path":                     rule(eventbridge.Rule{Name: "r", Pattern: `{"a":[1]}`, Targets: []eventbridge.Target{{Queue: "q", Input: eventbridge.Input{Path: "$.a.*"}}}}),
		"wanted the default bus":         eventbridge.New("eventbridge").Buses("b").With(eventbridge.Rule{Name: "r", Bus: "b", Schedule: "rate(1 hour)"}),
		"has 6 targets, wanted 5":        rule(eventbridge.Rule{Name: "r", Pattern: `{"a":[1]}`, Targets: slicesOf(6)}),
	} {
		d := cloud.Deployment{Services: []cloud.Service{s, sqs.New("sqs").With(sqs.Queue{Name: "q"}, sqs.Queue{Name: "f.fifo"})}}
		if err := s.Check(d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, wanted %s", err, want)
		}
	}
}

func slicesOf(n int) (out []eventbridge.Target) {
	for range n {
		out = append(out, eventbridge.Target{Queue: "q"})
	}
	return out
}
