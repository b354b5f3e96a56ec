package sim

import (
	"maps"
	"slices"

	"github.com/wtsim/wtsim/probe"
)

// platform is the world as services see it. Its methods are the effects of
// operations: they run on the caller's goroutine, within a step.
type platform struct{ *world }

// Publish gives a message to a topic.
func (p platform) Publish(cause *probe.Call, topic string, m probe.Message) (string, error) {
	return p.publish(cause.Ref.(*call), topic, m)
}

// Route gives an event to Eventarc.
func (p platform) Route(cause *probe.Call, e probe.Occurrence) { p.route(cause.Ref.(*call), e) }

// TopicNames returns the names of the topics.
func (p platform) TopicNames() []string { return slices.Sorted(maps.Keys(p.topics)) }

// SubscriptionNames returns the names of the subscriptions, of functions'
// triggers too.
func (p platform) SubscriptionNames() []string {
	var names []string
	for _, s := range p.subscriptions {
		if s.topic != "" {
			names = append(names, s.name)
		}
	}
	slices.Sort(names)
	return names
}

// Topic tells whether there is such a topic.
func (p platform) Topic(name string) bool {
	_, ok := p.topics[name]
	return ok
}

// Subscription tells about a subscription, of a function's trigger too.
func (p platform) Subscription(name string) (probe.SubscriptionInfo, bool) {
	for _, s := range p.subscriptions {
		if s.name != name || s.topic == "" {
			continue
		}
		info := probe.SubscriptionInfo{Topic: s.topic, AckDeadline: s.trigger.AckDeadline, Ordered: s.Ordered,
			Filter: s.Filter, DeadLetter: s.DeadLetter, MaxAttempts: s.MaxAttempts}
		if s.pull != nil {
			info.AckDeadline, info.ExactlyOnce = s.pull.AckDeadline, s.pull.ExactlyOnce
		}
		return info, true
	}
	return probe.SubscriptionInfo{}, false
}
