// Package sqs is Amazon SQS in process, behind the real clients of AWS's SDKs:
// standard and FIFO queues, and what brings their messages to functions of
// Lambda (an event source mapping).
//
// A scenario declares it with [New] and its queues with [Service.With]. A
// function's constructor gives its client the HTTPClient of [Client]; the
// messages of a queue invoke a function by a [Trigger].
//
//   - A message that was received is invisible for its visibility timeout; what
//     is not deleted by then comes again, and after MaxReceives goes to the
//     queue's DeadLetter.
//   - A standard queue delivers at least once, in any order: a mapping may get a
//     message twice and out of turn, and so may who receives by itself.
//   - A FIFO queue delivers the messages of a group in order, and none while
//     others of the group are in flight; it takes a deduplication id once in
//     5 minutes.
//   - A mapping's batch is what the queue holds when it starts, its first message
//     first.
//
// Queues are declared: CreateQueue of one that is there returns it. The JSON and
// the Query protocol work, by SDK v2 and v1.
//
// Not supported, and refused by name: to make, change, tag or delete queues,
// permissions, message move tasks, ReceiveRequestAttemptId, DeduplicationScope
// messageGroup. Not there at all: encryption, quotas of requests and of messages
// in flight, expiry of what nobody looks at.
package sqs

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
)

// DefaultName is the name of the SQS that triggers are of by default.
const DefaultName = "sqs"

// Queue is a queue. What is zero is the service's default.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
type Queue struct {
	Name       string        // of a FIFO queue it ends with ".fifo"
	Visibility time.Duration // 30 s; at most 12 h
	Delay      time.Duration // none; at most 15 min
	Wait       time.Duration // of a receive that does not say; none; at most 20 s
	Retention  time.Duration // 4 days; 60 s to 14 days
	// DeadLetter is the queue that a message goes to which was received MaxReceives
	// times and comes again.
	DeadLetter  string
	MaxReceives int // 1 to 1000
	// ByContent makes the deduplication id of a message of a FIFO queue of its
	// body, where it has none.
	ByContent bool
}

func (q Queue) withDefaults() Queue {
	cloud.SetDefault(&q.Visibility, 30*time.Second)
	cloud.SetDefault(&q.Retention, 4*24*time.Hour)
	return q
}

// fifo reports whether it is a FIFO queue.
func (q Queue) fifo() bool { return strings.HasSuffix(q.Name, ".fifo") }

func (q Queue) check(all []Queue) error {
	dead := slices.IndexFunc(all, func(o Queue) bool { return o.Name == q.DeadLetter })
	switch {
	case q.Name == "":
		return errors.New("a queue has no name")
	case min(q.Visibility, q.Delay, q.Wait, q.Retention) < 0:
		return fmt.Errorf("queue %q: %w", q.Name, cloud.ErrNegative)
	case q.Visibility > 12*time.Hour || q.Delay > 15*time.Minute || q.Wait > 20*time.Second || q.Retention > 14*24*time.Hour:
		return fmt.Errorf("queue %q has a Visibility above 12h, a Delay above 15m, a Wait above 20s or a Retention above 14 days", q.Name)
	case (q.DeadLetter == "") != (q.MaxReceives == 0) || q.MaxReceives < 0 || q.MaxReceives > 1000:
		return fmt.Errorf("queue %q has MaxReceives %d and DeadLetter %q, wanted both, 1 to 1000, or none", q.Name, q.MaxReceives, q.DeadLetter)
	case q.DeadLetter != "" && (dead < 0 || all[dead].fifo() != q.fifo()):
		return fmt.Errorf("queue %q has the DeadLetter %q, wanted another queue of the same kind", q.Name, q.DeadLetter)
	case q.ByContent && !q.fifo():
		return fmt.Errorf("queue %q is ByContent, wanted a FIFO queue for that: its name ends with .fifo", q.Name)
	}
	return nil
}

// String tells how it is declared.
func (q Queue) String() string {
	s := "invisible for " + cloud.Short(q.Visibility)
	if q.fifo() {
		s = "in order by group, " + s
	}
	if q.Delay > 0 {
		s += ", delayed for " + cloud.Short(q.Delay)
	}
	if q.DeadLetter != "" {
		s += fmt.Sprintf("; received %s to %s", cloud.Times(q.MaxReceives, "time", "times"), q.DeadLetter)
	}
	return s
}

// Trigger is the messages of a queue, which an event source mapping brings to a
// function. What is zero is the mapping's default.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
type Trigger struct {
	From      string // the service's name; default "sqs"
	Queue     string
	BatchSize int           // 10; at most 10 000, 10 of a FIFO queue and where there is no Window
	Window    time.Duration // how long messages are gathered; none; at most 5 min
	// ItemFailures is ReportBatchItemFailures: the function says which messages
	// have failed; the others are deleted.
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
	ItemFailures bool
	// MaxConcurrency is how many batches the mapping has under way; none; 2 to 1000.
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
	MaxConcurrency int
	// Filters are the patterns of FilterCriteria, over the body: {"body": {"kind": ["paid"]}}.
	// A message that matches none is deleted. None for all; at most 10.
	// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
	Filters []string
}

// On is one trigger: the messages of a queue.
func On(queue string) []cloud.Trigger { return []cloud.Trigger{Trigger{Queue: queue}} }

// Service is the name of the service that it is of.
func (t Trigger) Service() string {
	if t.From == "" {
		return DefaultName
	}
	return t.From
}

func (t Trigger) withDefaults() Trigger {
	cloud.SetDefault(&t.BatchSize, 10)
	return t
}

// Check returns the first thing that is wrong with it.
func (t Trigger) Check() error {
	t = t.withDefaults()
	fifo := Queue{Name: t.Queue}.fifo()
	_, filters := pattern.CompileCriteria(t.Filters)
	switch {
	case filters != nil:
		return filters
	case t.Queue == "":
		return errors.New("wanted a queue")
	case t.BatchSize < 1 || t.BatchSize > 10_000 || t.BatchSize > 10 && (fifo || t.Window < time.Second):
		return fmt.Errorf("its BatchSize is %d, wanted 1 to 10, or to 10000 with a Window of a standard queue", t.BatchSize)
	case t.Window < 0 || t.Window > 5*time.Minute || t.Window > 0 && fifo:
		return fmt.Errorf("its Window is %v, wanted at most 5m, and none of a FIFO queue", t.Window)
	case t.MaxConcurrency != 0 && (t.MaxConcurrency < 2 || t.MaxConcurrency > 1000):
		return fmt.Errorf("its MaxConcurrency is %d, wanted 2 to 1000", t.MaxConcurrency)
	}
	return nil
}

// String tells people what it is.
func (t Trigger) String() string {
	t = t.withDefaults()
	s := fmt.Sprintf("messages of %s, up to %d at a time", t.Queue, t.BatchSize)
	if t.Window > 0 {
		s += ", gathered for " + cloud.Short(t.Window)
	}
	if t.ItemFailures {
		s += ", failures one by one"
	}
	return s
}

// Service declares an SQS. It is a value: its methods return another and leave
// it as it is.
type Service struct {
	cloud.Places

	name    string
	queues  []Queue
	without []string // guarantees
}

// New declares an SQS under a name, usually "sqs".
func New(name string) *Service { return &Service{name: name} }

// With returns the service with queues.
func (s *Service) With(queues ...Queue) *Service {
	out := *s
	out.queues = slices.Clip(s.queues)
	for _, q := range queues {
		out.queues = append(out.queues, q.withDefaults())
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
func (s *Service) String() string { return "Amazon SQS" }

// Hosts are where production's clients find it.
func (s *Service) Hosts() []string { return []string{"sqs." + aws.Region + ".amazonaws.com"} }

// ARNs are those of the queues.
func (s *Service) ARNs() (out []string) {
	for _, q := range s.queues {
		out = append(out, aws.QueueARN(q.Name))
	}
	return out
}

// Check returns the first thing that is wrong with queues and mappings.
func (s *Service) Check(d cloud.Deployment) error {
	names := map[string]bool{}
	for _, q := range s.queues {
		if err := q.check(s.queues); err != nil {
			return err
		}
		if names[q.Name] {
			return fmt.Errorf("two queues are named %q", q.Name)
		}
		names[q.Name] = true
	}
	mapped := map[string]bool{}
	for _, b := range d.Of(s.name) {
		t, ok := b.Trigger.(Trigger)
		switch {
		case !ok:
			return fmt.Errorf("function %q is triggered by %s, wanted an sqs.Trigger", b.Function, b.Trigger)
		case !names[t.Queue]:
			return fmt.Errorf("function %q is triggered by queue %q, which is not there", b.Function, t.Queue)
		case mapped[t.Queue]:
			return fmt.Errorf("two functions are triggered by queue %q, wanted one", t.Queue)
		}
		mapped[t.Queue] = true
	}
	return nil
}

func (s *Service) lacks(guarantee string) bool { return slices.Contains(s.without, guarantee) }

// Open starts it for a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{kernel: k, service: s}
	b.Wire = awswire.New(awswire.API{
		Service: "sqs", Called: s.name, Namespace: "com.amazonaws.sqs", XMLNS: "http://queue.amazonaws.com/doc/2012-11-05/",
		Kernel: k, Handle: b.handle, Faults: map[string]awswire.Code{
			"RequestThrottled": {Status: http.StatusBadRequest, Message: "Request is throttled."},
			"InternalError":    {Status: http.StatusInternalServerError, Message: "We encountered an internal error. Please try again."},
		},
	})
	for _, q := range s.queues {
		b.queues = append(b.queues, &queue{Queue: q, backend: b, lately: map[string]sent{}})
	}
	for _, x := range k.Deployment().Of(s.name) {
		t := x.Trigger.(Trigger).withDefaults()
		criteria, _ := pattern.CompileCriteria(t.Filters) // they are checked
		b.find(t.Queue).mapping = &mapping{Trigger: t, function: x.Function, name: x.Name, criteria: criteria}
	}
	return b, nil
}

// Client returns an HTTP client of a function instance that reaches this
// service: the HTTPClient of an SDK's client.
func Client(env cloud.Env, service string) *http.Client {
	return env.Backend(service).(*Backend).Client(env)
}

// Map returns the queues, and the ways to functions and dead letters.
func (s *Service) Map(d cloud.Deployment) (parts []cloud.Part, edges []cloud.Edge) {
	part := func(name string) cloud.Part { return cloud.Part{Kind: "queue", Name: name} }
	for _, q := range s.queues {
		p := part(q.Name)
		p.Doc = q.String()
		parts = append(parts, p)
		if q.DeadLetter != "" {
			edges = append(edges, cloud.Edge{From: part(q.Name), To: part(q.DeadLetter), Label: "dead letters"})
		}
	}
	for _, b := range d.Of(s.name) {
		edges = append(edges, cloud.Edge{From: part(b.Trigger.(Trigger).Queue), To: cloud.Part{Kind: "function", Name: b.Function}})
	}
	return parts, edges
}

// Way is from who sends to the queue, and from the queue to who receives.
func (s *Service) Way(function string, op *event.Operation) (cloud.Edge, bool) {
	e := cloud.Edge{From: cloud.Part{Kind: "function", Name: function}, To: cloud.Part{Kind: "queue", Name: op.Resource}}
	switch op.Method {
	case "SendMessage", "SendMessageBatch":
		return e, true
	case "ReceiveMessage":
		return cloud.Edge{From: e.To, To: e.From}, true
	}
	return cloud.Edge{}, false
}

// The guarantees.
const (
	deduplication = "sqs/deduplication"
	groups        = "sqs/order"
	again         = "sqs/redelivery"
)

// Guarantees lists what can be taken away.
func (s *Service) Guarantees() []cloud.Guarantee {
	fifo := func(cloud.Usage) bool { return slices.ContainsFunc(s.queues, Queue.fifo) }
	return []cloud.Guarantee{
		{Name: deduplication, Without: "a FIFO queue takes a message although it has lately taken one of that deduplication id", Used: fifo,
			Source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html"},
		{Name: groups, Without: "messages of a group come in any order, and while others of it are in flight", Used: fifo,
			Source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html"},
		{Name: again, Without: "a message that was received does not come again",
			Source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html",
			Used:   func(cloud.Usage) bool { return len(s.queues) > 0 }},
	}
}

// Without returns the service without a guarantee.
func (s *Service) Without(name string) cloud.Service {
	out := *s
	out.without = append(slices.Clip(s.without), name)
	return &out
}
