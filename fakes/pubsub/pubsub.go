// Package pubsub is Cloud Pub/Sub in process, behind the real
// cloud.google.com/go/pubsub/v2 client.
//
// A scenario declares it with [New], and with it the pull subscriptions that
// there are; topics exist when somebody mentions them. A function's
// constructor gets its client from [Client]; the messages of a topic invoke a
// function by a [Trigger].
//
//   - Every subscription of a topic gets a message at least once, in no
//     particular order but that of ordering keys.
//   - What is not acknowledged comes again after a backoff, or the end of its
//     lease, until it is given up or dead-lettered.
//   - A client that pulls holds leases; messages wait for one with room.
//
// The client makes its calls in process, so no goroutine, connection or timer
// is there but its own.
//
// Publish, Pull, StreamingPull, Acknowledge and ModifyAckDeadline work, and so
// do the methods that get or list topics and subscriptions; the project that a
// name is in is not looked at. A Pull that asks to wait waits [PullWait] for a
// message.
//
// Not supported, and answered with UNIMPLEMENTED: to create, change, delete or
// detach topics and subscriptions (declare them in the scenario), snapshots and
// Seek, schemas, IAM, and acknowledgements on a StreamingPull stream itself
// (the client sends them as calls of their own). Not there at all: quotas,
// message retention, compression, and settings of topics that a scenario
// cannot declare.
//
// A subscriber's Receive is the client's own, with its own timers: it looks for
// acknowledgements to send every 100 ms, and when it ends, a goroutine of it
// remains for up to 10 s. Acknowledgements and extensions of leases that fall
// due in one instant are sent in an order that plain Go draws; on the patched
// runtime it is the same in every run.
package pubsub

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe/gcpprobe"
)

// DefaultName is the name of the Pub/Sub that triggers are of by default.
const DefaultName = "pubsub"

// Project is the project of the clients that [Client] makes.
const Project = gcp.Project

// PullWait is how long a Pull waits for a message if it is not told to return
// at once. (The service waits for "a bounded amount of time".)
// https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1#pullrequest
const PullWait = 10 * time.Second

// Service declares a Pub/Sub. It is a value: its methods return another and
// leave it as it is.
type Service struct {
	cloud.Places

	name          string
	topics        []string
	subscriptions []Subscription
	without       []string // guarantees
}

// New declares a Pub/Sub under a name, usually "pubsub". Its operations are
// those of a service of that name.
func New(name string) *Service { return &Service{name: name} }

// At returns the service with addresses at which programs look for it that have
// them written down, such as "localhost:8085". A client that dials by itself reaches
// it there on the patched runtime; plain Go cannot bring a dial here.
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// Topics returns the service with topics that nothing else mentions: no
// trigger, subscription or job.
func (s *Service) Topics(names ...string) *Service {
	out := *s
	out.topics = append(slices.Clip(s.topics), names...)
	return &out
}

// Pulled returns the service with pull subscriptions.
func (s *Service) Pulled(subscriptions ...Subscription) *Service {
	out := *s
	out.subscriptions = slices.Clip(s.subscriptions)
	for _, x := range subscriptions {
		out.subscriptions = append(out.subscriptions, x.withDefaults())
	}
	return &out
}

// Subscription is a pull subscription.
type Subscription struct {
	Name        string
	Topic       string
	AckDeadline time.Duration // 10 s (the default) to 600 s
	// ExactlyOnce promises that no message comes again once it is
	// acknowledged, and before its lease has ended, and tells clients when an
	// acknowledgement is too late.
	// https://docs.cloud.google.com/pubsub/docs/exactly-once-delivery
	ExactlyOnce bool
	gcp.Policy
}

func (x Subscription) withDefaults() Subscription {
	cloud.SetDefault(&x.AckDeadline, gcp.AckDeadline)
	x.Policy = x.OrElse(gcp.Pull())
	return x
}

func (x Subscription) check() error {
	switch {
	case x.Name == "" || x.Topic == "":
		return fmt.Errorf("subscription %q of topic %q has no name or no topic", x.Name, x.Topic)
	case outOfRange(x.AckDeadline):
		return fmt.Errorf("subscription %q: its AckDeadline is %v, wanted 10s to 10m", x.Name, x.AckDeadline)
	case x.Once:
		return fmt.Errorf("subscription %q: a pull subscription always delivers again, wanted no Once", x.Name)
	}
	if err := checkPolicy(x.Policy); err != nil {
		return fmt.Errorf("subscription %q: %w", x.Name, err)
	}
	return nil
}

// String tells how it is declared.
func (x Subscription) String() string {
	what := fmt.Sprintf("of topic %s, ack deadline %s", x.Topic, cloud.Short(x.AckDeadline))
	if x.ExactlyOnce {
		what += ", exactly once"
	}
	return what + "; " + x.Policy.String()
}

func outOfRange(ackDeadline time.Duration) bool {
	return ackDeadline < gcp.LeastAckDeadline || ackDeadline > gcp.MostAckDeadline
}

func checkPolicy(p gcp.Policy) error {
	if err := p.Check(); err != nil {
		return err
	}
	_, err := parseFilter(p.Filter)
	return err
}

// Trigger is the messages of a topic, which invoke a function.
type Trigger struct {
	From  string // the service's name; default "pubsub"
	Topic string
	// Push marks a push subscription of one's own, instead of Eventarc's: the
	// function's HTTP handler gets the push envelope and no CloudEvent's
	// headers, and AckDeadline is the time limit of its request.
	// https://docs.cloud.google.com/pubsub/docs/push
	Push        bool
	AckDeadline time.Duration // 10 s (the default) to 600 s
	gcp.Policy
}

// On is one trigger: the messages of a topic, through Eventarc.
func On(topic string) []cloud.Trigger { return []cloud.Trigger{Trigger{Topic: topic}} }

// Service is the name of the service that it is of.
func (t Trigger) Service() string {
	if t.From == "" {
		return DefaultName
	}
	return t.From
}

func (t Trigger) withDefaults() Trigger {
	if t.Push {
		cloud.SetDefault(&t.AckDeadline, gcp.AckDeadline)
		t.Policy = t.OrElse(gcp.Push())
		return t
	}
	t.Policy = t.OrElse(gcp.Eventarc())
	return t
}

// Check returns the first thing that is wrong with it.
func (t Trigger) Check() error {
	t = t.withDefaults()
	switch {
	case t.Topic == "":
		return errors.New("wanted a topic")
	case t.Push && outOfRange(t.AckDeadline):
		return fmt.Errorf("its AckDeadline is %v, wanted 10s to 10m", t.AckDeadline)
	}
	return checkPolicy(t.Policy)
}

// String tells people what it is.
func (t Trigger) String() string {
	t = t.withDefaults()
	what := "messages of " + t.Topic
	if t.Push {
		what += ", pushed, ack deadline " + cloud.Short(t.AckDeadline)
	}
	return what + "; " + t.Policy.String()
}

// Topics are those that it mentions.
func (t Trigger) Topics() []string { return []string{t.Topic, t.DeadLetter} }

// Hosts are where production's clients find it.
func (s *Service) Hosts() []string { return []string{"pubsub.googleapis.com"} }

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short what it is.
func (s *Service) String() string { return "Cloud Pub/Sub" }

// Emulator tells programs' clients where it is.
// https://docs.cloud.google.com/pubsub/docs/emulator
func (s *Service) Emulator(address string) (name, value string) {
	return "PUBSUB_EMULATOR_HOST", address
}

// Check returns the first thing that is wrong with the subscriptions.
func (s *Service) Check(d cloud.Deployment) error {
	names := map[string]bool{}
	for _, x := range s.subscriptions {
		if err := x.check(); err != nil {
			return err
		}
		if names[x.Name] || d.Has(x.Name) {
			return fmt.Errorf("two subscriptions, or one and a function, are named %q", x.Name)
		}
		names[x.Name] = true
	}
	return nil
}

// TopicNames lists the topics that there are, each once, in the order in which
// they are mentioned.
func (s *Service) TopicNames(d cloud.Deployment) []string {
	all := slices.Clone(s.topics)
	for _, b := range d.Bindings {
		if t, ok := b.Trigger.(gcp.Topical); ok && !s.another(b.Trigger) {
			all = append(all, t.Topics()...)
		}
	}
	for _, x := range s.subscriptions {
		all = append(all, x.Topic, x.DeadLetter)
	}
	for _, v := range d.Services {
		if t, ok := v.(gcp.Topical); ok {
			all = append(all, t.Topics()...)
		}
	}
	var out []string
	for _, t := range all {
		if t != "" && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// another reports whether a trigger is of another Pub/Sub.
func (s *Service) another(t cloud.Trigger) bool {
	mine, ok := t.(Trigger)
	return ok && mine.Service() != s.name
}

// lacks reports whether a guarantee was taken away.
func (s *Service) lacks(guarantee string) bool { return slices.Contains(s.without, guarantee) }

// Open starts it for a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{kernel: k, service: s, topics: map[string][]*subscription{}}
	describe := func(method string, request proto.Message, op *event.Operation) {
		gcpprobe.DescribePubSub(method, request, op)
		op.Service = s.name
	}
	b.Backend = rpc.NewBackend(methods, &server{broker: b}, describe, k.Lacks)
	b.open(k.Deployment())
	return b, nil
}

// Client returns the real client of a function instance, in project
// [Project]. options may hold what production uses, but no connection. It
// panics if the client cannot be made, which is a mistake in the options. Do
// not forget that publishing is asynchronous, as ever.
func Client(env cloud.Env, service string, options ...option.ClientOption) *pubsub.Client {
	client, err := pubsub.NewClient(env.Context(), Project, append(options, Option(env, service))...)
	if err != nil {
		panic(fmt.Errorf("pubsub: the client could not be made in process: %w", err))
	}
	return client
}

// Option returns the option that connects a client of a function instance
// (one of another project, or with a configuration) to the run's Pub/Sub.
func Option(env cloud.Env, service string) option.ClientOption {
	return env.Backend(service).(*Backend).Option(env)
}

var methods = rpc.NewMethods("topics and subscriptions are declared in the scenario",
	&pubsubpb.Publisher_ServiceDesc, &pubsubpb.Subscriber_ServiceDesc)

// server answers the client's calls.
type server struct {
	pubsubpb.UnimplementedPublisherServer
	pubsubpb.UnimplementedSubscriberServer
	broker *Backend
}
