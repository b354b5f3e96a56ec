package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/internal/pattern"
)

// mapping brings a queue's messages to a function, in batches. Every message
// that could be the first of a batch waits as a task; the one that starts takes
// others with it.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
type mapping struct {
	Trigger
	function string
	name     string // of the binding
	running  int    // batches
	until    time.Time
	released bool // what was gathered goes, though it fills no batch
	criteria pattern.Criteria
}

// wants reports whether a message passes the filters: its body as JSON, where it is
// some, else as a text.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
func (m *mapping) wants(x *message) bool {
	if len(m.criteria) == 0 {
		return true
	}
	body, err := pattern.Decode([]byte(x.body))
	if err != nil {
		body = x.body
	}
	return m.criteria.Pass(map[string]any{"body": body})
}

// offerMapping makes tasks of what may be received.
func (q *queue) offerMapping() {
	q.forget()
	q.redrive()
	m, k := q.mapping, q.backend.kernel
	for _, x := range slices.Clone(q.messages) {
		if !x.hidden && !m.wants(x) {
			x.remove()
		}
	}
	first := q.eligible(len(q.messages), true)
	if m.Window > 0 && !m.released && len(first) < m.BatchSize {
		if len(first) > 0 && m.until.IsZero() {
			m.until = k.Now().Add(m.Window)
			k.At(m.until, "window "+q.Name, func() {
				m.until, m.released = time.Time{}, true
				q.offer()
			})
		}
		first = nil
	}
	for _, x := range q.messages {
		ready := slices.Contains(first, x)
		switch {
		case !ready:
			x.awaitNot()
		case x.task == nil:
			name := x.name
			if x.receives > 0 {
				name = name.Again(cloud.Retry)
			}
			x.task = &cloud.Task{Name: name, Root: x.root, Attempt: x.receives + 1, Cause: &batch{head: x}}
			k.Invoke(x.task, time.Time{})
		}
	}
}

// batch is the cause of an invocation with messages of a queue: one that waits,
// and once it has begun those that came with it.
type batch struct {
	head    *message
	taken   []received
	payload []byte
}

func (b *batch) mapping() *mapping { return b.head.queue.mapping }

// Words tell the start of an attempt.
func (b *batch) Words(attempt int) string {
	s := "gets messages of " + b.head.queue.Name
	if attempt > 1 {
		s += fmt.Sprintf(", attempt %d", attempt)
	}
	return s
}

// InvokedBy tells it from other messages of its queue.
func (b *batch) InvokedBy() cloud.InvokedBy {
	return cloud.InvokedBy{Kind: "message", Number: b.head.number, Of: b.head.queue.Name}
}

// From is the queue.
func (b *batch) From() cloud.Part { return cloud.Part{Kind: "queue", Name: b.head.queue.Name} }

// Line is the queue; of a FIFO queue there is none, since groups are in no order.
func (b *batch) Line() any {
	if b.head.queue.fifo() {
		return nil
	}
	return b.head.queue
}

func (b *batch) Limit() time.Duration { return 0 }
func (b *batch) Platform() bool       { return true }
func (b *batch) Retries(int) bool     { return true }

// Single reports that a FIFO queue brings no message twice of itself.
func (b *batch) Single() bool { return b.head.queue.fifo() }

// Twice says that it comes twice.
func (b *batch) Twice() string { return "the messages are received twice" }

// Double is of no account to the queue.
func (b *batch) Double() {}

// Busy reports whether the mapping has as many batches under way as it may.
func (b *batch) Busy() bool {
	m := b.mapping()
	return m.MaxConcurrency > 0 && m.running >= m.MaxConcurrency
}

// Began receives the batch.
func (b *batch) Began() {
	b.mapping().running++
	b.receive()
}

// Finished makes room for another.
func (b *batch) Finished() { b.mapping().running-- }

// receive takes the batch out of the queue, the message that has waited first.
func (b *batch) receive() {
	if b.taken != nil {
		return // it is a second time
	}
	q, m := b.head.queue, b.mapping()
	b.head.task = nil
	b.taken = []received{b.head.take(q.Visibility)}
	for _, x := range q.eligibleWith(b.head) {
		if len(b.taken) == m.BatchSize {
			break
		}
		b.taken = append(b.taken, x.take(q.Visibility))
	}
	m.released = false
	if !m.until.IsZero() {
		q.backend.kernel.NotAt(m.until, "window "+q.Name)
		m.until = time.Time{}
	}
	b.payload = payload(b.taken)
	q.offer()
}

// eligibleWith are the messages that may come with one that was just taken: of a
// FIFO queue also those that follow it in its group.
func (q *queue) eligibleWith(head *message) []*message {
	if !q.fifo() || q.backend.service.lacks(groups) {
		return q.eligible(len(q.messages), false)
	}
	head.hidden = false
	with := q.eligible(len(q.messages)+1, false)
	head.hidden = !head.until.IsZero()
	return slices.DeleteFunc(with, func(m *message) bool { return m == head })
}

// Invoke calls the function.
func (b *batch) Invoke(ctx context.Context, h cloud.Handler, _ int) cloud.Ending {
	f := aws.FunctionOf(h)
	if f == nil {
		return aws.Unsuited(h)
	}
	return f.Invoke(ctx, b.payload)
}

// Answered deletes what was dealt with. The rest comes again when its visibility
// timeout has passed.
func (b *batch) Answered(t *cloud.Task, e cloud.Ending) {
	switch {
	case t.Copy:
	case !e.Success:
		b.Unanswered(t)
	default:
		q := b.head.queue
		failed := b.failed(e.Response.Body)
		for i := range b.taken {
			if x := q.by(b.taken[i].receipt); x != nil && !failed(b.taken[i].id) {
				x.remove()
			}
		}
		q.offer()
	}
}

// Unanswered deletes nothing. Where no instance has had room, the message was
// received all the same.
func (b *batch) Unanswered(t *cloud.Task) {
	if b.taken == nil && !t.Copy {
		b.receive()
	}
}

// failed tells which messages a function reports as failed.
func (b *batch) failed(answer []byte) func(id string) bool {
	if !b.mapping().ItemFailures {
		return func(string) bool { return false }
	}
	ids, all := aws.ItemFailures(answer, func(id string) bool {
		return slices.ContainsFunc(b.taken, func(r received) bool { return r.id == id })
	})
	return func(id string) bool { return all || slices.Contains(ids, id) }
}

// payload is the event of a batch.
func payload(batch []received) []byte {
	var e events.SQSEvent
	for i := range batch {
		m := &batch[i]
		r := events.SQSMessage{
			MessageId: m.id, ReceiptHandle: m.receipt, Body: m.body, Md5OfBody: sum([]byte(m.body)), Md5OfMessageAttributes: sumOf(m.attributes),
			Attributes: m.system(), MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSourceARN: aws.QueueARN(m.queue.Name), EventSource: "aws:sqs", AWSRegion: aws.Region,
		}
		for name, a := range m.attributes { //wtsim:order a map to a map
			r.MessageAttributes[name] = events.SQSMessageAttribute{StringValue: a.StringValue, BinaryValue: a.BinaryValue, DataType: a.DataType}
		}
		e.Records = append(e.Records, r)
	}
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // texts and numbers
	}
	return text
}
