// Package eventbridge is Amazon EventBridge in process, behind the real clients of
// AWS's SDKs: event buses, rules with patterns and with schedules, and what brings
// events to functions of Lambda, queues of SQS, topics of SNS, and HTTP endpoints.
//
// A scenario declares it with [New], its buses with [Service.Buses] and its rules
// with [Service.With]; a function is a rule's target by a [Trigger].
//
//   - PutEvents may fail in part: what it has not taken is told in its answer, and
//     the call succeeds all the same.
//   - A target gets an event at least once, in no order, as it is or as its input
//     says.
//   - A function gets it asynchronously: what becomes of it then is Lambda's
//     matter. An endpoint (API destination) is called again for 24 hours, 185 times
//     at most, and then the event goes to the target's dead letters.
//   - Schedules are rates and cron expressions, in UTC.
//
// Not supported, and refused by name: to make, change or remove buses, rules and
// targets; partner events, archives, replays, pipes, schemas, global endpoints; an
// event for a bus that is not declared.
// Not there at all: quotas of requests, permissions, other accounts and regions.
package eventbridge

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/fakes/internal/pattern"
	"github.com/wtsim/wtsim/fakes/internal/schedule"
	"github.com/wtsim/wtsim/probe"
)

// DefaultName is the name of the EventBridge that triggers are of by default.
const DefaultName = "eventbridge"

// defaultBus is always there.
const defaultBus = "default"

// Rule tells which events of a bus go to its targets, or when events are made for
// them.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html
type Rule struct {
	Name string
	Bus  string // default: "default"
	// Pattern is an event pattern in JSON, or
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
	Pattern string
	// Schedule is rate(5 minutes) or cron(0 10 ? * MON-FRI *), of the default bus.
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
	Schedule string
	Ticks    int // of a schedule, at most; zero for as long as the run's horizon
	// Targets are those that are no functions, five of a rule at most.
	Targets []Target
}

func (r Rule) withDefaults() Rule {
	cloud.SetDefault(&r.Bus, defaultBus)
	r.Targets = slices.Clone(r.Targets)
	return r
}

func (r Rule) check(d *cloud.Deployment) error {
	switch {
	case r.Name == "":
		return errors.New("a rule has no name")
	case (r.Pattern == "") == (r.Schedule == ""):
		return fmt.Errorf("rule %q: wanted a Pattern or a Schedule, one of them", r.Name)
	case r.Schedule != "" && r.Bus != defaultBus:
		return fmt.Errorf("rule %q has a Schedule on bus %q, wanted the default bus", r.Name, r.Bus)
	case r.Ticks < 0 || r.Ticks > 0 && r.Schedule == "":
		return fmt.Errorf("rule %q has %d Ticks, wanted a Schedule and zero or more", r.Name, r.Ticks)
	}
	if _, err := r.compile(); err != nil {
		return fmt.Errorf("rule %q: %w", r.Name, err)
	}
	for _, t := range r.Targets {
		if err := t.check(d); err != nil {
			return fmt.Errorf("rule %q: %w", r.Name, err)
		}
	}
	return nil
}

// compile reads pattern and schedule.
func (r Rule) compile() (c compiled, err error) {
	if r.Schedule != "" {
		c.due, err = schedule.Parse(r.Schedule)
		return c, err
	}
	if c.pattern, err = pattern.Compile(r.Pattern, pattern.Event); err != nil {
		return c, fmt.Errorf("its Pattern: %w", err)
	}
	return c, nil
}

type compiled struct {
	pattern *pattern.Pattern
	due     schedule.Schedule
}

// String tells how it is declared.
func (r Rule) String() string {
	if r.Schedule != "" {
		return r.Schedule
	}
	return r.Pattern + " of bus " + r.Bus
}

// Service declares an EventBridge. It is a value: its methods return another and
// leave it as it is.
type Service struct {
	cloud.Places

	name    string
	buses   []string
	rules   []Rule
	without []string // guarantees
}

// New declares an EventBridge under a name, usually "eventbridge". It has the
// default bus.
func New(name string) *Service { return &Service{name: name, buses: []string{defaultBus}} }

// Buses returns the service with further event buses.
func (s *Service) Buses(names ...string) *Service {
	out := *s
	out.buses = append(slices.Clip(s.buses), names...)
	return &out
}

// With returns the service with rules.
func (s *Service) With(rules ...Rule) *Service {
	out := *s
	out.rules = slices.Clip(s.rules)
	for _, r := range rules {
		out.rules = append(out.rules, r.withDefaults())
	}
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
func (s *Service) String() string { return "Amazon EventBridge" }

// Hosts are where production's clients find it.
func (s *Service) Hosts() []string { return []string{"events." + aws.Region + ".amazonaws.com"} }

// ARNs are those of the buses.
func (s *Service) ARNs() (out []string) {
	for _, name := range s.buses {
		out = append(out, aws.BusARN(name))
	}
	return out
}

// Drives reports whether it makes events by itself: there are schedules.
func (s *Service) Drives() bool {
	return slices.ContainsFunc(s.rules, func(r Rule) bool { return r.Schedule != "" })
}

func (s *Service) rule(name string) *Rule {
	for i := range s.rules {
		if s.rules[i].Name == name {
			return &s.rules[i]
		}
	}
	return nil
}

// Check returns the first thing that is wrong with buses, rules and targets.
func (s *Service) Check(d cloud.Deployment) error {
	targets := map[string]int{}
	for i, r := range s.rules {
		if err := r.check(&d); err != nil {
			return err
		}
		switch {
		case slices.ContainsFunc(s.rules[:i], func(o Rule) bool { return o.Name == r.Name }):
			return fmt.Errorf("two rules are named %q", r.Name)
		case !slices.Contains(s.buses, r.Bus):
			return fmt.Errorf("rule %q is of bus %q, wanted one of %q", r.Name, r.Bus, s.buses)
		}
		targets[r.Name] = len(r.Targets)
	}
	for _, b := range d.Of(s.name) {
		t, ok := b.Trigger.(Trigger)
		switch {
		case !ok:
			return fmt.Errorf("function %q is triggered by %s, wanted an eventbridge.Trigger", b.Function, b.Trigger)
		case s.rule(t.Rule) == nil:
			return fmt.Errorf("function %q is triggered by rule %q, which is not there", b.Function, t.Rule)
		case t.DeadLetter != "" && !aws.Exists(&d, aws.QueueARN(t.DeadLetter)):
			return fmt.Errorf("function %q is triggered by rule %q with the DeadLetter %q, wanted a queue that is there", b.Function, t.Rule, t.DeadLetter)
		}
		targets[t.Rule]++
	}
	for _, r := range s.rules {
		if targets[r.Name] > 5 {
			return fmt.Errorf("rule %q has %d targets, wanted 5 at most", r.Name, targets[r.Name])
		}
	}
	return nil
}

func (s *Service) lacks(guarantee string) bool { return slices.Contains(s.without, guarantee) }

// Open starts it for a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{kernel: k, service: s, fates: map[*probe.Call]string{}}
	b.Wire = awswire.New(awswire.API{
		Service: "events", Called: s.name, Kernel: k, Handle: b.handle, Faults: map[string]awswire.Code{
			"InternalException":   {Status: http.StatusInternalServerError, Message: "This exception occurs due to unexpected causes."},
			"ThrottlingException": {Status: http.StatusBadRequest, Message: "Rate exceeded"},
		},
	})
	for _, declared := range s.rules {
		c, err := declared.compile()
		if err != nil {
			return nil, err
		}
		r := &rule{Rule: declared, compiled: c}
		for i, t := range declared.Targets {
			r.targets = append(r.targets, &target{Target: t, id: fmt.Sprintf("%s-%d", r.Name, i+1)})
		}
		b.rules = append(b.rules, r)
	}
	for _, x := range k.Deployment().Of(s.name) {
		t := x.Trigger.(Trigger).withDefaults()
		r := b.find(t.Rule)
		r.targets = append(r.targets, &target{Target: Target{Input: t.Input, DeadLetter: t.DeadLetter}, http: t.HTTP, retries: t.Retries, maxAge: t.MaxAge, binding: x, id: x.Name})
	}
	for _, r := range b.rules {
		for _, t := range r.targets {
			var err error
			if t.input, err = t.Input.compile(); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

// Client returns an HTTP client of a function instance that reaches this
// service: the HTTPClient of an SDK's client.
func Client(env cloud.Env, service string) *http.Client {
	return env.Backend(service).(*Backend).Client(env)
}

// Map returns the buses and rules, and the ways to targets.
func (s *Service) Map(d cloud.Deployment) (parts []cloud.Part, edges []cloud.Edge) {
	for _, name := range s.buses {
		parts = append(parts, busPart(name))
	}
	for _, r := range s.rules {
		p := cloud.Part{Kind: "rule", Name: r.Name, Doc: r.String()}
		parts = append(parts, p)
		if r.Schedule == "" {
			edges = append(edges, cloud.Edge{From: busPart(r.Bus), To: p})
		}
		for _, t := range r.Targets {
			edges = append(edges, cloud.Edge{From: p, To: t.part()})
		}
	}
	for _, b := range d.Of(s.name) {
		edges = append(edges, cloud.Edge{From: cloud.Part{Kind: "rule", Name: b.Trigger.(Trigger).Rule}, To: cloud.Part{Kind: "function", Name: b.Function}})
	}
	return parts, edges
}

func busPart(name string) cloud.Part { return cloud.Part{Kind: "bus", Name: name} }

// Way is from who puts events to the bus.
func (s *Service) Way(function string, op *event.Operation) (cloud.Edge, bool) {
	bus, _, _ := strings.Cut(op.Resource, " ")
	return cloud.Edge{From: cloud.Part{Kind: "function", Name: function}, To: busPart(bus)}, op.Method == "PutEvents"
}

// retries is the guarantee that an endpoint is called again.
const retries = "eventbridge/retries"

// Guarantees lists what can be taken away.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{{Name: retries, Without: "an endpoint that has not taken an event is not called again",
		Source: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html",
		Used: func(u cloud.Usage) bool {
			return slices.ContainsFunc(u.Deployment.Of(s.name), func(b cloud.Binding) bool { return b.Trigger.(Trigger).HTTP })
		}}}
}

// Without returns the service without a guarantee.
func (s *Service) Without(name string) cloud.Service {
	out := *s
	out.without = append(slices.Clip(s.without), name)
	return &out
}

// The numbers of a retry policy.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html
const (
	mostAge     = 24 * time.Hour
	leastAge    = time.Minute
	mostRetries = 185
)
