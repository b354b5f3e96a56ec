package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	awsclient "github.com/aws/aws-sdk-go-v2/aws"
	lambdaclient "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/fakes/lambda"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// run runs a scenario in which function "caller" does what is given, and "other"
// what else is; it returns the steps as text, and what queues hold.
func run(t *testing.T, s *lambda.Service, call func(context.Context, *lambdaclient.Client) error, other any, change func(*sim.Scenario)) string {
	t.Helper()
	scenario := sim.Scenario{
		Name: "lambda", Platform: aws.Lambda(),
		Services: []cloud.Service{s, sqs.New("sqs").With(sqs.Queue{Name: "dead"}, sqs.Queue{Name: "done"})},
		Functions: []sim.Function{
			{Name: "caller", Timeout: time.Minute, New: func(env cloud.Env) (cloud.Handler, error) {
				client := lambdaclient.New(lambdaclient.Options{Region: aws.Region, Credentials: awsclient.AnonymousCredentials{}, HTTPClient: lambda.Client(env, "lambda"), RetryMaxAttempts: 1})
				return aws.Handler(func(ctx context.Context) error { return call(ctx, client) }), nil
			}},
			{Name: "other", Handler: aws.Handler(other)},
		},
		Clients: []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "caller"}}}},
	}
	if change != nil {
		change(&scenario)
	}
	c, err := sim.Compile(scenario)
	if err != nil {
		t.Fatal(err)
	}
	return told(t, c.Run(scheduler.Benign{}))
}

// told are the steps of a run that holds.
func told(t *testing.T, r *sim.Result) string {
	t.Helper()
	if r.Verdict != sim.Held {
		t.Errorf("%s (%s)", r.Verdict, r.Why)
	}
	var out []string
	for _, st := range r.Steps {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s: %s %s", st.Time.Sub(r.Steps[0].Time).Round(time.Second), st.Function, st.What, st.Status)))
	}
	return strings.Join(out, "\n")
}

func has(t *testing.T, got string, lines ...string) {
	t.Helper()
	for _, want := range lines {
		if !strings.Contains(got+"\n", want+"\n") {
			t.Errorf("wanted %q in\n%s", want, got)
		}
	}
}

// A synchronous invocation returns what the function does, or tells its error.
func TestInvoke(t *testing.T) {
	var told []string
	got := run(t, lambda.New("lambda"), func(ctx context.Context, c *lambdaclient.Client) error {
		for _, n := range []string{"1", "-1"} {
			out, err := c.Invoke(ctx, &lambdaclient.InvokeInput{FunctionName: awsclient.String("other"), Payload: []byte(n)})
			if err != nil {
				return err
			}
			told = append(told, fmt.Sprintf("%d %s%s", out.StatusCode, awsclient.ToString(out.FunctionError), out.Payload))
		}
		_, err := c.Invoke(ctx, &lambdaclient.InvokeInput{FunctionName: awsclient.String("nobody")})
		if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
			return fmt.Errorf("of no function: %w", err)
		}
		return nil
	}, func(n int) (int, error) {
		if n < 0 {
			return 0, errors.New("below zero")
		}
		return n + 1, nil
	}, nil)
	has(t, got, "0s caller: ends 200", "0s caller: lambda Invoke other (waits)", "0s other: is invoked by caller")
	if want := `[200 2 200 Unhandled{"errorMessage":"below zero","errorType":"errorString"}]`; fmt.Sprint(told) != want {
		t.Errorf("got %s, wanted %s", told, want)
	}
}

// A caller is told of a time limit, at which the other's instance ends; and of
// 429, where reserved concurrency is used up.
func TestLimits(t *testing.T) {
	invoke := func(want string) func(context.Context, *lambdaclient.Client) error {
		return func(ctx context.Context, c *lambdaclient.Client) error {
			out, err := c.Invoke(ctx, &lambdaclient.InvokeInput{FunctionName: awsclient.String("other")})
			got := fmt.Sprint(err)
			if err == nil {
				got = string(out.Payload)
			}
			if !strings.Contains(got, want) {
				return fmt.Errorf("told %s, wanted %s", got, want)
			}
			return nil
		}
	}
	got := run(t, lambda.New("lambda"), invoke("Task timed out"), func(ctx context.Context) error { time.Sleep(time.Minute); return nil }, nil)
	has(t, got, "3s other: reaches its time limit, and its instance ends 502", "3s caller: ends 200")
	got = run(t, lambda.New("lambda"), invoke("TooManyRequestsException"), func() error { time.Sleep(time.Second); return nil }, func(s *sim.Scenario) {
		s.Functions[1].MaxInstances = 1
		s.Functions[0].New, s.Clients = delayed(s.Functions[0].New), append(s.Clients, sim.Client{Name: "bob", Requests: []sim.Request{{Function: "other"}}})
	})
	has(t, got, "0s other: is refused 429, no instance after 1µs", "0s caller: ends 200")
}

// delayed makes a constructor's calls come when another client's have begun.
func delayed(f func(cloud.Env) (cloud.Handler, error)) func(cloud.Env) (cloud.Handler, error) {
	return func(env cloud.Env) (cloud.Handler, error) {
		time.Sleep(100 * time.Millisecond)
		return f(env)
	}
}

// An asynchronous event comes three times, after one minute and after two, with
// one request id, and then goes to its destination and the dead letters.
func TestAsync(t *testing.T) {
	s := lambda.New("lambda").Async(aws.Async{Function: "other", OnFailure: aws.QueueARN("done"), DeadLetter: aws.QueueARN("dead")})
	event := func(ctx context.Context, c *lambdaclient.Client) error {
		out, err := c.Invoke(ctx, &lambdaclient.InvokeInput{FunctionName: awsclient.String("other"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"n":1}`)})
		if err == nil && out.StatusCode != 202 {
			err = fmt.Errorf("answered %d", out.StatusCode)
		}
		return err
	}
	got := run(t, s, event, func(map[string]int) error { return errors.New("no") }, nil)
	has(t, got, "0s other: gets an asynchronous event", "1m0s other: gets an asynchronous event, attempt 2", "3m0s other: gets an asynchronous event, attempt 3",
		"3m0s other: goes to its destination after 3 attempts")
	got = run(t, lambda.New("lambda").Async(aws.Async{Function: "other", Retries: -1}), event, func(map[string]int) error { return errors.New("no") }, nil)
	has(t, got, "0s other: is dropped after 1 attempt")
}

// A schedule invokes a function with its event.
func TestSchedule(t *testing.T) {
	s := lambda.New("lambda").Every(lambda.Schedule{Name: "nightly", Function: "other", Expression: "cron(30 2 * * ? *)", Ticks: 2})
	got := run(t, s, func(context.Context, *lambdaclient.Client) error { return nil }, func(e map[string]json.RawMessage) error {
		if string(e["source"]) != `"aws.events"` || string(e["resources"]) != `["arn:aws:events:us-east-1:123456789012:rule/nightly"]` {
			return fmt.Errorf("got %s", e)
		}
		return nil
	}, nil)
	if strings.Count(got, "gets an asynchronous event") != 2 || strings.Count(got, "other: ends ok") != 2 {
		t.Errorf("got\n%s", got)
	}
}

// A schedule of EventBridge Scheduler follows its time zone, invokes within its window,
// and brings its own event, or an input with what it knows of the tick.
func TestScheduler(t *testing.T) {
	begin := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		of   lambda.Schedule
		want string // of the events
		at   []time.Duration
	}{
		{lambda.Schedule{Expression: "cron(30 2 * * ? *)", Zone: "Europe/Berlin"}, `"aws.scheduler" "{}" ["arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"]`,
			[]time.Duration{90 * time.Minute, 48*time.Hour + 30*time.Minute}},
		{lambda.Schedule{Expression: "at(2026-03-28T10:00:00)", Zone: "UTC", Input: `{"source":"<aws.scheduler.scheduled-time>","detail":<aws.scheduler.attempt-number>}`},
			`"2026-03-28T10:00:00Z" 1 `, []time.Duration{10 * time.Hour}},
	} {
		c.of.Name, c.of.Function, c.of.Ticks = "nightly", "other", 2
		var at []time.Duration
		run(t, lambda.New("lambda").Every(c.of), func(context.Context, *lambdaclient.Client) error { return nil }, func(e map[string]json.RawMessage) error {
			at = append(at, time.Since(begin).Truncate(time.Minute))
			if got := fmt.Sprintf("%s %s %s", e["source"], e["detail"], e["resources"]); got != c.want {
				return fmt.Errorf("got %s", got)
			}
			return nil
		}, func(s *sim.Scenario) { s.Epoch = begin })
		if !slices.Equal(at, c.at) {
			t.Errorf("%s: at %v, wanted %v", c.of.Expression, at, c.at)
		}
	}
}

// A window spreads ticks, each within it.
func TestSchedulerWindow(t *testing.T) {
	var at []time.Duration
	s := lambda.New("lambda").Every(lambda.Schedule{Name: "sweep", Function: "other", Expression: "rate(1 hour)", Zone: "UTC", Window: 15 * time.Minute, Ticks: 5})
	run(t, s, func(context.Context, *lambdaclient.Client) error { return nil }, func(e struct{ Time time.Time }) {
		at = append(at, time.Since(e.Time))
	}, nil)
	slices.Sort(at)
	if distinct := slices.Compact(slices.Clone(at)); len(at) != 5 || len(distinct) < 4 || at[0] < 0 || at[4] > 15*time.Minute {
		t.Errorf("late by %v", at)
	}
}

// What is no schedule is told.
func TestScheduleWrong(t *testing.T) {
	for want, x := range map[string]lambda.Schedule{
		"no time zone":  {Expression: "rate(1 hour)", Zone: "Berlin"},
		"wanted rate(":  {Expression: "at(2026-03-28T10:00:00)"},
		"1m to 24h":     {Expression: "rate(1 hour)", Zone: "UTC", Window: 25 * time.Hour},
		"rules have no": {Expression: "rate(1 hour)", Window: time.Minute},
	} {
		x.Name, x.Function = "x", "f"
		scenario := sim.Scenario{Name: "wrong", Platform: aws.Lambda(), Services: []cloud.Service{lambda.New("lambda").Every(x)},
			Functions: []sim.Function{{Name: "f", Handler: aws.Handler(func() {})}}}
		if _, err := sim.Compile(scenario); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, wanted %s", err, want)
		}
	}
}

// What goes nowhere, or comes from nowhere, is told before a run: it would be dropped,
// and never come, without a word.
func TestNowhere(t *testing.T) {
	orders := dynamodb.New("dynamodb", dynamodb.Table{Name: "orders", Keys: "id S"})
	for want, c := range map[string]struct {
		async aws.Async
		on    []cloud.Trigger
		with  *dynamodb.Service
	}{
		"go to " + aws.QueueARN("nope"):         {async: aws.Async{OnFailure: aws.QueueARN("nope")}},
		"go to " + aws.FunctionARN("nope"):      {async: aws.Async{OnSuccess: aws.FunctionARN("nope")}},
		"go to nope":                            {async: aws.Async{DeadLetter: "nope"}},
		"does not declare with a stream":        {on: []cloud.Trigger{lambda.Stream{Table: "orders"}}, with: orders},
		"table other, which":                    {on: []cloud.Trigger{lambda.Stream{Table: "other"}}, with: orders},
		"changes of table orders goes to a-arn": {on: []cloud.Trigger{lambda.Stream{Table: "orders", OnFailure: "a-arn"}}, with: dynamodb.New("dynamodb", dynamodb.Table{Name: "orders", Keys: "id S", Stream: "KEYS_ONLY"})},
	} {
		c.async.Function = "f"
		s := sim.Scenario{Name: "nowhere", Platform: aws.Lambda(), Services: []cloud.Service{lambda.New("lambda").Async(c.async)},
			Functions: []sim.Function{{Name: "f", Handler: aws.Handler(func() {}), Triggers: c.on}}}
		if c.with != nil {
			s.Services = append(s.Services, c.with)
		}
		if _, err := sim.Compile(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, wanted %s", err, want)
		}
	}
}

// deviates takes an option wherever it is offered, and notes at which steps.
type deviates struct {
	option string
	at     []string
}

func (d *deviates) Choose(x *scheduler.Decision) int {
	for i, o := range x.Options {
		if o.Do == d.option {
			d.at = append(d.at, x.At)
			return i
		}
	}
	return 0
}

// An asynchronous event may be deleted from its queue where the function has refused
// it, as it cannot keep up; nowhere else.
func TestDropped(t *testing.T) {
	for _, c := range []struct {
		most int
		want string
	}{{2, "runs 2, dropped 0"}, {1, "runs 1, dropped 1"}} {
		runs := 0
		s := sim.Scenario{
			Name: "dropped", Platform: aws.Lambda(), Services: []cloud.Service{lambda.New("lambda")},
			Functions: []sim.Function{
				{Name: "caller", New: func(env cloud.Env) (cloud.Handler, error) {
					client := lambdaclient.New(lambdaclient.Options{Region: aws.Region, Credentials: awsclient.AnonymousCredentials{}, HTTPClient: lambda.Client(env, "lambda")})
					return aws.Handler(func(ctx context.Context) error {
						for range 2 {
							if _, err := client.Invoke(ctx, &lambdaclient.InvokeInput{FunctionName: awsclient.String("other"), InvocationType: types.InvocationTypeEvent}); err != nil {
								return err
							}
						}
						return nil
					}), nil
				}},
				{Name: "other", MaxInstances: c.most, Handler: aws.Handler(func() { runs++; time.Sleep(time.Second) })},
			},
			Clients: []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "caller"}}}},
		}
		compiled, err := sim.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		d := &deviates{option: cloud.Drop}
		steps := told(t, compiled.Run(d))
		if got := fmt.Sprintf("runs %d, dropped %d", runs, len(d.at)); got != c.want {
			t.Errorf("with %d instances: %s, wanted %s\n%s", c.most, got, c.want, steps)
		}
	}
}
