package sim

import (
	"maps"
	"slices"
	"time"

	"github.com/wtsim/wtsim/probe"
)

// platform is the world as services see it.
type platform struct{ *world }

// Publish gives a message to a topic.
func (p platform) Publish(cause *probe.Call, topic string, m probe.Message) (string, error) {
	k := cause.Ref.(*call)
	return p.publish(&Topic{name: topic, inst: k.inst}, k, m.Data), nil
}

// Route gives an event to Eventarc.
func (p platform) Route(*probe.Call, probe.Occurrence) {}

// Pull leases messages.
func (p platform) Pull(*probe.Call, string, int) ([]probe.Delivery, error) {
	return nil, probe.ErrNotFound
}

// Stream leases messages to a caller that waits for them.
func (p platform) Stream(*probe.Call, string, func() probe.StreamSettings, func(probe.Delivery)) (func(), error) {
	return nil, probe.ErrNotFound
}

// Extend sets the deadline of leases anew.
func (p platform) Extend(*probe.Call, string, []string, time.Duration) []error { return nil }

// Acknowledge ends leases.
func (p platform) Acknowledge(*probe.Call, string, []string) []error { return nil }

// TopicNames returns the names of the topics.
func (p platform) TopicNames() []string { return slices.Sorted(maps.Keys(p.topics)) }

// SubscriptionNames returns the names of the pull subscriptions.
func (p platform) SubscriptionNames() []string { return nil }

// Topic tells whether there is such a topic.
func (p platform) Topic(name string) bool { return len(p.topics[name]) > 0 }

// Subscription tells about a subscription.
func (p platform) Subscription(string) (probe.SubscriptionInfo, bool) {
	return probe.SubscriptionInfo{}, false
}

// Enqueue gives a task to a queue.
func (p platform) Enqueue(*probe.Call, string, probe.QueuedTask) (probe.QueuedTask, error) {
	return probe.QueuedTask{}, probe.ErrNotFound
}

// Dequeue takes a task out of its queue.
func (p platform) Dequeue(*probe.Call, string, string) error { return probe.ErrNotFound }

// Queued returns a queue's tasks.
func (p platform) Queued(string) ([]probe.QueuedTask, error) { return nil, probe.ErrNotFound }
