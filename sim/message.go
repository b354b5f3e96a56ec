package sim

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	wtevent "github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// project is the Google Cloud project of a run.
const project = "wtsim"

// Topic publishes messages, which are delivered at least once to every
// subscription of the topic, in no particular order. It stands for a client
// library where an application has an interface of its own for publishing.
type Topic struct {
	name string
	inst *instance
}

// Publish publishes a message and returns its id when the topic has it. An
// error says that the publisher does not know that it has.
func (t *Topic) Publish(ctx context.Context, data []byte) (id string, err error) {
	return t.PublishMessage(ctx, Message{Data: data})
}

// PublishMessage is [Topic.Publish] for a message with attributes or an
// ordering key.
func (t *Topic) PublishMessage(ctx context.Context, m Message) (id string, err error) {
	op := wtevent.Operation{
		Service: "pubsub", Method: "publish", Resource: t.name, Access: wtevent.Writes,
		Fails:   []string{"503"},
		Request: wtevent.Payload{Target: t.name, Body: m.Data, Header: m.Attributes},
	}
	tap := &publishTap{instanceTap: t.inst.tap}
	var missing error
	result, err := probe.Do(ctx, tap, op, func() wtevent.Result {
		id, missing = t.inst.world.publish(tap.call, t.name, probe.Message{Data: m.Data, Attributes: m.Attributes, OrderingKey: m.OrderingKey})
		if missing != nil {
			return wtevent.Result{Status: "404"}
		}
		return wtevent.Result{Status: "published", Body: []byte(id), OK: true}
	})
	if err = errors.Join(err, missing); err != nil {
		return "", fmt.Errorf("publish to %s: %w", t.name, err)
	}
	return string(result.Body), nil
}

// publishTap remembers the call that passes it: the message is named after
// it.
type publishTap struct {
	*instanceTap
	call *call
}

// Enter parks the call until the world decides.
func (p *publishTap) Enter(c *probe.Call) probe.Fate {
	v := p.instanceTap.Enter(c)
	p.call, _ = c.Ref.(*call)
	return v
}

// message is what was published, or an event that Eventarc routes.
type message struct {
	probe.Message
	name  string // <publishing task>.<topic>/<k>
	root  string
	topic string            // of a message
	event *probe.Occurrence // of an event
}

// named makes a message's id, which looks like Pub/Sub's, of its name alone.
func (m *message) named(name string) *message {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	m.name, m.ID = name, fmt.Sprintf("%016d", h.Sum64()%1e16)
	m.Published = time.Now() //wtsim:clock the bubble's clock
	m.Data = append([]byte{}, m.Data...)
	m.Attributes = maps.Clone(m.Attributes)
	return m
}

// words name it for people.
func (m *message) words() string {
	if m.event != nil {
		kind := m.event.Type[strings.LastIndexByte(m.event.Type, '.')+1:]
		return "the event " + kind + " of " + strings.TrimPrefix(m.event.Subject, "objects/")
	}
	return "a message of " + m.topic
}

// published is the Pub/Sub message as JSON. (Pub/Sub gives two of the names
// in both styles.)
// https://docs.cloud.google.com/pubsub/docs/push
func (m *message) published(subscription string, attempt int) []byte {
	at := m.Published.UTC().Format(time.RFC3339Nano)
	body := map[string]any{"data": base64.StdEncoding.EncodeToString(m.Data), "messageId": m.ID, "message_id": m.ID, "publishTime": at, "publish_time": at}
	if len(m.Attributes) > 0 {
		body["attributes"] = m.Attributes
	}
	if m.OrderingKey != "" {
		body["orderingKey"] = m.OrderingKey
	}
	envelope := map[string]any{"message": body, "subscription": "projects/" + project + "/subscriptions/" + subscription}
	if attempt > 0 {
		envelope["deliveryAttempt"] = attempt
	}
	text, err := json.Marshal(envelope)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return text
}

// cloudEvent is the message as Eventarc tells it.
// https://docs.cloud.google.com/eventarc/docs/cloudevents
func (m *message) cloudEvent(subscription string, attempt int) event.Event {
	e := event.New()
	e.SetID(m.ID)
	e.SetTime(m.Published.UTC())
	e.SetType("google.cloud.pubsub.topic.v1.messagePublished")
	e.SetSource("//pubsub.googleapis.com/projects/" + project + "/topics/" + m.topic)
	data := m.Data
	if m.event == nil {
		data = m.published(subscription, attempt)
	} else {
		e.SetType(m.event.Type)
		e.SetSource(m.event.Source)
		e.SetSubject(m.event.Subject)
		for name, value := range m.event.Attributes { //wtsim:order extensions are independent
			e.SetExtension(name, value)
		}
	}
	if err := e.SetData("application/json", json.RawMessage(data)); err != nil {
		panic(fmt.Errorf("sim: the data of %s is no JSON: %w", m.name, err)) // it comes from json.Marshal, or a fake of ours
	}
	return e
}

// binary is an event as an HTTP request in the binary mode of CloudEvents.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
func binary(e event.Event) *Request {
	h := map[string]string{
		"Content-Type": e.DataContentType(), "ce-id": e.ID(), "ce-source": e.Source(), "ce-specversion": e.SpecVersion(),
		"ce-type": e.Type(), "ce-time": e.Time().Format(time.RFC3339Nano),
	}
	if e.Subject() != "" {
		h["ce-subject"] = e.Subject()
	}
	for name, value := range e.Extensions() { //wtsim:order headers are independent
		h["ce-"+name] = fmt.Sprint(value)
	}
	return &Request{Method: http.MethodPost, Path: "/", Header: h, Body: string(e.Data())}
}
