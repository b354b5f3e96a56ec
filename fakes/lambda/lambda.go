// Package lambda is the API of AWS Lambda in process: functions that invoke
// others, synchronously and asynchronously, what becomes of asynchronous events,
// and schedules.
//
// A scenario declares it with [New] where a function invokes others by the API
// ([Client]), where settings ([aws.Async]) differ from the defaults, or where there are
// schedules ([Service.Every]). Functions are those of the scenario.
//
//   - A synchronous invocation is never tried again by Lambda; the caller is told
//     of the function's error (X-Amz-Function-Error), of its time limit, or 429.
//   - An asynchronous event is answered with 202 and comes at least once: again
//     after 1 and 2 minutes where the function has failed, and for up to 6 hours
//     where it was throttled; then it goes to the OnFailure destination or the
//     dead letters, or is dropped.
//
// Not supported, and refused by name: all of the API but Invoke; response
// streams, client context, qualifiers other than $LATEST.
// Not there at all: code signing, layers, provisioned concurrency, recursion
// detection.
package lambda

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/fakes/internal/schedule"
)

// Schedule invokes a function asynchronously, as a rule of EventBridge does with
// a schedule expression, or a schedule of EventBridge Scheduler.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
type Schedule struct {
	Name     string // of the rule
	Function string
	Every    time.Duration // 1 min at least; or
	// Expression is rate(5 minutes) or cron(0 10 ? * MON-FRI *), in UTC.
	Expression string
	// Zone makes it a schedule of EventBridge Scheduler, and no rule's: it is the time
	// zone of the Expression, such as Europe/Berlin, or UTC. An Expression there may
	// be at(2026-03-01T09:00:00), for once.
	// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
	Zone string
	// Window is such a schedule's flexible time window, 1 min to 24 h: the function is
	// invoked at some second in it, another for each tick.
	// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-flexible-time-windows.html
	Window time.Duration
	Ticks  int // zero for as long as the run's horizon
	// Input is the payload; default: a scheduled event. EventBridge Scheduler replaces
	// <aws.scheduler.scheduled-time> and its like.
	Input string
}

// payload is what the function gets at a tick.
func (s Schedule) payload(root string, at time.Time) []byte {
	switch {
	case s.Zone != "":
		return schedule.Input(s.Name, s.Input, root, at)
	case s.Input != "":
		return []byte(s.Input)
	}
	return schedule.Event(s.Name, root, at)
}

// when is its expression, or its rate.
func (s Schedule) when() (schedule.Schedule, error) {
	if s.Window != 0 && (s.Zone == "" || s.Window < time.Minute || s.Window > 24*time.Hour) {
		return schedule.Schedule{}, fmt.Errorf("window %v, wanted 1m to 24h, and a Zone: rules have none", s.Window)
	}
	if s.Expression != "" && s.Every == 0 && s.Zone != "" {
		when, err := schedule.ParseIn(s.Expression, s.Zone)
		return when.Within(s.Window), err
	}
	if s.Expression != "" && s.Every == 0 {
		return schedule.Parse(s.Expression)
	}
	if s.Expression != "" || s.Every < time.Minute {
		return schedule.Schedule{}, errors.New("wanted Every, 1m at least, or an Expression")
	}
	return schedule.Every(s.Every).Within(s.Window), nil
}

// Service declares the API. It is a value: its methods return another and leave
// it as it is.
type Service struct {
	cloud.Places

	name      string
	asyncs    []aws.Async
	schedules []Schedule
	once      bool // events do not come again
}

// New declares it under a name, usually "lambda".
func New(name string) *Service { return &Service{name: name} }

// Async returns the service with settings of functions.
func (s *Service) Async(settings ...aws.Async) *Service {
	out := *s
	out.asyncs = append(slices.Clip(s.asyncs), settings...)
	return &out
}

// Every returns the service with schedules.
func (s *Service) Every(schedules ...Schedule) *Service {
	out := *s
	out.schedules = append(slices.Clip(s.schedules), schedules...)
	return &out
}

// At returns the service with addresses at which programs look for it that have
// them written down, such as "localhost:4566".
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short what it is.
func (s *Service) String() string { return "AWS Lambda" }

// Hosts are where production's clients find it.
func (s *Service) Hosts() []string { return []string{"lambda." + aws.Region + ".amazonaws.com"} }

// Drives reports whether it invokes functions by itself.
func (s *Service) Drives() bool { return len(s.schedules) > 0 }

// Check returns the first thing that is wrong with it.
func (s *Service) Check(d cloud.Deployment) error {
	for _, a := range s.asyncs {
		a = a.WithDefaults()
		switch {
		case !d.Has(a.Function):
			return fmt.Errorf("asynchronous events of %q, which is no function", a.Function)
		case a.MaxAge < time.Minute || a.MaxAge > 6*time.Hour || a.Retries > 2:
			return fmt.Errorf("asynchronous events of %q have MaxAge %v and %d retries, wanted 1m to 6h, and at most 2", a.Function, a.MaxAge, a.Retries)
		}
		for _, to := range []string{a.OnSuccess, a.OnFailure, a.DeadLetter} {
			if to != "" && !aws.Exists(&d, to) {
				return fmt.Errorf("asynchronous events of %q go to %s, which is nothing that the scenario declares", a.Function, to)
			}
		}
	}
	for _, b := range d.Of(s.name) {
		t, ok := b.Trigger.(Stream)
		switch {
		case !ok:
			return fmt.Errorf("function %q is triggered by %s, wanted a lambda.Stream", b.Function, b.Trigger)
		case !aws.HasStream(&d, t.Table):
			return fmt.Errorf("function %q is triggered by %s, which the scenario does not declare with a stream", b.Function, b.Trigger)
		case t.OnFailure != "" && !aws.Exists(&d, t.OnFailure):
			return fmt.Errorf("function %q: what is given up of the %s goes to %s, which is nothing that the scenario declares", b.Function, b.Trigger, t.OnFailure)
		}
	}
	for i, x := range s.schedules {
		if slices.ContainsFunc(s.schedules[:i], func(y Schedule) bool { return y.Name == x.Name }) {
			return fmt.Errorf("two schedules are called %q, wanted a name for each", x.Name)
		}
		if x.Name == "" || !d.Has(x.Function) {
			return fmt.Errorf("schedule %q of %q, wanted a name and a function", x.Name, x.Function)
		}
		if _, err := x.when(); err != nil {
			return fmt.Errorf("schedule %q: %w", x.Name, err)
		}
	}
	return nil
}

// Open starts it for a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{kernel: k, service: s, events: map[string]int{}}
	b.Wire = awswire.New(awswire.API{
		Service: "lambda", Called: s.name, Kernel: k, Handle: b.handle, Faults: map[string]awswire.Code{
			"ServiceException":         {Status: http.StatusInternalServerError, Message: "The AWS Lambda service encountered an internal error."},
			"TooManyRequestsException": {Status: http.StatusTooManyRequests, Message: "Rate Exceeded."},
		},
	})
	for _, x := range k.Deployment().Of(s.name) {
		b.shards = append(b.shards, newShard(b, x))
	}
	return b, nil
}

// Client returns an HTTP client of a function instance that reaches this
// service: the HTTPClient of an SDK's client.
func Client(env cloud.Env, service string) *http.Client {
	return env.Backend(service).(*Backend).Client(env)
}

// retries is the guarantee that an event comes again.
const retries = "lambda/retries"

// Guarantees lists what can be taken away.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{{Name: retries, Without: "an asynchronous event whose function fails does not come again",
		Source: "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html",
		Used:   func(cloud.Usage) bool { return true }}}
}

// Without returns the service without a guarantee.
func (s *Service) Without(name string) cloud.Service {
	out := *s
	out.once = out.once || name == retries
	return &out
}

// Map returns the schedules, and what they invoke.
func (s *Service) Map(cloud.Deployment) (parts []cloud.Part, edges []cloud.Edge) {
	for _, x := range s.schedules {
		from := cloud.Part{Kind: "job", Name: x.Name, Doc: x.doc()}
		parts = append(parts, from)
		edges = append(edges, cloud.Edge{From: from, To: cloud.Part{Kind: "function", Name: x.Function}})
	}
	return parts, edges
}

func (s Schedule) doc() string {
	doc := s.Expression
	if doc == "" {
		doc = "every " + cloud.Short(s.Every)
	}
	if s.Zone != "" && s.Zone != "UTC" {
		doc += " " + s.Zone
	}
	if s.Window > 0 {
		doc += ", within " + cloud.Short(s.Window)
	}
	return doc
}

// Way is from who invokes to the function.
func (s *Service) Way(function string, op *event.Operation) (cloud.Edge, bool) {
	return cloud.Edge{From: cloud.Part{Kind: "function", Name: function}, To: cloud.Part{Kind: "function", Name: op.Resource}}, op.Method == "Invoke"
}
