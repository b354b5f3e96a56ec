package pubsub

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/delivery"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe"
)

// Backend is Pub/Sub during one run: topics that fan out to subscriptions.
// The kernel's lock guards it.
type Backend struct {
	rpc.Backend
	kernel        cloud.Kernel
	service       *Service
	topics        map[string][]*subscription
	subscriptions []*subscription
	lostAck       *probe.Call    // an acknowledgement that it does not see
	published     map[string]int // to each topic, for people
}

// subscription is one during a run: a function's trigger, or one that is
// pulled from.
type subscription struct {
	delivery.Subscription
	broker  *Backend
	topic   string
	filter  filter
	pull    *Subscription // nil for a trigger
	backlog []*cloud.Task // messages that wait, in the order of their publication
	leases  []*lease
	streams []*pullStream
}

var (
	errNotFound = errors.New("not found")
	// errAckID is an acknowledgement of a lease that has ended: a permanent
	// failure, told only where delivery is exactly once.
	errAckID = errors.New("the lease has expired")
)

// open makes the topics and subscriptions of a deployment.
func (b *Backend) open(d *cloud.Deployment) {
	for _, t := range b.service.TopicNames(*d) {
		b.topics[t] = nil
	}
	for _, bound := range d.Of(b.service.name) {
		t := bound.Trigger.(Trigger).withDefaults()
		b.add(&subscription{topic: t.Topic, Subscription: delivery.Subscription{
			Name: bound.Name, Policy: t.Policy, Push: t.Push, AckDeadline: t.AckDeadline, Function: bound.Function}})
	}
	for _, x := range b.service.subscriptions {
		if b.service.lacks(exactlyOnce) {
			x.ExactlyOnce = false
		}
		s := &subscription{topic: x.Topic, pull: &x, Subscription: delivery.Subscription{Name: x.Name, Policy: x.Policy, AckDeadline: x.AckDeadline}}
		s.Offer = func(t *cloud.Task) { b.awaitPuller(s, t) }
		s.Wrap = func(d *delivery.Delivery) cloud.Cause { return &pulled{Delivery: d, sub: s} }
		b.add(s)
	}
}

func (b *Backend) add(s *subscription) {
	s.broker, s.Kernel, s.Bury = b, b.kernel, b.Bury
	s.Policy.Once = s.Policy.Once || b.service.lacks(retries)
	s.Policy.Ordered = s.Policy.Ordered && !b.service.lacks(order)
	s.filter, _ = parseFilter(s.Policy.Filter) // Check has tried
	b.subscriptions = append(b.subscriptions, s)
	b.topics[s.topic] = append(b.topics[s.topic], s)
}

// PublishTo publishes a message as an effect of a call.
func (b *Backend) PublishTo(cause *probe.Call, topic string, m gcp.Message) (id string, err error) {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	if _, ok := b.topics[topic]; !ok {
		return "", fmt.Errorf("topic %s: %w", topic, errNotFound)
	}
	o := b.kernel.Origin(cause)
	about := cloud.Numbered(o.Task.With("."+cloud.Mask(topic)), o.Number, o.Next())
	return b.fanOut(about, o.Root, topic, m), nil
}

// Tell publishes a message that the platform itself makes.
func (b *Backend) Tell(about cloud.Subject, root, topic string, m gcp.Message) {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	b.fanOut(about, root, topic, m)
}

// fanOut gives a message to the subscriptions of its topic.
func (b *Backend) fanOut(about cloud.Subject, root, topic string, m gcp.Message) (id string) {
	if b.published == nil {
		b.published = map[string]int{}
	}
	b.published[topic]++
	msg := (&delivery.Message{Message: m, Root: root, Number: b.published[topic], Topic: topic}).Named(about, b.kernel.Now())
	for _, s := range b.topics[topic] {
		if s.filter(msg.Attributes) {
			s.Queue(msg)
		}
	}
	return msg.ID
}

// Bury publishes what nobody takes to its dead-letter topic.
func (b *Backend) Bury(d *delivery.Delivery, t *cloud.Task) bool {
	if b.service.lacks(deadLetters) {
		return false
	}
	about, m := d.Buried(t)
	b.fanOut(about, d.Msg.Root, d.Sub.Policy.DeadLetter, m)
	return true
}

// topicNames and subscriptionNames are those that there are, of functions'
// triggers too, sorted.
func (b *Backend) topicNames() []string { return slices.Sorted(maps.Keys(b.topics)) }

func (b *Backend) subscriptionNames() []string {
	var names []string
	for _, s := range b.subscriptions {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return names
}

func (b *Backend) hasTopic(name string) bool {
	_, ok := b.topics[name]
	return ok
}

// find finds a subscription, of a function's trigger too; nil if there is none.
func (b *Backend) find(name string) *subscription {
	for _, s := range b.subscriptions {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func (s *subscription) exactlyOnce() bool { return s.pull != nil && s.pull.ExactlyOnce }

// Touches reports true: topics and subscriptions are named.
func (b *Backend) Touches(*event.Operation) bool { return true }

// AppendState adds what waits, and until when.
func (b *Backend) AppendState(d *cloud.Digest) {
	for _, s := range b.subscriptions {
		d.Tasks(s.backlog)
		d.Number(int64(len(s.leases)))
		for _, l := range s.leases {
			d.Text(l.ackID)
			d.Time(l.deadline)
		}
		d.Number(int64(len(s.streams)))
		for _, p := range s.streams {
			d.Text(p.inst.ID)
			d.Tasks(p.coming)
		}
		s.Subscription.AppendState(d)
	}
}

// Map returns topics and subscriptions, and the ways between them.
func (s *Service) Map(d cloud.Deployment) (parts []cloud.Part, edges []cloud.Edge) {
	topic := func(name string) cloud.Part { return cloud.Part{Kind: "topic", Name: name} }
	for _, t := range s.TopicNames(d) {
		parts = append(parts, topic(t))
	}
	for _, b := range d.Of(s.name) {
		t := b.Trigger.(Trigger)
		edges = append(edges, cloud.Edge{From: topic(t.Topic), To: cloud.Part{Kind: "function", Name: b.Function}, Label: t.Filter},
			cloud.Edge{From: topic(t.Topic), To: topic(t.DeadLetter), Label: "dead letters"})
	}
	for _, x := range s.subscriptions {
		sub := cloud.Part{Kind: "subscription", Name: x.Name, Doc: x.String()}
		parts = append(parts, sub)
		edges = append(edges, cloud.Edge{From: topic(x.Topic), To: sub, Label: x.Filter}, cloud.Edge{From: sub, To: topic(x.DeadLetter), Label: "dead letters"})
	}
	return parts, edges
}

// Way is from who publishes to the topic, or from the subscription to who
// pulls.
func (s *Service) Way(function string, op *event.Operation) (cloud.Edge, bool) {
	f := cloud.Part{Kind: "function", Name: function}
	if op.Method == "publish" {
		return cloud.Edge{From: f, To: cloud.Part{Kind: "topic", Name: op.Resource}}, true
	}
	return cloud.Edge{From: cloud.Part{Kind: "subscription", Name: op.Resource}, To: f}, true
}

// The guarantees.
const (
	deadLetters = "pubsub/dead-letters"
	exactlyOnce = "pubsub/exactly-once"
	order       = "pubsub/order"
	retries     = "pubsub/retries"
)

// Guarantees lists what can be taken away.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{
		{Name: deadLetters, Without: "a message that has used up its attempts is lost, and reaches no dead-letter topic", Source: "https://docs.cloud.google.com/pubsub/docs/handling-failures",
			Used: s.any(func(p gcp.Policy) bool { return p.DeadLetter != "" })},
		{Name: exactlyOnce, Without: "a message of a subscription that delivers exactly once may come again after it was acknowledged", Source: "https://docs.cloud.google.com/pubsub/docs/exactly-once-delivery",
			Used: func(cloud.Usage) bool {
				return slices.ContainsFunc(s.subscriptions, func(x Subscription) bool { return x.ExactlyOnce })
			}},
		{Name: order, Without: "messages of one ordering key overtake each other", Source: "https://docs.cloud.google.com/pubsub/docs/ordering",
			Used: s.any(func(p gcp.Policy) bool { return p.Ordered })},
		{Name: retries, Without: "a message whose delivery fails does not come again, and may be lost", Source: "https://docs.cloud.google.com/pubsub/docs/handling-failures",
			Used: s.any(func(p gcp.Policy) bool { return !p.Once })},
	}
}

// any reports whether a trigger or a subscription has such a policy.
func (s *Service) any(is func(gcp.Policy) bool) func(cloud.Usage) bool {
	return func(u cloud.Usage) bool {
		return slices.ContainsFunc(u.Deployment.Of(s.name), func(b cloud.Binding) bool { return is(b.Trigger.(Trigger).Policy) }) ||
			slices.ContainsFunc(s.subscriptions, func(x Subscription) bool { return is(x.Policy) })
	}
}

// Without returns the service without a guarantee.
func (s *Service) Without(name string) cloud.Service {
	out := *s
	out.without = append(slices.Clip(s.without), name)
	return &out
}
