// Package broker is a platform for the tests of the wires of Pub/Sub and Cloud
// Tasks: it does what the services do when nothing goes wrong, at once, by the
// clock of the bubble. The simulator's own platform is another.
//
// It can be broken on purpose, so that conformance suites show what they
// notice.
package broker

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wtsim/wtsim/probe"
)

// Fault is a way in which a broker is broken.
type Fault string

// The faults.
const (
	None         Fault = ""
	AcksIgnored  Fault = "acknowledged messages come again"
	NacksIgnored Fault = "messages that are given back do not come again"
	NeverExpires Fault = "leases do not expire"
	NoExtension  Fault = "leases are not extended"
	Reorders     Fault = "the newest message of a key comes first"
	NoFilter     Fault = "filters are ignored"
	NoAttempts   Fault = "attempts are not counted"
	NoDeadLetter Fault = "there are no dead letters"
	NoAttributes Fault = "attributes are lost"
	SilentAcks   Fault = "acknowledgements that come too late seem to work"
	AnyTopic     Fault = "what is not there takes messages all the same"
)

// Broker has topics, subscriptions and queues.
type Broker struct {
	fault Fault

	mu            sync.Mutex
	topics        map[string]bool
	subscriptions []*subscription
	queues        map[string][]probe.QueuedTask
	used          map[string]bool // names of tasks, by queue/name
	counter       int
	timer         *time.Timer
	occurrences   []probe.Occurrence
}

// New returns a broker without anything, broken in one way or none.
func New(f Fault) *Broker {
	return &Broker{fault: f, topics: map[string]bool{}, queues: map[string][]probe.QueuedTask{}, used: map[string]bool{}}
}

// subscription has messages in the order in which they were published.
type subscription struct {
	name    string
	info    probe.SubscriptionInfo
	held    []*held
	streams []*stream
}

// held is a message that is not acknowledged.
type held struct {
	probe.Message
	attempts int
	ackID    string // of the lease; empty for none
	expires  time.Time
	stream   *stream // that it is leased by; nil for a pull
}

type stream struct {
	settings func() probe.StreamSettings
	deliver  func(probe.Delivery)
	stopped  bool
}

// AddTopic adds a topic.
func (b *Broker) AddTopic(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.topics[name] = true
}

// AddSubscription adds a subscription, and its topics.
func (b *Broker) AddSubscription(name string, info probe.SubscriptionInfo) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.topics[info.Topic] = true
	if info.DeadLetter != "" {
		b.topics[info.DeadLetter] = true
	}
	b.subscriptions = append(b.subscriptions, &subscription{name: name, info: info})
}

// Close ends the broker's timer.
func (b *Broker) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timer != nil {
		b.timer.Stop()
	}
}

// Publish gives a message to the subscriptions of a topic.
func (b *Broker) Publish(_ *probe.Call, topic string, m probe.Message) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.topics[topic] && b.fault != AnyTopic {
		return "", probe.ErrNotFound
	}
	id := b.publish(topic, m)
	b.pump()
	return id, nil
}

func (b *Broker) publish(topic string, m probe.Message) string {
	b.counter++
	m.ID, m.Published = fmt.Sprintf("%08d", b.counter), time.Now() //wtsim:clock the bubble's clock
	if b.fault == NoAttributes {
		m.Attributes = nil
	}
	for _, s := range b.subscriptions {
		if s.info.Topic == topic && (b.fault == NoFilter || fits(s.info.Filter, m.Attributes)) {
			s.held = append(s.held, &held{Message: m})
		}
	}
	return m.ID
}

// fits reports whether a filter takes a message: attributes.k = "v", or none.
func fits(filter string, attributes map[string]string) bool {
	key, value, ok := strings.Cut(strings.TrimPrefix(filter, "attributes."), " = ")
	return !ok || attributes[key] == strings.Trim(value, `"`)
}

// Route remembers an event.
func (b *Broker) Route(_ *probe.Call, e probe.Occurrence) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.occurrences = append(b.occurrences, e)
}

// Pull leases what can be leased.
func (b *Broker) Pull(_ *probe.Call, name string, most int) ([]probe.Delivery, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.find(name)
	if s == nil {
		return nil, probe.ErrNotFound
	}
	b.expire()
	var out []probe.Delivery
	for len(out) < most {
		h := b.next(s)
		if h == nil {
			break
		}
		out = append(out, b.lease(s, h, nil, s.info.AckDeadline))
	}
	b.rearm()
	return out, nil
}

// Stream leases messages as they come.
func (b *Broker) Stream(_ *probe.Call, name string, settings func() probe.StreamSettings, deliver func(probe.Delivery)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.find(name)
	if s == nil {
		return nil, probe.ErrNotFound
	}
	st := &stream{settings: settings, deliver: deliver}
	s.streams = append(s.streams, st)
	if b.timer == nil {
		b.timer = time.AfterFunc(0, b.tick) //wtsim:go what comes by time comes by itself
	} else {
		b.timer.Reset(0)
	}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		st.stopped = true
	}, nil
}

// tick is what time brings.
func (b *Broker) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pump()
}

// pump delivers what streams have room for.
func (b *Broker) pump() {
	b.expire()
	for _, s := range b.subscriptions {
		for _, st := range s.streams {
			for settings := st.settings(); !st.stopped && s.room(st, settings); {
				h := b.next(s)
				if h == nil {
					break
				}
				st.deliver(b.lease(s, h, st, cmp.Or(settings.AckDeadline, s.info.AckDeadline)))
			}
		}
	}
	b.rearm()
}

// room reports whether a stream takes another message.
func (s *subscription) room(st *stream, settings probe.StreamSettings) bool {
	var messages, size int64
	for _, h := range s.held {
		if h.stream == st && h.ackID != "" {
			messages, size = messages+1, size+int64(len(h.Data))
		}
	}
	return (settings.Messages <= 0 || messages < settings.Messages) && (settings.Bytes <= 0 || messages == 0 || size < settings.Bytes)
}

// next is the message that is to be delivered next; nil for none. Of an
// ordering key, one message is out at a time.
func (b *Broker) next(s *subscription) *held {
	if b.fault == Reorders {
		slices.SortStableFunc(s.held, func(a, b *held) int { return strings.Compare(b.ID, a.ID) })
	}
	busy := map[string]bool{}
	for i, h := range s.held {
		key := h.OrderingKey
		ordered := s.info.Ordered && key != ""
		switch {
		case h.ackID != "":
			busy[key] = true
		case ordered && busy[key]:
		case s.info.DeadLetter != "" && h.attempts >= s.info.MaxAttempts && b.fault != NoDeadLetter:
			s.held = slices.Delete(s.held, i, i+1)
			b.publish(s.info.DeadLetter, h.Message)
			return b.next(s)
		default:
			return h
		}
	}
	return nil
}

func (b *Broker) lease(s *subscription, h *held, st *stream, d time.Duration) probe.Delivery {
	h.attempts++
	b.counter++
	h.ackID, h.stream = fmt.Sprintf("%s-%d", h.ID, b.counter), st
	h.expires = b.until(d)
	delivery := probe.Delivery{Message: h.Message, AckID: h.ackID}
	if s.info.DeadLetter != "" && b.fault != NoAttempts {
		delivery.Attempt = h.attempts
	}
	return delivery
}

// expire ends the leases whose time is over.
func (b *Broker) expire() {
	now := time.Now() //wtsim:clock the bubble's clock
	for _, s := range b.subscriptions {
		for _, h := range s.held {
			if h.ackID != "" && !h.expires.After(now) {
				h.ackID = ""
			}
		}
	}
}

// rearm sets the timer to the next lease's end, if a stream waits.
func (b *Broker) rearm() {
	if b.timer == nil {
		return
	}
	var next time.Time
	for _, s := range b.subscriptions {
		waits := slices.ContainsFunc(s.streams, func(st *stream) bool { return !st.stopped })
		for _, h := range s.held {
			if waits && h.ackID != "" && (next.IsZero() || h.expires.Before(next)) {
				next = h.expires
			}
		}
	}
	b.timer.Stop()
	if !next.IsZero() {
		b.timer.Reset(time.Until(next)) //wtsim:clock the bubble's clock
	}
}

// Extend sets deadlines anew.
func (b *Broker) Extend(_ *probe.Call, name string, ackIDs []string, d time.Duration) []error {
	return b.each(name, ackIDs, func(_ *subscription, h *held) {
		switch {
		case d == 0 && b.fault == NacksIgnored:
			h.expires = h.expires.Add(24 * time.Hour)
		case d == 0:
			h.ackID = ""
		case b.fault != NoExtension:
			h.expires = b.until(d)
		}
	})
}

// until is when a lease of this length ends.
func (b *Broker) until(d time.Duration) time.Time {
	if b.fault == NeverExpires {
		d += 10 * 365 * 24 * time.Hour
	}
	return time.Now().Add(d) //wtsim:clock the bubble's clock
}

// Acknowledge ends leases for good.
func (b *Broker) Acknowledge(_ *probe.Call, name string, ackIDs []string) []error {
	return b.each(name, ackIDs, func(s *subscription, h *held) {
		if b.fault != AcksIgnored {
			s.held = slices.DeleteFunc(s.held, func(x *held) bool { return x == h })
		}
	})
}

func (b *Broker) each(name string, ackIDs []string, f func(*subscription, *held)) []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.find(name)
	errs := make([]error, len(ackIDs))
	if s == nil {
		return errs
	}
	b.expire()
	for i, id := range ackIDs {
		at := slices.IndexFunc(s.held, func(h *held) bool { return h.ackID == id })
		switch {
		case at >= 0:
			f(s, s.held[at])
		case s.info.ExactlyOnce && b.fault != SilentAcks:
			errs[i] = probe.ErrAckID
		}
	}
	b.pump()
	return errs
}

// TopicNames returns the topics' names.
func (b *Broker) TopicNames() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for t := range b.topics { //wtsim:order sorted below
		out = append(out, t)
	}
	slices.Sort(out)
	return out
}

// Topic reports whether there is a topic.
func (b *Broker) Topic(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.topics[name] || b.fault == AnyTopic
}

// SubscriptionNames returns the subscriptions' names.
func (b *Broker) SubscriptionNames() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, s := range b.subscriptions {
		out = append(out, s.name)
	}
	slices.Sort(out)
	return out
}

// Subscription tells about a subscription.
func (b *Broker) Subscription(name string) (probe.SubscriptionInfo, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.find(name); s != nil {
		return s.info, true
	}
	return probe.SubscriptionInfo{}, false
}

func (b *Broker) find(name string) *subscription {
	for _, s := range b.subscriptions {
		if s.name == name {
			return s
		}
	}
	return nil
}
