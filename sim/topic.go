package sim

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
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
	tap := &publishTap{instanceTap: t.inst.tap}
	result, err := probe.Do(ctx, tap, op, func() event.Result {
		id := t.inst.world.publish(t, tap.call, data)
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

// publishTap remembers the call that passes it: the message is named after
// it.
type publishTap struct {
	*instanceTap
	call *call
}

// Enter parks the call until the world decides.
func (p *publishTap) Enter(c *probe.Call) probe.Verdict {
	v := p.instanceTap.Enter(c)
	p.call, _ = c.Ref.(*call)
	return v
}

// publish is the effect of Publish; it runs on the publisher's goroutine,
// within a step.
func (w *world) publish(t *Topic, k *call, data []byte) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := &message{
		name: fmt.Sprintf("%s.%s/%d", k.owner, mask(t.name), k.k),
		root: k.task.root, topic: t.name, data: append([]byte{}, data...),
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

// deliver makes another delivery of a message, now or at a later instant.
func (w *world) deliver(t *task, suffix string, attempt int, at time.Time) {
	w.schedule(&task{name: t.name + suffix, root: t.root, fn: t.fn, attempt: attempt, message: t.message, stage: pending}, at)
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
	at := time.Now().Add(t.backoff()) //wtsim:clock the bubble's clock
	if at.Sub(t.message.published) > t.fn.RetryFor {
		w.happens(t, "give up", "is given up", fmt.Sprintf("no retry after %v", t.fn.RetryFor))
		return
	}
	w.deliver(t, "~retry", t.attempt+1, at)
}

// backoff is the time until the next attempt.
func (t *task) backoff() time.Duration {
	d := t.fn.MinBackoff
	for range t.attempt - 1 {
		if d >= t.fn.MaxBackoff {
			break
		}
		d *= 2
	}
	return min(d, t.fn.MaxBackoff)
}
