package fakestest

import (
	"slices"
	"strconv"
	"sync"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
)

// Platform is a run without functions: it remembers what services tell it.
// Of [cloud.Kernel] it has Publish, Route and Topic; the rest panics.
type Platform struct {
	cloud.Kernel
	// Topics are those that there are.
	Topics []string

	mu        sync.Mutex
	published []Published
	routed    []Routed
}

// Published is a message that a service has published.
type Published struct {
	Cause *probe.Call
	Topic string
	probe.Message
}

// Routed is an event that a service has told Eventarc.
type Routed struct {
	Cause *probe.Call
	probe.Occurrence
}

// Publish remembers a message.
func (p *Platform) Publish(cause *probe.Call, topic string, m probe.Message) (string, error) {
	if !p.Topic(topic) {
		return "", probe.ErrNotFound
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m.ID = strconv.Itoa(len(p.published) + 1)
	p.published = append(p.published, Published{cause, topic, m})
	return m.ID, nil
}

// Route remembers an event.
func (p *Platform) Route(cause *probe.Call, e probe.Occurrence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.routed = append(p.routed, Routed{cause, e})
}

// Topic reports whether there is a topic.
func (p *Platform) Topic(name string) bool { return slices.Contains(p.Topics, name) }

// Published returns the messages since the last call.
func (p *Platform) Published() []Published {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.published
	p.published = nil
	return out
}

// Routed returns the events since the last call.
func (p *Platform) Routed() []Routed {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.routed
	p.routed = nil
	return out
}
