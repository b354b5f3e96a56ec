package sim

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/wtsim/wtsim/probe"
)

// subscription is one during a run: a function's trigger, to which messages
// or events are pushed, or a pull subscription.
type subscription struct {
	name string
	Policy
	topic  string
	filter filter
	lanes  map[string]*lane // by ordering key

	fn      *function // of a trigger
	trigger Trigger

	pull    *Subscription // of a pull subscription
	backlog []*task       // messages that wait, in the order of their publication
	leases  []*lease
	streams []*pullStream
}

// lane keeps the messages of one ordering key in order.
type lane struct {
	busy  int // deliveries that are not settled
	queue []*task
}

// addSubscriptions makes the run's topics and subscriptions.
func (w *world) addSubscriptions() {
	for _, t := range w.sim.scenario.AllTopics() {
		w.topics[t] = nil
	}
	for _, f := range w.functions {
		for i, t := range f.Triggers {
			name := f.Name
			if i > 0 {
				name = fmt.Sprintf("%s-%d", f.Name, i+1)
			}
			w.subscribe(&subscription{name: name, Policy: t.Policy, topic: t.Topic, fn: f, trigger: t})
		}
	}
	for i := range w.sim.scenario.Subscriptions {
		s := &w.sim.scenario.Subscriptions[i]
		w.subscribe(&subscription{name: s.Name, Policy: s.Policy, topic: s.Topic, pull: s})
	}
}

func (w *world) subscribe(s *subscription) {
	s.filter, _ = parseFilter(s.Filter) // Compile has tried
	s.lanes = map[string]*lane{}
	w.subscriptions = append(w.subscriptions, s)
	if s.topic != "" {
		w.topics[s.topic] = append(w.topics[s.topic], s)
	}
}

// publish is the effect of publishing; it runs on the publisher's goroutine,
// within a step.
func (w *world) publish(k *call, topic string, m probe.Message) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.topics[topic]; !ok {
		return "", fmt.Errorf("topic %s: %w", topic, probe.ErrNotFound)
	}
	name := fmt.Sprintf("%s.%s/%d", k.owner, mask(topic), k.k)
	if k.published++; k.published > 1 {
		name += fmt.Sprintf(".%d", k.published)
	}
	msg := (&message{Message: m, root: k.task.root, topic: topic}).named(name)
	w.fanOut(msg)
	return msg.ID, nil
}

// fanOut gives a message to the subscriptions of its topic.
func (w *world) fanOut(m *message) {
	for _, s := range w.topics[m.topic] {
		if s.filter(m.Attributes) {
			w.queue(s, m)
		}
	}
}

// route gives an event to the triggers that it matches.
func (w *world) route(k *call, e probe.Occurrence) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kind := e.Type[strings.LastIndexByte(e.Type, '.')+1:]
	label := mask(fmt.Sprintf("%s.%s %s", k.owner, kind, strings.TrimPrefix(e.Subject, "objects/")))
	m := (&message{Message: probe.Message{Data: e.Data}, root: k.task.root, event: &e}).named(fmt.Sprintf("%s/%d", label, k.task.count(label)))
	for _, s := range w.subscriptions {
		if s.trigger.Event != "" && s.matches(&e) {
			w.queue(s, m)
		}
	}
}

// matches reports whether an event is for the trigger.
func (s *subscription) matches(e *probe.Occurrence) bool {
	if e.Type != s.trigger.Event {
		return false
	}
	for name, pattern := range s.trigger.Match { //wtsim:order all must match
		value := e.Attributes[name]
		switch name {
		case "source":
			value = e.Source
		case "subject":
			value = e.Subject
		}
		if !matchPath(pattern, value) {
			return false
		}
	}
	return true
}

// matchPath is Eventarc's path pattern: * for a part of one element, ** for
// any number of elements.
// https://docs.cloud.google.com/eventarc/docs/path-patterns
func matchPath(pattern, value string) bool {
	before, after, many := strings.Cut(pattern, "**")
	if !many {
		ok, err := path.Match(pattern, value)
		return ok && err == nil
	}
	for i := range len(value) + 1 {
		if ok, _ := path.Match(before, value[:i]); !ok {
			continue
		}
		for j := i; j <= len(value); j++ {
			if matchPath(after, value[j:]) {
				return true
			}
		}
	}
	return false
}

// queue makes a message's delivery to a subscription. A message whose key has
// one under way waits for it.
func (w *world) queue(s *subscription, m *message) {
	t := &task{name: s.name + "(" + m.name + ")", root: m.root, fn: s.fn, attempt: 1, cause: &delivery{s, m}}
	if s.Ordered && m.OrderingKey != "" {
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
	w.offer(s, t)
}

// offer makes a delivery ready, for the function or for pullers.
func (w *world) offer(s *subscription, t *task) {
	if s.pull != nil {
		w.awaitPuller(s, t)
		return
	}
	t.stage = pending
	w.tasks = append(w.tasks, t)
}

// delivery is a message on its way to a subscription.
type delivery struct {
	sub *subscription
	msg *message
}

func (d *delivery) words(attempt int) string {
	s := "gets " + d.msg.words()
	if attempt > 1 {
		s += fmt.Sprintf(", attempt %d", attempt)
	}
	return s
}

func (d *delivery) limit() time.Duration { return d.sub.trigger.AckDeadline }
func (d *delivery) line() any            { return d.sub }
func (d *delivery) platform() bool       { return true }
func (d *delivery) drops() bool          { return d.sub.Once }
func (d *delivery) retries(int) bool     { return !d.sub.Once }

// shown is the attempt's number as the receiver is told: only where attempts
// are counted for a dead-letter topic.
func (d *delivery) shown(attempt int) int {
	if d.sub.DeadLetter == "" {
		return 0
	}
	return attempt
}

func (d *delivery) invoke(ctx context.Context, h Handler, attempt int) ending {
	m := d.msg
	switch {
	case h.message != nil:
		return returned(h.message(ctx, Message{ID: m.ID, Data: m.Data, Attributes: m.Attributes, OrderingKey: m.OrderingKey, Published: m.Published, Attempt: attempt}))
	case h.event != nil:
		return returned(h.event(ctx, m.cloudEvent(d.sub.name, d.shown(attempt))))
	case d.sub.trigger.Push:
		e := (&Request{Method: http.MethodPost, Path: "/", Body: string(m.published(d.sub.name, d.shown(attempt))),
			Header: map[string]string{"Content-Type": "application/json"}}).serve(ctx, h.http)
		e.success = acknowledges(e.resp.Status)
		return e
	}
	e := binary(m.cloudEvent(d.sub.name, d.shown(attempt))).serve(ctx, h.http)
	e.success = e.resp.Status >= 200 && e.resp.Status < 300
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

func returned(err error) ending {
	if err != nil {
		return ending{status: "error: " + err.Error()}
	}
	return ending{status: "ok", success: true}
}

func (d *delivery) answered(w *world, t *task, e ending) {
	if e.success {
		w.settled(d)
		return
	}
	d.unanswered(w, t)
}

// unanswered delivers a message again after a backoff, until the platform
// gives it up. What Eventarc keeps no longer is dead-lettered too.
// https://docs.cloud.google.com/eventarc/docs/retry-events
func (d *delivery) unanswered(w *world, t *task) {
	now := time.Now() //wtsim:clock the bubble's clock
	at := now.Add(backoff(d.sub.MinBackoff, d.sub.MaxBackoff, t.attempt, 64))
	over := at.Sub(d.msg.Published) > d.sub.KeepFor
	switch {
	case d.sub.Once:
		w.happens(t, "drop", "is dropped", "retries are off")
		w.settled(d)
	case d.sub.DeadLetter != "" && (t.attempt >= d.sub.MaxAttempts || over && !d.sub.trigger.Push):
		w.deadLetter(d, t)
		w.settled(d)
	case over:
		w.happens(t, "give up", "is given up", fmt.Sprintf("no retry after %v", d.sub.KeepFor))
		w.settled(d)
	default:
		w.again(t, at)
	}
}

// again makes the next attempt of a task at an instant.
func (w *world) again(t *task, at time.Time) {
	w.schedule(&task{name: t.name + retrySuffix, root: t.root, fn: t.fn, attempt: t.attempt + 1, cause: t.cause}, at)
}

func (d *delivery) dropped(w *world) { w.settled(d) }

// settled ends a delivery: its ordering key is free for the next.
func (w *world) settled(d *delivery) {
	l := d.sub.lanes[d.msg.OrderingKey]
	if l == nil || !d.sub.Ordered {
		return
	}
	if l.busy--; l.busy == 0 && len(l.queue) > 0 {
		next := l.queue[0]
		l.queue = l.queue[1:]
		l.busy++
		w.offer(d.sub, next)
	}
}

// deadLetter publishes a message that nobody takes to its dead-letter topic.
// https://docs.cloud.google.com/pubsub/docs/handling-failures
func (w *world) deadLetter(d *delivery, t *task) {
	after := fmt.Sprintf("after %d attempts", t.attempt)
	if w.sim.scenario.lacks(deadLetters) {
		w.happens(t, "give up", "is given up", after)
		return
	}
	w.happens(t, "dead-letter", "is dead-lettered to "+d.sub.DeadLetter, after)
	m := probe.Message{Data: d.msg.Data, OrderingKey: d.msg.OrderingKey, Attributes: map[string]string{}}
	for k, v := range d.msg.Attributes { //wtsim:order a map to a map
		m.Attributes[k] = v
	}
	m.Attributes["CloudPubSubDeadLetterSourceDeliveryCount"] = fmt.Sprint(t.attempt)
	m.Attributes["CloudPubSubDeadLetterSourceSubscription"] = d.sub.name
	m.Attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] = project
	m.Attributes["CloudPubSubDeadLetterSourceTopicPublishTime"] = d.msg.Published.UTC().Format(time.RFC3339Nano)
	w.fanOut((&message{Message: m, root: d.msg.root, topic: d.sub.DeadLetter}).named(d.msg.name + t.copyOf() + ".dead/" + d.sub.name))
}

// copyOf tells the copies of a delivery apart, each of which may end as a dead
// letter: "~dup" of that of the first attempt, "" of the delivery itself.
func (t *task) copyOf() string {
	suffix := t.name[strings.LastIndexByte(t.name, ')')+1:]
	for retried := true; retried; {
		suffix, retried = strings.CutSuffix(suffix, retrySuffix)
	}
	return suffix
}

// repeat makes a second delivery of what a task is about, which nobody waits
// for: a duplicate.
func (w *world) repeat(t *task) {
	if d, ok := t.cause.(*delivery); ok {
		w.occupy(d)
	}
	w.schedule(&task{name: t.name + "~dup", root: t.root, fn: t.fn, attempt: t.attempt, cause: t.cause, copy: true}, time.Time{})
}

// occupy notes that one more delivery keeps an ordering key busy.
func (w *world) occupy(d *delivery) {
	if l := d.sub.lanes[d.msg.OrderingKey]; l != nil && d.sub.Ordered {
		l.busy++
	}
}

// newer is a later event of the same thing that waits for the same function.
func (w *world) newer(t *task) *task {
	d, ok := t.cause.(*delivery)
	if !ok || d.msg.event == nil {
		return nil
	}
	for _, other := range w.tasks {
		o, ok := other.cause.(*delivery)
		if ok && other.stage == pending && other != t && o.sub == d.sub && o.msg.event.Type == d.msg.event.Type &&
			o.msg.event.Subject == d.msg.event.Subject && o.msg.Published.After(d.msg.Published) {
			return other
		}
	}
	return nil
}

// schedule makes a task pending, now or at a later instant.
func (w *world) schedule(t *task, at time.Time) {
	if at.IsZero() {
		t.stage = pending
		w.tasks = append(w.tasks, t)
		return
	}
	t.stage = waiting
	w.agenda.add(at, "retry "+t.name, func() {
		if q, ok := t.cause.(*queued); ok && q.deleted {
			return
		}
		t.stage = pending
		w.tasks = append(w.tasks, t)
	})
}
