package sim

import (
	"fmt"
	"time"
)

// Profile names every number of a cloud platform that a run depends on. A
// scenario may change any of them: take [GCP], change it, set
// [Scenario.Profile]. Functions, triggers, jobs and queues may differ from it
// one by one.
//
// Where a source gives a range, the number is its default.
type Profile struct {
	Name string // "gcp"

	Timeout      time.Duration // of an invocation
	Concurrency  int           // invocations that a function instance serves at the same time
	MaxInstances int           // of a function
	QueueFor     time.Duration // how long an invocation waits for an instance before it is refused with 429
	IdleFor      time.Duration // how long an instance without invocations is kept
	Grace        time.Duration // between SIGTERM and the end of an instance

	Trigger     Policy        // of a function's trigger: an Eventarc subscription, with retries on
	AckDeadline time.Duration // of a pull subscription
	Pull        Policy        // of a pull subscription
	MaxAttempts int           // before a message is dead-lettered, where there is a dead-letter topic

	Job   JobPolicy
	Queue QueuePolicy

	// Coalesces says that two notifications of one key may become one.
	Coalesces bool
}

// GCP returns Google Cloud's numbers.
func GCP() Profile {
	return Profile{
		Name: "gcp",
		// https://docs.cloud.google.com/functions/docs/configuring/timeout
		Timeout: 60 * time.Second,
		// https://docs.cloud.google.com/run/docs/about-concurrency
		Concurrency: 80,
		// https://docs.cloud.google.com/run/docs/configuring/max-instances
		MaxInstances: 100,
		// "up to 3.5 times the average startup time, or 10 seconds, whichever is greater"
		// https://docs.cloud.google.com/run/docs/about-instance-autoscaling
		QueueFor: 10 * time.Second,
		// "kept idle for a maximum of 15 minutes", same page
		IdleFor: 15 * time.Minute,
		// https://docs.cloud.google.com/run/docs/container-contract
		Grace: 10 * time.Second,
		// https://firebase.google.com/docs/functions/retries
		// https://docs.cloud.google.com/run/docs/tips/function-retries
		Trigger: Policy{MinBackoff: 10 * time.Second, MaxBackoff: 600 * time.Second, KeepFor: 24 * time.Hour},
		// https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
		AckDeadline: 10 * time.Second,
		Pull:        Policy{KeepFor: 7 * 24 * time.Hour},
		MaxAttempts: 5,
		// https://docs.cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs
		Job: JobPolicy{MinBackoff: 5 * time.Second, MaxBackoff: time.Hour, Doublings: 5, Deadline: 3 * time.Minute},
		// https://docs.cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues
		Queue: QueuePolicy{
			MaxAttempts: 100, MinBackoff: 100 * time.Millisecond, MaxBackoff: time.Hour, Doublings: 16,
			PerSecond: 500, Concurrent: 1000, Deadline: 10 * time.Minute,
			// https://docs.cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks/create
			RemembersFor: 24 * time.Hour,
		},
	}
}

// Policy says how a subscription, or a trigger, delivers.
type Policy struct {
	// Once switches retries off: an event whose invocation fails is dropped.
	// https://cloud.google.com/functions/docs/writing/retries
	Once bool
	// MinBackoff and MaxBackoff bound the exponential backoff between
	// deliveries of a message. A pull subscription's default is none: what is
	// given back is there at once.
	MinBackoff, MaxBackoff time.Duration
	// KeepFor is how long a message is delivered again before it is given up.
	KeepFor time.Duration
	// DeadLetter is the topic that a message goes to after MaxAttempts
	// deliveries that failed, and from Eventarc also after KeepFor.
	// https://docs.cloud.google.com/pubsub/docs/handling-failures
	DeadLetter  string
	MaxAttempts int
	// Ordered delivers messages with the same ordering key one after the other.
	// https://docs.cloud.google.com/pubsub/docs/ordering
	Ordered bool
	// Filter selects messages by their attributes, in Pub/Sub's language; empty
	// for all.
	// https://docs.cloud.google.com/pubsub/docs/subscription-message-filter
	Filter string
}

// orElse fills in what is not set.
func (p Policy) orElse(d Policy, attempts int) Policy {
	if p.MaxBackoff > 0 {
		setDefault(&p.MinBackoff, min(d.MinBackoff, p.MaxBackoff))
	}
	setDefault(&p.MinBackoff, d.MinBackoff)
	setDefault(&p.MaxBackoff, max(d.MaxBackoff, p.MinBackoff))
	setDefault(&p.KeepFor, d.KeepFor)
	if p.DeadLetter != "" {
		setDefault(&p.MaxAttempts, attempts)
	}
	return p
}

func (p Policy) validate() error {
	switch {
	case min(p.MinBackoff, p.MaxBackoff, p.KeepFor) < 0:
		return errNegative
	case p.MinBackoff > p.MaxBackoff:
		return fmt.Errorf("its MinBackoff is %v and its MaxBackoff %v, wanted no more than that", p.MinBackoff, p.MaxBackoff)
	case p.DeadLetter != "" && (p.MaxAttempts < 5 || p.MaxAttempts > 100):
		return errAttempts
	case p.DeadLetter == "" && p.MaxAttempts != 0:
		return errNoDeadLetter
	}
	_, err := parseFilter(p.Filter)
	return err
}

// backoff is the time until the next attempt after one: min, 2 min, 4 min, ...
func backoff(min, max time.Duration, attempt, doublings int) time.Duration {
	d := min
	for i := 1; i < attempt && i <= doublings && d < max; i++ {
		d *= 2
	}
	if d > max {
		d = max
	}
	return d
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
