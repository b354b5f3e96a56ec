// Package delivery is how Google Cloud brings messages and events to those who
// wait for them: at least once, again after a backoff, in order within an
// ordering key, until they are taken, dead-lettered or given up. Eventarc and
// Pub/Sub share it: Eventarc's transport is a Pub/Sub subscription.
package delivery

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
)

// Subscription is one during a run: what waits for messages or events.
type Subscription struct {
	Name   string
	Policy gcp.Policy
	Kernel cloud.Kernel
	// Push marks one of the scenario's own that pushes to an HTTP handler;
	// else it is Eventarc's, or pulled from.
	Push        bool
	AckDeadline time.Duration // of a push; zero for as long as the function may take
	Function    string        // that it invokes; empty if it is pulled from
	// Merges says that two events of one thing may become one.
	Merges bool
	// Offer makes a delivery ready for who waits; nil to invoke the function.
	Offer func(*cloud.Task)
	// Bury brings a message to the dead-letter topic, and reports whether it
	// got there.
	Bury func(*Delivery, *cloud.Task) bool
	// Wrap makes a delivery's cause; nil for the delivery itself.
	Wrap func(*Delivery) cloud.Cause

	lanes map[string]*lane // by ordering key
}

// lane keeps the messages of one ordering key in order.
type lane struct {
	busy  int // deliveries that are not settled
	queue []*cloud.Task
}

// Queue makes a message's delivery. A message whose key has one under way
// waits for it.
func (s *Subscription) Queue(m *Message) {
	d := &Delivery{s, m}
	t := &cloud.Task{Name: cloud.NameTask(s.Name, m.Subject), Root: m.Root, Attempt: 1, Cause: d}
	t.Name.Function = s.Function
	if s.Wrap != nil {
		t.Cause = s.Wrap(d)
	}
	if s.Policy.Ordered && m.OrderingKey != "" {
		if s.lanes == nil {
			s.lanes = map[string]*lane{}
		}
		l := s.lanes[m.OrderingKey]
		if l == nil {
			l = &lane{}
			s.lanes[m.OrderingKey] = l
		}
		if l.busy > 0 {
			l.queue = append(l.queue, t)
			return
		}
		l.busy++
	}
	s.offer(t)
}

func (s *Subscription) offer(t *cloud.Task) {
	if s.Offer != nil {
		s.Offer(t)
		return
	}
	s.Kernel.Invoke(t, time.Time{})
}

// AppendState adds what waits for its key.
func (s *Subscription) AppendState(d *cloud.Digest) {
	for _, key := range sortedKeys(s.lanes) {
		d.Text(key)
		d.Number(int64(s.lanes[key].busy))
		d.Tasks(s.lanes[key].queue)
	}
}

// Delivery is a message on its way to a subscription.
type Delivery struct {
	Sub *Subscription
	Msg *Message
}

// Words tell the start of an attempt.
func (d *Delivery) Words(attempt int) string { return d.words("gets ", attempt) }

// InvokedBy tells it from other messages of its topic, and other events of its kind.
func (d *Delivery) InvokedBy() cloud.InvokedBy {
	if e := d.Msg.Event; e != nil {
		return cloud.InvokedBy{Kind: Kind(e.Type) + " event", Number: d.Msg.Number, Of: about(e)}
	}
	return cloud.InvokedBy{Kind: "message", Number: d.Msg.Number, Of: d.Msg.Topic}
}

// Pulls tells that somebody who waits gets it.
func (d *Delivery) Pulls(attempt int) string { return d.words("pulls ", attempt) }

func (d *Delivery) words(verb string, attempt int) string {
	s := verb + d.Msg.words()
	if attempt > 1 {
		s += fmt.Sprintf(", attempt %d", attempt)
	}
	return s
}

// Limit is the acknowledgement deadline of a push.
func (d *Delivery) Limit() time.Duration { return d.Sub.AckDeadline }

// Line is the subscription.
func (d *Delivery) Line() any { return d.Sub }

// Platform is true.
func (d *Delivery) Platform() bool { return true }

// Drops reports whether it may be lost: retries are off.
func (d *Delivery) Drops() bool { return d.Sub.Policy.Once }

// Retries reports whether it comes again.
func (d *Delivery) Retries(int) bool { return !d.Sub.Policy.Once }

// Double keeps the ordering key busy for one delivery more.
func (d *Delivery) Double() {
	if l := d.Sub.lanes[d.Msg.OrderingKey]; l != nil && d.Sub.Policy.Ordered {
		l.busy++
	}
}

// Twice says that it comes twice.
func (d *Delivery) Twice() string { return "the message is delivered twice" }

// Shown is the attempt's number as the receiver is told: only where attempts
// are counted for a dead-letter topic.
func (d *Delivery) Shown(attempt int) int {
	if d.Sub.Policy.DeadLetter == "" {
		return 0
	}
	return attempt
}

// Invoke calls the handler in its own form.
func (d *Delivery) Invoke(ctx context.Context, h cloud.Handler, attempt int) cloud.Ending {
	m := d.Msg
	switch f := h.Form().(type) {
	case func(context.Context, gcp.Message) error:
		given := m.Message
		given.Attempt = attempt
		return cloud.Returned(f(ctx, given))
	case func(context.Context, event.Event) error:
		return cloud.Returned(f(ctx, m.cloudEvent(d.Sub.Name, d.Shown(attempt))))
	}
	if d.Sub.Push {
		e := (&cloud.Request{Method: http.MethodPost, Path: "/", Body: string(m.published(d.Sub.Name, d.Shown(attempt))),
			Header: map[string]string{"Content-Type": "application/json"}}).Call(ctx, h)
		e.Success = acknowledges(e.Response.Status)
		return e
	}
	e := binary(m.cloudEvent(d.Sub.Name, d.Shown(attempt))).Call(ctx, h)
	e.Success = e.Response.OK()
	return e
}

// acknowledges tells which answers acknowledge a pushed message.
// https://docs.cloud.google.com/pubsub/docs/push
func acknowledges(status int) bool {
	switch status {
	case 102, 200, 201, 202, 204:
		return true
	}
	return false
}

// Answered settles a delivery that succeeded.
func (d *Delivery) Answered(t *cloud.Task, e cloud.Ending) {
	if e.Success {
		d.Settled()
		return
	}
	d.Unanswered(t)
}

// Unanswered delivers a message again after a backoff, until the platform
// gives it up. What Eventarc keeps no longer is dead-lettered too.
// https://docs.cloud.google.com/eventarc/docs/retry-events
func (d *Delivery) Unanswered(t *cloud.Task) {
	p := &d.Sub.Policy
	at := d.Sub.Kernel.Now().Add(cloud.Backoff(p.MinBackoff, p.MaxBackoff, t.Attempt, 64))
	over := at.Sub(d.Msg.Published) > p.KeepFor
	switch {
	case p.Once:
		d.GiveUp(t, "drop", "is dropped", "retries are off")
	case p.DeadLetter != "" && (t.Attempt >= p.MaxAttempts || over && !d.Sub.Push):
		d.DeadLetter(t)
	case over:
		d.GiveUp(t, "give up", "is given up", fmt.Sprintf("no retry after %v", p.KeepFor))
	default:
		d.Sub.Kernel.Invoke(t.Next(), at)
	}
}

// GiveUp tells the end of a delivery that nobody took.
func (d *Delivery) GiveUp(t *cloud.Task, name, what, status string) {
	d.Sub.Kernel.Happens(t, name, what, status)
	d.Settled()
}

// DeadLetter publishes a message that nobody takes to its dead-letter topic.
// https://docs.cloud.google.com/pubsub/docs/handling-failures
func (d *Delivery) DeadLetter(t *cloud.Task) {
	after := fmt.Sprintf("after %d attempts", t.Attempt)
	if d.Sub.Bury(d, t) {
		d.Sub.Kernel.Happens(t, "dead-letter", "is dead-lettered to "+d.Sub.Policy.DeadLetter, after)
	} else {
		d.Sub.Kernel.Happens(t, "give up", "is given up", after)
	}
	d.Settled()
}

// Buried is a message as it goes to a dead-letter topic, and what it is about.
func (d *Delivery) Buried(t *cloud.Task) (cloud.Subject, gcp.Message) {
	m := gcp.Message{Data: d.Msg.Data, OrderingKey: d.Msg.OrderingKey, Attributes: map[string]string{}}
	for k, v := range d.Msg.Attributes { //wtsim:order a map to a map
		m.Attributes[k] = v
	}
	m.Attributes["CloudPubSubDeadLetterSourceDeliveryCount"] = fmt.Sprint(t.Attempt)
	m.Attributes["CloudPubSubDeadLetterSourceSubscription"] = d.Sub.Name
	m.Attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] = gcp.Project
	m.Attributes["CloudPubSubDeadLetterSourceTopicPublishTime"] = d.Msg.Published.UTC().Format(time.RFC3339Nano)
	return cloud.Subject{Label: d.Msg.Subject.Join(t.Name.Copy()).With(".dead/" + d.Sub.Name), No: d.Sub.Name}, m
}

// Newer reports whether a later event of the same thing waits, with which the
// platform may merge this one.
func (d *Delivery) Newer(t *cloud.Task) bool {
	if !d.Sub.Merges || d.Msg.Event == nil {
		return false
	}
	for _, other := range d.Sub.Kernel.Waiting() {
		o, ok := other.Cause.(*Delivery)
		if ok && other != t && o.Sub == d.Sub && o.Msg.Event.Type == d.Msg.Event.Type &&
			o.Msg.Event.Subject == d.Msg.Event.Subject && o.Msg.Published.After(d.Msg.Published) {
			return true
		}
	}
	return false
}

// Dropped settles what the platform has lost.
func (d *Delivery) Dropped() { d.Settled() }

// Settled ends a delivery: its ordering key is free for the next.
func (d *Delivery) Settled() {
	l := d.Sub.lanes[d.Msg.OrderingKey]
	if l == nil || !d.Sub.Policy.Ordered {
		return
	}
	if l.busy--; l.busy == 0 && len(l.queue) > 0 {
		next := l.queue[0]
		l.queue = l.queue[1:]
		l.busy++
		d.Sub.offer(next)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Undertaker is a backend that has dead-letter topics.
type Undertaker interface {
	cloud.Backend
	// Bury brings what a delivery is about to its dead-letter topic, and reports
	// whether it got there.
	Bury(*Delivery, *cloud.Task) bool
}
