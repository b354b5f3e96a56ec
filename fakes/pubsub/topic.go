package pubsub

import (
	"context"
	"errors"
	"fmt"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Topic publishes messages, which are delivered at least once to every
// subscription of the topic, in no particular order. It stands for a client
// library where an application has an interface of its own for publishing.
type Topic struct {
	name   string
	tap    probe.Tap
	broker *Backend
}

// NewTopic returns a topic's publisher.
func NewTopic(env cloud.Env, service, name string) *Topic {
	return &Topic{name: name, tap: env.Tap(), broker: env.Backend(service).(*Backend)}
}

// Publish publishes a message and returns its id when the topic has it. An
// error says that the publisher does not know that it has.
func (t *Topic) Publish(ctx context.Context, data []byte) (id string, err error) {
	return t.PublishMessage(ctx, gcp.Message{Data: data})
}

// PublishMessage is [Topic.Publish] for a message with attributes or an
// ordering key.
func (t *Topic) PublishMessage(ctx context.Context, m gcp.Message) (id string, err error) {
	op := event.Operation{
		Service: t.broker.service.name, Method: "publish", Resource: t.name, Access: event.Writes,
		Fails:   []string{"503"},
		Request: event.Payload{Target: t.name, Body: m.Data, Header: m.Attributes},
	}
	tap := &publishTap{Tap: t.tap}
	var missing error
	result, err := probe.Do(ctx, tap, op, func() event.Result {
		id, missing = t.broker.PublishTo(tap.call, t.name, gcp.Message{Data: m.Data, Attributes: m.Attributes, OrderingKey: m.OrderingKey})
		if missing != nil {
			return event.Result{Status: "404"}
		}
		return event.Result{Status: "published", Body: []byte(id), OK: true}
	})
	if err = errors.Join(err, missing); err != nil {
		return "", fmt.Errorf("publish to %s: %w", t.name, err)
	}
	return string(result.Body), nil
}

// publishTap remembers the call that passes it: the message is named after
// it.
type publishTap struct {
	probe.Tap
	call *probe.Call
}

// Enter parks the call until the world decides.
func (p *publishTap) Enter(c *probe.Call) probe.Fate {
	p.call = c
	return p.Tap.Enter(c)
}
