package fakestest

import (
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/probe"
)

// Listener is a service that stands for topics and for Eventarc: it remembers
// what others tell them. It is its own backend, and keeps what it has heard
// when it is opened again.
type Listener struct {
	topics []string

	mu        sync.Mutex
	published []Published
	routed    []Routed
}

// Published is a message that a service has published.
type Published struct {
	Cause *probe.Call
	Topic string
	gcp.Message
}

// Routed is an event that a service has told Eventarc.
type Routed struct {
	Cause *probe.Call
	gcp.Occurrence
}

// NewListener returns a listener that has these topics.
func NewListener(topics ...string) *Listener { return &Listener{topics: topics} }

// Name is "listener".
func (l *Listener) Name() string { return "listener" }

// Open returns the listener itself.
func (l *Listener) Open(cloud.Kernel) (cloud.Backend, error) { return l, nil }

// TopicNames are its topics.
func (l *Listener) TopicNames(cloud.Deployment) []string { return l.topics }

// Contents returns nothing.
func (l *Listener) Contents() []cloud.Content { return nil }

// Close does nothing.
func (l *Listener) Close() {}

// PublishTo remembers a message.
func (l *Listener) PublishTo(cause *probe.Call, topic string, m gcp.Message) (id string, err error) {
	if !slices.Contains(l.topics, topic) {
		return "", fmt.Errorf("there is no topic %q", topic)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	m.ID = strconv.Itoa(len(l.published) + 1)
	l.published = append(l.published, Published{cause, topic, m})
	return m.ID, nil
}

// Tell remembers a message without a cause.
func (l *Listener) Tell(_ cloud.Subject, _, topic string, m gcp.Message) {
	_, _ = l.PublishTo(nil, topic, m)
}

// Route remembers an event.
func (l *Listener) Route(cause *probe.Call, e gcp.Occurrence) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.routed = append(l.routed, Routed{cause, e})
}

// Published returns the messages since the last call.
func (l *Listener) Published() []Published {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.published
	l.published = nil
	return out
}

// Routed returns the events since the last call.
func (l *Listener) Routed() []Routed {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.routed
	l.routed = nil
	return out
}
