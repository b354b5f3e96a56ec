// Package sns is Amazon SNS in process, behind the real clients of AWS's SDKs:
// standard and FIFO topics, and what brings their messages to queues of SQS, to
// functions of Lambda and to HTTP endpoints.
//
// A scenario declares it with [New], its topics with [Service.With], and the
// queues that are subscribed to them with [Service.Subscribe]; a function is
// subscribed by a [Trigger].
//
//   - A standard topic brings a message to each subscription at least once, in
//     no order.
//   - A FIFO topic brings the messages of a group in order to FIFO queues, and
//     takes a deduplication id once in 5 minutes; standard queues get them too,
//     functions and endpoints do not.
//   - A subscription gets what its filter policy lets through, in SNS's envelope
//     or, of a queue and an endpoint, as it was published (Raw).
//   - A function gets it asynchronously: what becomes of it then is Lambda's
//     matter. An endpoint is called again, 3 times, 20 s apart, and then the
//     message goes to the subscription's dead letters.
//
// Topics and subscriptions are declared: CreateTopic and Subscribe of what is
// there return it.
//
// Not supported, and refused by name: to make, change or delete topics and
// subscriptions, confirmations (what is declared is confirmed), text messages,
// platform applications, e-mail, Firehose, permissions, tags, delivery policies
// other than the default, archiving and replay. Not there at all: real
// signatures of messages, quotas of requests, encryption.
package sns

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/probe"
)

// DefaultName is the name of the SNS that triggers are of by default.
const DefaultName = "sns"

// Topic is a topic.
// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
type Topic struct {
	Name string // of a FIFO topic it ends with ".fifo"
	// ByContent makes the deduplication id of a message of a FIFO topic of its
	// body, where it has none.
	ByContent bool
}

// fifo reports whether it is a FIFO topic.
func (t Topic) fifo() bool { return fifo(t.Name) }

func fifo(name string) bool { return strings.HasSuffix(name, ".fifo") }

func (t Topic) check() error {
	name := strings.TrimSuffix(t.Name, ".fifo")
	switch {
	case name == "" || len(t.Name) > 256 || strings.Trim(name, letters) != "":
		return fmt.Errorf("%q is no name of a topic, wanted up to 256 letters, digits, hyphens and underscores", t.Name)
	case t.ByContent && !t.fifo():
		return fmt.Errorf("topic %q is ByContent, wanted a FIFO topic for that: its name ends with .fifo", t.Name)
	}
	return nil
}

// letters are those of the names of topics and of the ids of a batch's entries.
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// Service declares an SNS. It is a value: its methods return another and leave
// it as it is.
type Service struct {
	cloud.Places

	name    string
	topics  []Topic
	queues  []Subscription
	without []string // guarantees
}

// New declares an SNS under a name, usually "sns".
func New(name string) *Service { return &Service{name: name} }

// With returns the service with topics.
func (s *Service) With(topics ...Topic) *Service {
	out := *s
	out.topics = append(slices.Clip(s.topics), topics...)
	return &out
}

// Subscribe returns the service with queues that are subscribed to topics.
func (s *Service) Subscribe(queues ...Subscription) *Service {
	out := *s
	out.queues = append(slices.Clip(s.queues), queues...)
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
func (s *Service) String() string { return "Amazon SNS" }

// Hosts are where production's clients find it.
func (s *Service) Hosts() []string { return []string{"sns." + aws.Region + ".amazonaws.com"} }

// ARNs are those of the topics.
func (s *Service) ARNs() (out []string) {
	for _, t := range s.topics {
		out = append(out, aws.TopicARN(t.Name))
	}
	return out
}

// Check returns the first thing that is wrong with topics and subscriptions.
func (s *Service) Check(d cloud.Deployment) error {
	names := map[string]bool{}
	for _, t := range s.topics {
		if err := t.check(); err != nil {
			return err
		}
		if names[t.Name] {
			return fmt.Errorf("two topics are named %q", t.Name)
		}
		names[t.Name] = true
	}
	for _, q := range s.queues {
		if err := q.check(); err != nil {
			return fmt.Errorf("queue %q of topic %q: %w", q.Queue, q.Topic, err)
		}
		switch {
		case !names[q.Topic]:
			return fmt.Errorf("queue %q is subscribed to topic %q, which is not there", q.Queue, q.Topic)
		case !aws.Exists(&d, aws.QueueARN(q.Queue)):
			return fmt.Errorf("queue %q is subscribed to topic %q, wanted a queue that is there", q.Queue, q.Topic)
		case q.DeadLetter != "" && !aws.Exists(&d, aws.QueueARN(q.DeadLetter)):
			return fmt.Errorf("queue %q of topic %q has the DeadLetter %q, wanted a queue that is there", q.Queue, q.Topic, q.DeadLetter)
		}
	}
	for _, b := range d.Of(s.name) {
		t, ok := b.Trigger.(Trigger)
		switch {
		case !ok:
			return fmt.Errorf("function %q is triggered by %s, wanted an sns.Trigger", b.Function, b.Trigger)
		case !names[t.Topic]:
			return fmt.Errorf("function %q is triggered by topic %q, which is not there", b.Function, t.Topic)
		case t.DeadLetter != "" && !aws.Exists(&d, aws.QueueARN(t.DeadLetter)):
			return fmt.Errorf("function %q is triggered by topic %q with the DeadLetter %q, wanted a queue that is there", b.Function, t.Topic, t.DeadLetter)
		}
	}
	return nil
}

func (s *Service) lacks(guarantee string) bool { return slices.Contains(s.without, guarantee) }

// Open starts it for a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{kernel: k, service: s, twice: map[*probe.Call]bool{}}
	b.Wire = awswire.New(awswire.API{
		Service: "sns", Called: s.name, XMLNS: "http://sns.amazonaws.com/doc/2010-03-31/",
		Kernel: k, Handle: b.handle, Faults: map[string]awswire.Code{
			"InternalError": {Status: http.StatusInternalServerError, Message: "We encountered an internal error. Please try again."},
			"Throttled":     {Status: http.StatusTooManyRequests, Message: "Rate exceeded"},
		},
	})
	for _, t := range s.topics {
		b.topics = append(b.topics, &topic{Topic: t, lately: map[string]sent{}})
	}
	for _, q := range s.queues {
		if err := b.subscribe(&subscription{Subscription: q}); err != nil {
			return nil, err
		}
	}
	for _, x := range k.Deployment().Of(s.name) {
		t := x.Trigger.(Trigger)
		if err := b.subscribe(&subscription{Subscription: t.subscription(), binding: x, http: t.HTTP}); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Client returns an HTTP client of a function instance that reaches this
// service: the HTTPClient of an SDK's client.
func Client(env cloud.Env, service string) *http.Client {
	return env.Backend(service).(*Backend).Client(env)
}

// Map returns the topics, and the ways to queues, functions and dead letters.
func (s *Service) Map(d cloud.Deployment) (parts []cloud.Part, edges []cloud.Edge) {
	for _, t := range s.topics {
		p := part(t.Name)
		if t.fifo() {
			p.Doc = "in order by group"
		}
		parts = append(parts, p)
	}
	for _, q := range s.queues {
		edges = append(edges, q.ways(cloud.Part{Kind: "queue", Name: q.Queue})...)
	}
	for _, b := range d.Of(s.name) {
		edges = append(edges, b.Trigger.(Trigger).subscription().ways(cloud.Part{Kind: "function", Name: b.Function})...)
	}
	return parts, edges
}

func part(topic string) cloud.Part { return cloud.Part{Kind: "topic", Name: topic} }

// Way is from who publishes to the topic.
func (s *Service) Way(function string, op *event.Operation) (cloud.Edge, bool) {
	e := cloud.Edge{From: cloud.Part{Kind: "function", Name: function}, To: part(op.Resource)}
	return e, op.Method == "Publish" || op.Method == "PublishBatch"
}

// The guarantees.
const (
	deduplication = "sns/deduplication"
	again         = "sns/retries"
)

// Guarantees lists what can be taken away.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{
		{Name: deduplication, Without: "a FIFO topic takes a message although it has lately taken one of that deduplication id",
			Source: "https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html",
			Used:   func(cloud.Usage) bool { return slices.ContainsFunc(s.topics, Topic.fifo) }},
		{Name: again, Without: "an endpoint that has not taken a message is not called again",
			Source: "https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html",
			Used: func(u cloud.Usage) bool {
				return slices.ContainsFunc(u.Deployment.Of(s.name), func(b cloud.Binding) bool { return b.Trigger.(Trigger).HTTP })
			}},
	}
}

// Without returns the service without a guarantee.
func (s *Service) Without(name string) cloud.Service {
	out := *s
	out.without = append(slices.Clip(s.without), name)
	return &out
}
