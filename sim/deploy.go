package sim

import (
	"errors"
	"fmt"
	"time"
)

// Function is one deployed function.
type Function struct {
	Name string
	// New makes the function's handler when a function instance starts. Its
	// operations count: a cold start is part of a run.
	New func(*Env) (Handler, error)
	// Handler is the handler itself, of a function that needs no constructor;
	// New is nil then.
	Handler Handler
	// Old makes the handler of the revision before. If it is there, a rollout
	// is under way in which both serve.
	// https://docs.cloud.google.com/run/docs/rollouts-rollbacks-traffic-migration
	Old func(*Env) (Handler, error)

	// Topic is the topic whose messages invoke the function: short for one
	// trigger with the profile's policy.
	Topic string
	// Triggers are what invokes the function besides HTTP requests.
	Triggers []Trigger

	// Timeout is the time limit of an invocation, its instance's start
	// included; Concurrency how many invocations an instance serves at the
	// same time, at most 1000; MaxInstances how many instances there are at most, and
	// MinInstances at least: these are started when a run begins. What is zero
	// is the profile's.
	Timeout      time.Duration
	Concurrency  int
	MaxInstances int
	MinInstances int
	// ColdStart is how long an instance takes to start, before New is called.
	ColdStart time.Duration
	// AlwaysOn allocates CPU outside of invocations too; else what an instance
	// does by itself stops at its next operation until it is invoked again.
	// https://docs.cloud.google.com/run/docs/configuring/billing-settings
	AlwaysOn bool
}

// Trigger is a source of invocations: the messages of a topic, or events.
type Trigger struct {
	// Topic is the topic whose messages invoke the function, or
	Topic string
	// Event is the type of the events that do, as Eventarc names it, e.g.
	// "google.cloud.storage.object.v1.finalized". Match restricts them by
	// their attributes ("bucket", say); a value may hold * for a part of a path
	// and ** for any number of them.
	// https://docs.cloud.google.com/eventarc/docs/event-providers-targets
	Event string
	Match map[string]string
	// Push marks a push subscription of one's own, instead of Eventarc's: the
	// function's HTTP handler gets the push envelope and no CloudEvent's
	// headers, and AckDeadline is the time limit of its request.
	// https://docs.cloud.google.com/pubsub/docs/push
	Push        bool
	AckDeadline time.Duration // 10 s to 600 s; default the profile's
	Policy
}

// Subscription is a pull subscription.
type Subscription struct {
	Name        string
	Topic       string
	AckDeadline time.Duration // 10 s to 600 s; default the profile's
	// ExactlyOnce promises that no message comes again once it is
	// acknowledged, and before its lease has ended, and tells clients when an
	// acknowledgement is too late.
	// https://docs.cloud.google.com/pubsub/docs/exactly-once-delivery
	ExactlyOnce bool
	Policy
}

var (
	errNegative     = errors.New("it has a negative limit, wanted zero (the default) or more")
	errAttempts     = errors.New("its MaxAttempts are out of range, wanted 5 to 100")
	errNoDeadLetter = errors.New("it has MaxAttempts but no DeadLetter, wanted the topic that a message goes to then")
)

func (f Function) withDefaults(p *Profile) Function {
	setDefault(&f.Timeout, p.Timeout)
	setDefault(&f.Concurrency, p.Concurrency)
	setDefault(&f.MaxInstances, p.MaxInstances)
	if f.New == nil && !f.Handler.empty() {
		h := f.Handler
		f.New = func(*Env) (Handler, error) { return h, nil }
	}
	triggers := make([]Trigger, 0, len(f.Triggers)+1)
	if f.Topic != "" {
		triggers = append(triggers, Trigger{Topic: f.Topic})
	}
	triggers = append(triggers, f.Triggers...)
	for i := range triggers {
		triggers[i].Policy = triggers[i].orElse(p.Trigger, p.MaxAttempts)
		if triggers[i].Push {
			setDefault(&triggers[i].AckDeadline, p.AckDeadline)
		}
	}
	f.Topic, f.Triggers = "", triggers
	return f
}

func (f Function) validate() error {
	switch {
	case f.New == nil:
		return fmt.Errorf("function %q has neither New nor Handler", f.Name)
	case min(f.Timeout, f.ColdStart) < 0 || min(f.Concurrency, f.MaxInstances, f.MinInstances) < 0:
		return fmt.Errorf("function %q: %w", f.Name, errNegative)
	case f.Concurrency > 1000:
		return fmt.Errorf("function %q serves %d invocations at the same time, wanted at most 1000", f.Name, f.Concurrency)
	case f.MinInstances > f.MaxInstances:
		return fmt.Errorf("function %q has %d instances at least and %d at most", f.Name, f.MinInstances, f.MaxInstances)
	}
	for i, t := range f.Triggers {
		if err := t.check(); err != nil {
			return fmt.Errorf("function %q, triggers[%d]: %w", f.Name, i, err)
		}
	}
	return nil
}

func (t Trigger) check() error {
	switch {
	case (t.Topic == "") == (t.Event == ""):
		return errors.New("wanted a topic or an event's type, one of them")
	case t.Event != "" && (t.Push || t.Filter != "" || t.Ordered):
		return errors.New("an event has no push subscription, filter or order, wanted a topic's trigger for these")
	case t.Topic != "" && t.Match != nil:
		return errors.New("it matches attributes of an event, wanted a Filter for messages")
	case t.Push && (t.AckDeadline < 10*time.Second || t.AckDeadline > 600*time.Second):
		return fmt.Errorf("its AckDeadline is %v, wanted 10s to 10m", t.AckDeadline)
	}
	return t.Policy.validate()
}

func (s Subscription) withDefaults(p *Profile) Subscription {
	setDefault(&s.AckDeadline, p.AckDeadline)
	s.Policy = s.orElse(p.Pull, p.MaxAttempts)
	return s
}

func (s Subscription) validate() error {
	switch {
	case s.Name == "" || s.Topic == "":
		return fmt.Errorf("subscription %q of topic %q has no name or no topic", s.Name, s.Topic)
	case s.AckDeadline < 10*time.Second || s.AckDeadline > 600*time.Second:
		return fmt.Errorf("subscription %q: its AckDeadline is %v, wanted 10s to 10m", s.Name, s.AckDeadline)
	case s.Once:
		return fmt.Errorf("subscription %q: a pull subscription always delivers again, wanted no Once", s.Name)
	}
	if err := s.Policy.validate(); err != nil {
		return fmt.Errorf("subscription %q: %w", s.Name, err)
	}
	return nil
}
