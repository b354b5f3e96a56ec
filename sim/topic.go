package sim

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Topic publishes messages, which are delivered at least once to every
// function that the topic triggers, in no particular order.
type Topic struct {
	name string
	inst *instance
}

// Publish publishes a message and returns its id when the topic has it. An
// error says that the publisher does not know that it has.
func (t *Topic) Publish(ctx context.Context, data []byte) (id string, err error) {
	op := event.Operation{
		Service: "pubsub", Method: "publish", Resource: t.name, Access: event.Writes,
		Fails:   []string{"503"},
		Request: event.Payload{Target: t.name, Body: data},
	}
	result, err := probe.Do(ctx, t.inst.tap, op, func() event.Result {
		id := t.inst.world.publish(t, data)
		return event.Result{Status: "published", Body: []byte(id), OK: true}
	})
	if err != nil {
		return "", fmt.Errorf("publish to %s: %w", t.name, err)
	}
	return string(result.Body), nil
}

// message is what was published.
type message struct {
	name      string // <publishing task>.<topic>/<k>
	root      string
	topic     string
	id        string
	data      []byte
	published time.Time
}

// publish is the effect of Publish; it runs on the publisher's goroutine,
// within a step.
func (w *world) publish(t *Topic, data []byte) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	publisher, _ := w.attribute(t.inst)
	m := &message{
		name: fmt.Sprintf("%s.%s/%d", publisher.name, t.name, publisher.count("publish "+t.name)),
		root: publisher.root, topic: t.name, data: append([]byte{}, data...),
		published: time.Now(), //wtsim:clock the bubble's clock
	}
	m.id = messageID(m.name)
	for _, f := range w.topics[t.name] {
		w.tasks = append(w.tasks, &task{name: f.Name + "(" + m.name + ")", root: m.root, fn: f, attempt: 1, stage: pending, message: m})
	}
	return m.id
}

// messageID looks like Pub/Sub's, and depends on the message's name alone.
func messageID(name string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return fmt.Sprintf("%016d", h.Sum64()%1e16)
}

func (m *message) delivery(attempt int) Message {
	return Message{ID: m.id, Data: m.data, Attempt: attempt}
}

func (m *message) people() string {
	return "a message of " + m.topic
}

// push delivers the message to an HTTP handler, in the envelope of a push
// subscription; an answer of 2xx acknowledges it.
// https://docs.cloud.google.com/pubsub/docs/push
func (m *message) push(ctx context.Context, h http.Handler, attempt int) ending {
	envelope, err := json.Marshal(map[string]any{
		"message": map[string]any{
			"data": base64.StdEncoding.EncodeToString(m.data), "messageId": m.id,
			"publishTime": m.published.UTC().Format(time.RFC3339Nano)},
		"subscription":    "projects/wtsim/subscriptions/" + m.topic,
		"deliveryAttempt": attempt,
	})
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	r := &pendingRequest{Request: Request{Method: http.MethodPost, Path: "/", Body: string(envelope),
		Header: map[string]string{"Content-Type": "application/json"}}}
	e := r.serve(ctx, h)
	e.success = e.resp.Status >= 200 && e.resp.Status < 300
	return e
}

// deliver makes a delivery of a message, now or at a later instant.
func (w *world) deliver(m *message, name string, attempt int, at time.Time) {
	fn, _, _ := strings.Cut(name, "(")
	t := &task{name: name, root: m.root, fn: w.function(fn), attempt: attempt, message: m, stage: pending}
	w.schedule(t, at)
}

// schedule makes a task pending, now or at a later instant.
func (w *world) schedule(t *task, at time.Time) {
	if at.IsZero() {
		w.tasks = append(w.tasks, t)
		return
	}
	t.stage = waiting
	w.agenda.add(at, "retry "+t.name, func() {
		t.stage = pending
		w.tasks = append(w.tasks, t)
	})
}

func (w *world) function(name string) *function {
	for _, f := range w.functions {
		if f.Name == name {
			return f
		}
	}
	panic("sim: no function " + name) // names come from w.functions
}

// redeliver delivers a message again after a backoff that doubles with each
// attempt, until the platform gives it up.
func (w *world) redeliver(t *task) {
	backoff := t.fn.MinBackoff << min(t.attempt-1, 20)
	at := time.Now().Add(min(backoff, t.fn.MaxBackoff)) //wtsim:clock the bubble's clock
	if at.Sub(t.message.published) > t.fn.RetryFor {
		return
	}
	w.deliver(t.message, t.name+"~retry", t.attempt+1, at)
}
