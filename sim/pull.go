package sim

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// lease is a message in a puller's hands until its deadline.
// https://docs.cloud.google.com/pubsub/docs/lease-management
type lease struct {
	task     *task // the delivery; it has no function
	sub      *subscription
	ackID    string
	deadline time.Time
}

// pullStream is a caller that waits for messages.
type pullStream struct {
	inst     *instance
	root     string
	settings func() probe.StreamSettings
	deliver  func(probe.Delivery)
	coming   []*task     // deliveries that are ready for it
	ended    atomic.Bool // the caller waits no longer
}

// room reports whether the stream takes another message: what it holds is
// bounded by its settings.
func (p *pullStream) room(s *subscription, settings probe.StreamSettings) bool {
	if p.ended.Load() || p.inst.dead {
		return false
	}
	held := slices.Clone(p.coming)
	for _, l := range s.leases {
		if l.task.stream == p {
			held = append(held, l.task)
		}
	}
	var size int64
	for _, t := range held {
		size += int64(len(t.cause.(*delivery).msg.Data))
	}
	return (settings.Messages <= 0 || int64(len(held)) < settings.Messages) &&
		(settings.Bytes <= 0 || len(held) == 0 || size < settings.Bytes)
}

// awaitPuller makes a delivery wait for a puller: a stream, if there is one,
// gets it in a step of its own.
func (w *world) awaitPuller(s *subscription, t *task) {
	t.stage = waiting
	s.backlog = append(s.backlog, t)
	w.feed(s)
}

// feed makes what waits ready for streams that have room. They take turns.
func (w *world) feed(s *subscription) {
	for len(s.backlog) > 0 {
		i := slices.IndexFunc(s.streams, func(p *pullStream) bool { return p.room(s, p.settings()) })
		if i < 0 {
			return
		}
		p, t := s.streams[i], s.backlog[0]
		s.streams = append(slices.Delete(s.streams, i, i+1), p)
		s.backlog = s.backlog[1:]
		t.fn, t.stage, t.stream = p.inst.fn, pending, p
		p.coming = append(p.coming, t)
		w.tasks = append(w.tasks, t)
	}
}

// hand gives a message to its stream: a step.
func (w *world) hand(t *task, s *Step) {
	d := t.cause.(*delivery)
	s.Kind, s.What, s.Instance = KindStart, "pulls "+d.msg.words(), t.stream.inst.id
	if t.attempt > 1 {
		s.What += fmt.Sprintf(", attempt %d", t.attempt)
	}
	o := w.fault(candidate{task: t}, w.handFaults(d))
	s.Outcome = o.String()
	w.mu.Lock()
	if o.Do == Duplicate {
		w.remark(fmt.Sprintf("%s: the message is delivered twice", t.who()))
		w.doubled(t)
	}
	t.stage = over
	t.stream.coming = slices.DeleteFunc(t.stream.coming, func(x *task) bool { return x == t })
	l := w.lend(d.sub, t)
	w.mu.Unlock()
	t.stream.deliver(d.leased(l))
	w.beat.Wait()
}

// doubled makes a message that is about to be delivered wait a second time.
func (w *world) doubled(t *task) {
	d := t.cause.(*delivery)
	w.occupy(d)
	w.awaitPuller(d.sub, &task{name: t.name + "~dup", root: t.root, fn: t.fn, attempt: t.attempt, cause: t.cause})
}

func (w *world) handFaults(d *delivery) []scheduler.Option {
	if d.sub.pull.ExactlyOnce {
		return []scheduler.Option{{}}
	}
	return []scheduler.Option{{}, {Do: Duplicate}}
}

// lend begins a lease.
func (w *world) lend(s *subscription, t *task) *lease {
	l := &lease{task: t, sub: s, ackID: "ack-" + (&message{}).named(t.name).ID}
	s.leases = append(s.leases, l)
	limit := s.pull.AckDeadline
	if t.stream != nil {
		limit = cmp.Or(t.stream.settings().AckDeadline, limit)
	}
	w.extend(l, limit)
	return l
}

// extend sets a lease's deadline, from now.
func (w *world) extend(l *lease, d time.Duration) {
	w.agenda.remove(l.deadline, "ack deadline "+l.task.name)
	l.deadline = time.Now().Add(d) //wtsim:clock the bubble's clock
	w.agenda.add(l.deadline, "ack deadline "+l.task.name, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.giveUpLease(l)
	})
}

// leased is the message as the puller gets it.
func (d *delivery) leased(l *lease) probe.Delivery {
	return probe.Delivery{Message: d.msg.Message, AckID: l.ackID, Attempt: d.shown(l.task.attempt)}
}

// giveUpLease makes a message available again: its lease has run out, or the
// puller has given it back.
func (w *world) giveUpLease(l *lease) {
	w.endLease(l)
	t, d := l.task, l.task.cause.(*delivery)
	again := &task{name: t.name + retrySuffix, root: t.root, fn: t.fn, attempt: t.attempt + 1, cause: t.cause}
	now := time.Now() //wtsim:clock the bubble's clock
	switch pause := backoff(d.sub.MinBackoff, d.sub.MaxBackoff, t.attempt, 64); {
	case d.sub.Once: // only in a world without pubsub/retries
		w.happens(t, "drop", "is dropped", "it does not come again")
		w.settled(d)
	case d.sub.DeadLetter != "" && t.attempt >= d.sub.MaxAttempts:
		w.deadLetter(d, t)
		w.settled(d)
	case now.Add(pause).Sub(d.msg.Published) > d.sub.KeepFor:
		w.happens(t, "give up", "is given up", fmt.Sprintf("no retry after %v", d.sub.KeepFor))
		w.settled(d)
	case pause == 0:
		w.awaitPuller(d.sub, again)
	default:
		again.stage = waiting
		w.agenda.add(now.Add(pause), "retry "+again.name, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.awaitPuller(d.sub, again)
		})
	}
}

func (w *world) endLease(l *lease) {
	w.agenda.remove(l.deadline, "ack deadline "+l.task.name)
	l.sub.leases = slices.DeleteFunc(l.sub.leases, func(x *lease) bool { return x == l })
	w.feed(l.sub) // its stream has room again
}

// puller finds a pull subscription.
func (w *world) puller(name string) (*subscription, error) {
	for _, s := range w.subscriptions {
		if s.pull != nil && s.name == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("subscription %s: %w", name, probe.ErrNotFound)
}

// pulls is the pull subscription that a call by that method is about, or nil.
func (w *world) pulls(k *call, method string) *subscription {
	if k.Op.Service != "pubsub" || k.Op.Method != method {
		return nil
	}
	s, err := w.puller(k.Op.Resource)
	if err != nil {
		return nil
	}
	return s
}

// mix decides which of the messages that wait comes first, before they are
// pulled.
func (w *world) mix(k *call) {
	s := w.pulls(k, "pull")
	if s == nil {
		return
	}
	if i := w.comesFirst(k.id, s.backlog, k.inst.fn); i > 0 {
		first := s.backlog[i]
		s.backlog = slices.Insert(slices.Delete(s.backlog, i, i+1), 0, first)
	}
}

// mixStream decides the same before a message goes to a stream that has no
// room for the others.
func (w *world) mixStream(c candidate) candidate {
	t := c.task
	if t.stream == nil || t.stage != pending {
		return c
	}
	s := t.cause.(*delivery).sub
	i := w.comesFirst(c.step(), append([]*task{t}, s.backlog...), t.fn)
	if i == 0 {
		return c
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	first := s.backlog[i-1]
	s.backlog = slices.Insert(slices.Delete(s.backlog, i-1, i), 0, t)
	first.fn, first.stage, first.stream, first.readySince = t.fn, pending, t.stream, t.readySince
	t.stream.coming[slices.Index(t.stream.coming, t)] = first
	w.tasks[slices.Index(w.tasks, t)] = first
	t.stage, t.stream, t.readySince = waiting, nil, 0
	return candidate{task: first}
}

// comesFirst is the decision which of the waiting messages does, with a step.
// Of one ordering key no two messages wait.
func (w *world) comesFirst(step string, waiting []*task, fn *function) int {
	if len(waiting) < 2 || !w.allowed(Reorder) {
		return 0
	}
	d := scheduler.Decision{At: "order " + step, Options: make([]scheduler.Option, 1, len(waiting)), State: w.state()}
	for _, t := range waiting[1:] {
		d.Options = append(d.Options, scheduler.Option{Do: Reorder, With: t.name})
	}
	i := w.record.Choose(d)
	if i > 0 {
		waiting[0].fn, waiting[i].fn = fn, fn // for their names
		w.remark(fmt.Sprintf("%s comes before %s", waiting[i].which(), waiting[0].which()))
	}
	return i
}

// twice delivers the message that a pull gets first a second time, to whoever
// pulls after it.
func (w *world) twice(k *call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doubled(w.pulls(k, "pull").backlog[0])
}

// Pull leases messages in the order in which they wait: that of their
// publication, unless it was decided otherwise.
func (p platform) Pull(cause *probe.Call, subscription string, most int) ([]probe.Delivery, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.puller(subscription)
	if err != nil {
		return nil, err
	}
	var out []probe.Delivery
	n := min(most, len(s.backlog))
	for _, t := range s.backlog[:n] {
		t.fn, t.stage = cause.Ref.(*call).inst.fn, over
		out = append(out, t.cause.(*delivery).leased(p.lend(s, t)))
	}
	s.backlog = s.backlog[n:]
	return out, nil
}

// Stream leases messages to a caller that waits for them.
func (p platform) Stream(cause *probe.Call, subscription string, settings func() probe.StreamSettings, deliver func(probe.Delivery)) (func(), error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.puller(subscription)
	if err != nil {
		return nil, err
	}
	k := cause.Ref.(*call)
	stream := &pullStream{inst: k.inst, root: k.task.root, settings: settings, deliver: deliver}
	s.streams = append(s.streams, stream)
	p.feed(s)
	return func() { stream.ended.Store(true) }, nil // at any time: the world looks when all is quiet
}

// recall takes back what a stream that has ended was to get.
func (w *world) recall(s *subscription, gone *pullStream) {
	w.tasks = slices.DeleteFunc(w.tasks, func(t *task) bool {
		mine := t.stream == gone && t.stage == pending
		if mine {
			t.stage, t.stream = waiting, nil
			s.backlog = append(s.backlog, t)
		}
		return mine
	})
	w.feed(s)
}

// recallEnded takes back what streams were to get that have ended, or whose
// instance has died.
func (w *world) recallEnded() {
	for _, s := range w.subscriptions {
		for _, p := range slices.Clone(s.streams) {
			if p.inst.dead || p.ended.Load() {
				s.streams = slices.DeleteFunc(s.streams, func(x *pullStream) bool { return x == p })
				w.recall(s, p)
			}
		}
	}
}

// Extend sets the deadline of leases anew.
func (p platform) Extend(_ *probe.Call, subscription string, ackIDs []string, deadline time.Duration) []error {
	return p.eachLease(subscription, ackIDs, func(l *lease) {
		if deadline <= 0 {
			p.giveUpLease(l)
			return
		}
		p.extend(l, deadline)
	})
}

// Acknowledge ends leases, for good. An acknowledgement that the run loses is
// one that the service has not seen.
func (p platform) Acknowledge(cause *probe.Call, subscription string, ackIDs []string) []error {
	lost := p.lostAck != nil && cause.Ref == p.lostAck
	return p.eachLease(subscription, ackIDs, func(l *lease) {
		if !lost {
			p.endLease(l)
			p.settled(l.task.cause.(*delivery))
		}
	})
}

// eachLease does something to leases by their ids. One that has ended is an
// error where delivery is exactly once; else nobody is told.
func (p platform) eachLease(subscription string, ackIDs []string, do func(*lease)) []error {
	p.mu.Lock()
	defer p.mu.Unlock()
	errs := make([]error, len(ackIDs))
	s, err := p.puller(subscription)
	for i, id := range ackIDs {
		if errs[i] = err; err != nil {
			continue
		}
		j := slices.IndexFunc(s.leases, func(l *lease) bool { return l.ackID == id })
		switch {
		case j >= 0:
			do(s.leases[j])
		case s.pull.ExactlyOnce:
			errs[i] = probe.ErrAckID
		}
	}
	return errs
}
