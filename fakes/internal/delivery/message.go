package delivery

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
)

// Message is what was published, or an event that Eventarc routes.
type Message struct {
	gcp.Message
	Subject cloud.Subject // <publishing task>.<topic>/<k>
	Root    string
	Number  int             // among those of its topic, or events of its kind, from 1: for people
	Topic   string          // of a message
	Event   *gcp.Occurrence // of an event
}

// Named makes a message's id of its name alone.
func (m *Message) Named(s cloud.Subject, now time.Time) *Message {
	m.Subject, m.ID, m.Published = s, ID(s.Text), now
	m.Data = append([]byte{}, m.Data...)
	m.Attributes = maps.Clone(m.Attributes)
	return m
}

// ID looks like one of Pub/Sub's.
func ID(name string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return fmt.Sprintf("%016d", h.Sum64()%1e16)
}

// About is what an event is about, by its subject: the name without its kind.
func About(subject string) string {
	return strings.TrimPrefix(strings.TrimPrefix(subject, "objects/"), "documents/")
}

// about is what an event is about.
func about(e *gcp.Occurrence) string { return About(e.Subject) }

// words name it for people.
func (m *Message) words() string {
	if m.Event != nil {
		return "the event " + Kind(m.Event.Type) + " of " + about(m.Event)
	}
	return "a message of " + m.Topic
}

// Kind is the last part of an event's type.
func Kind(eventType string) string {
	return eventType[strings.LastIndexByte(eventType, '.')+1:]
}

// published is the Pub/Sub message as JSON. (Pub/Sub gives two of the names
// in both styles.)
// https://docs.cloud.google.com/pubsub/docs/push
func (m *Message) published(subscription string, attempt int) []byte {
	at := m.Published.UTC().Format(time.RFC3339Nano)
	body := map[string]any{"data": base64.StdEncoding.EncodeToString(m.Data), "messageId": m.ID, "message_id": m.ID, "publishTime": at, "publish_time": at}
	if len(m.Attributes) > 0 {
		body["attributes"] = m.Attributes
	}
	if m.OrderingKey != "" {
		body["orderingKey"] = m.OrderingKey
	}
	envelope := map[string]any{"message": body, "subscription": "projects/" + gcp.Project + "/subscriptions/" + subscription}
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
func (m *Message) cloudEvent(subscription string, attempt int) event.Event {
	e := event.New()
	e.SetID(m.ID)
	e.SetTime(m.Published.UTC())
	e.SetType("google.cloud.pubsub.topic.v1.messagePublished")
	e.SetSource("//pubsub.googleapis.com/projects/" + gcp.Project + "/topics/" + m.Topic)
	data := m.Data
	if m.Event == nil {
		data = m.published(subscription, attempt)
	} else {
		e.SetType(m.Event.Type)
		e.SetSource(m.Event.Source)
		e.SetSubject(m.Event.Subject)
		for name, value := range m.Event.Attributes { //wtsim:order extensions are independent
			e.SetExtension(name, value)
		}
	}
	var content any = json.RawMessage(data)
	contentType := "application/json"
	if m.Event != nil && m.Event.ContentType != "" {
		content, contentType = data, m.Event.ContentType
	}
	if err := e.SetData(contentType, content); err != nil {
		panic(fmt.Errorf("delivery: the data of %s is no JSON: %w", m.Subject.Text, err)) // it comes from json.Marshal, or a fake of ours
	}
	return e
}

// binary is an event as an HTTP request in the binary mode of CloudEvents.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
func binary(e event.Event) *cloud.Request {
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
	return &cloud.Request{Method: http.MethodPost, Path: "/", Header: h, Body: string(e.Data())}
}
