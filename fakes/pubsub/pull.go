package pubsub

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/internal/delivery"
	"github.com/wtsim/wtsim/probe"
)

// lease is a message in a puller's hands until its deadline.
// https://docs.cloud.google.com/pubsub/docs/lease-management
type lease struct {
	task     *cloud.Task
	sub      *subscription
	stream   *pullStream // nil for a unary Pull
	ackID    string
	deadline time.Time
}

// received is a message as a puller gets it.
type received struct {
	gcp.Message
	ackID string
}

// streamSettings are what a client asks of a stream.
type streamSettings struct {
	// ackDeadline is that of the messages that the stream delivers, in place
	// of the subscription's; zero for the subscription's.
	ackDeadline time.Duration
	// messages and bytes bound what the client has of this stream at a time:
	// messages whose leases are neither acknowledged, nor given back, nor
	// expired, and the sizes of their data. One message is delivered whatever
	// its size. Zero or less for no bound.
	messages, bytes int64
}

// pullStream is a caller that waits for messages. settings and deliver are
// called on the run's goroutine and do not block: settings before each
// message, since a client may change them.
type pullStream struct {
	inst     *cloud.Instance
	settings func() streamSettings
	deliver  func(received)
	coming   []*cloud.Task // deliveries that are ready for it
	ended    atomic.Bool   // the caller waits no longer
}

// room reports whether the stream takes another message: what it holds is
// bounded by its settings.
func (p *pullStream) room(s *subscription, settings streamSettings) bool {
	if p.gone() {
		return false
	}
	held := slices.Clone(p.coming)
	for _, l := range s.leases {
		if l.stream == p {
			held = append(held, l.task)
		}
	}
	var size int64
	for _, t := range held {
		size += int64(len(t.Cause.(*pulled).Msg.Data))
	}
	return (settings.messages <= 0 || int64(len(held)) < settings.messages) &&
		(settings.bytes <= 0 || len(held) == 0 || size < settings.bytes)
}

func (p *pullStream) gone() bool { return p.ended.Load() || p.inst.Dead() }

// pulled is the cause of a delivery to a pull subscription: its task waits in
// the backlog, is handed to a stream, or leased by a Pull.
type pulled struct {
	*delivery.Delivery
	sub    *subscription
	stream *pullStream // that it is ready for
}

// Words tell that somebody who waits gets it.
func (c *pulled) Words(attempt int) string { return c.Pulls(attempt) }

// To is the function instance that waits.
func (c *pulled) To() *cloud.Instance { return c.stream.inst }

// MayDouble reports whether it may be delivered twice.
func (c *pulled) MayDouble() bool { return !c.sub.pull.ExactlyOnce }

// HandOver begins a lease of the stream's.
func (c *pulled) HandOver(t *cloud.Task, twice bool) (deliver func()) {
	b := c.sub.broker
	if twice {
		b.double(t)
	}
	c.stream.coming = slices.DeleteFunc(c.stream.coming, func(x *cloud.Task) bool { return x == t })
	r := leased(b.lend(c.sub, t))
	return func() { c.stream.deliver(r) }
}

// Arrange decides which of the messages that wait goes to a stream that has no
// room for the others.
func (c *pulled) Arrange(t *cloud.Task, step string) *cloud.Task {
	b, s := c.sub.broker, c.sub
	i := b.kernel.First(step, append([]*cloud.Task{t}, s.backlog...), t.Name.Function)
	if i == 0 {
		return t
	}
	b.kernel.Lock()
	defer b.kernel.Unlock()
	first, p := s.backlog[i-1], c.stream
	s.backlog = slices.Insert(slices.Delete(s.backlog, i-1, i), 0, t)
	first.Name = first.Name.For(t.Name.Function)
	first.Cause.(*pulled).stream, c.stream = p, nil
	p.coming[slices.Index(p.coming, t)] = first
	b.kernel.Replace(t, first)
	return first
}

// anew is the cause of a further delivery of the same message.
func (c *pulled) anew(t *cloud.Task) *cloud.Task {
	t.Cause = &pulled{Delivery: c.Delivery, sub: c.sub}
	return t
}

// awaitPuller makes a delivery wait for a puller: a stream, if there is one,
// gets it in a step of its own.
func (b *Backend) awaitPuller(s *subscription, t *cloud.Task) {
	s.backlog = append(s.backlog, t)
	b.feed(s)
}

// feed makes what waits ready for streams that have room. They take turns.
func (b *Backend) feed(s *subscription) {
	for len(s.backlog) > 0 {
		i := slices.IndexFunc(s.streams, func(p *pullStream) bool { return p.room(s, p.settings()) })
		if i < 0 {
			return
		}
		p, t := s.streams[i], s.backlog[0]
		s.streams = append(slices.Delete(s.streams, i, i+1), p)
		s.backlog = s.backlog[1:]
		t.Name = t.Name.For(p.inst.Function)
		t.Cause.(*pulled).stream = p
		p.coming = append(p.coming, t)
		b.kernel.Hand(t)
	}
}

// double makes a message that is about to be delivered wait a second time.
func (b *Backend) double(t *cloud.Task) {
	c := t.Cause.(*pulled)
	c.Double()
	b.awaitPuller(c.sub, c.anew(t.Second()))
}

// lend begins a lease.
func (b *Backend) lend(s *subscription, t *cloud.Task) *lease {
	l := &lease{task: t, sub: s, stream: t.Cause.(*pulled).stream, ackID: "ack-" + delivery.ID(t.Name.String())}
	s.leases = append(s.leases, l)
	limit := s.pull.AckDeadline
	if l.stream != nil {
		limit = cmp.Or(l.stream.settings().ackDeadline, limit)
	}
	b.extend(l, limit)
	return l
}

// leased is the message as the puller gets it.
func leased(l *lease) received {
	d := l.task.Cause.(*pulled).Delivery
	m := d.Msg.Message
	m.Attempt = d.Shown(l.task.Attempt)
	return received{Message: m, ackID: l.ackID}
}

func (l *lease) entry() string { return "ack deadline " + l.task.Name.String() }

// extend sets a lease's deadline, from now.
func (b *Backend) extend(l *lease, d time.Duration) {
	b.kernel.NotAt(l.deadline, l.entry())
	l.deadline = b.kernel.Now().Add(d)
	b.kernel.At(l.deadline, l.entry(), func() {
		b.kernel.Lock()
		defer b.kernel.Unlock()
		b.giveUp(l)
	})
}

// giveUp makes a message available again: its lease has run out, or the
// puller has given it back.
func (b *Backend) giveUp(l *lease) {
	b.end(l)
	t, d := l.task, l.task.Cause.(*pulled)
	p := &d.Sub.Policy
	again := d.anew(t.Next())
	now := b.kernel.Now()
	switch pause := cloud.Backoff(p.MinBackoff, p.MaxBackoff, t.Attempt, 64); {
	case p.Once: // only in a world without pubsub/retries
		d.GiveUp(t, "drop", "is dropped", "it does not come again")
	case p.DeadLetter != "" && t.Attempt >= p.MaxAttempts:
		d.DeadLetter(t)
	case now.Add(pause).Sub(d.Msg.Published) > p.KeepFor:
		d.Delivery.GiveUp(t, "give up", "is given up", fmt.Sprintf("no retry after %v", p.KeepFor))
	case pause == 0:
		b.awaitPuller(d.sub, again)
	default:
		b.kernel.At(now.Add(pause), "retry "+again.Name.String(), func() {
			b.kernel.Lock()
			defer b.kernel.Unlock()
			b.awaitPuller(d.sub, again)
		})
	}
}

// end ends a lease.
func (b *Backend) end(l *lease) {
	b.kernel.NotAt(l.deadline, l.entry())
	l.sub.leases = slices.DeleteFunc(l.sub.leases, func(x *lease) bool { return x == l })
	b.feed(l.sub) // its stream has room again
}

// puller finds a pull subscription.
func (b *Backend) puller(name string) (*subscription, error) {
	if s := b.find(name); s != nil && s.pull != nil {
		return s, nil
	}
	return nil, fmt.Errorf("subscription %s: %w", name, errNotFound)
}

// pulls is the pull subscription that a call by that method is about, or nil.
func (b *Backend) pulls(c *probe.Call, method string) *subscription {
	if c.Op.Method != method {
		return nil
	}
	s, err := b.puller(c.Op.Resource)
	if err != nil {
		return nil
	}
	return s
}

// Arrange decides which of the messages that wait comes first, before they are
// pulled. Of one ordering key no two messages wait.
func (b *Backend) Arrange(c *probe.Call, step string) {
	s := b.pulls(c, "pull")
	if s == nil {
		return
	}
	if i := b.kernel.First(step, s.backlog, b.kernel.Origin(c).Instance.Function); i > 0 {
		first := s.backlog[i]
		s.backlog = slices.Insert(slices.Delete(s.backlog, i, i+1), 0, first)
	}
}

// Deviations are a lost acknowledgement, and a message that comes twice.
func (b *Backend) Deviations(c *probe.Call) []string {
	if s := b.pulls(c, "acknowledge"); s != nil && !s.pull.ExactlyOnce {
		return []string{cloud.Redeliver}
	}
	if s := b.pulls(c, "pull"); s != nil && !s.pull.ExactlyOnce && len(s.backlog) > 0 {
		return []string{cloud.Duplicate}
	}
	return nil
}

// Deviate loses an acknowledgement, or delivers the message that a pull gets
// first a second time, to whoever pulls after it.
func (b *Backend) Deviate(c *probe.Call, kind string) {
	if kind == cloud.Redeliver {
		b.lostAck = c
		return
	}
	b.kernel.Lock()
	defer b.kernel.Unlock()
	b.double(b.pulls(c, "pull").backlog[0])
}

// lease leases messages in the order in which they wait, at most so many: that
// of their publication, unless it was decided otherwise.
func (b *Backend) lease(cause *probe.Call, subscription string, most int) ([]received, error) {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	s, err := b.puller(subscription)
	if err != nil {
		return nil, err
	}
	var out []received
	n := min(most, len(s.backlog))
	for _, t := range s.backlog[:n] {
		t.Name = t.Name.For(b.kernel.Origin(cause).Instance.Function)
		out = append(out, leased(b.lend(s, t)))
	}
	s.backlog = s.backlog[n:]
	return out, nil
}

// stream leases messages to a caller that waits for them, one step of the run
// each, until stop is called or the caller's instance ends. stop may be called
// from anywhere, more than once.
func (b *Backend) stream(cause *probe.Call, subscription string, settings func() streamSettings, deliver func(received)) (stop func(), err error) {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	s, err := b.puller(subscription)
	if err != nil {
		return nil, err
	}
	p := &pullStream{inst: b.kernel.Origin(cause).Instance, settings: settings, deliver: deliver}
	s.streams = append(s.streams, p)
	b.feed(s)
	return func() { p.ended.Store(true) }, nil // at any time: Settle looks when all is quiet
}

// Settle takes back what streams were to get that have ended, or whose
// instance has died.
func (b *Backend) Settle() {
	for _, s := range b.subscriptions {
		for _, p := range slices.Clone(s.streams) {
			if p.gone() {
				s.streams = slices.DeleteFunc(s.streams, func(x *pullStream) bool { return x == p })
				b.recall(s, p)
			}
		}
	}
}

func (b *Backend) recall(s *subscription, gone *pullStream) {
	for _, t := range gone.coming {
		b.kernel.Recall(t)
		t.Cause.(*pulled).stream = nil
		s.backlog = append(s.backlog, t)
	}
	gone.coming = nil
	b.feed(s)
}

// modify sets the deadline of leases anew, from now; zero gives the messages
// back (a nack). There is one error for each, nil if it worked.
func (b *Backend) modify(subscription string, ackIDs []string, deadline time.Duration) []error {
	return b.eachLease(subscription, ackIDs, func(l *lease) {
		if deadline <= 0 {
			b.giveUp(l)
			return
		}
		b.extend(l, deadline)
	})
}

// acknowledge ends leases, for good. An acknowledgement that the run loses is
// one that the service has not seen.
func (b *Backend) acknowledge(cause *probe.Call, subscription string, ackIDs []string) []error {
	lost := b.lostAck != nil && cause == b.lostAck
	return b.eachLease(subscription, ackIDs, func(l *lease) {
		if !lost {
			b.end(l)
			l.task.Cause.(*pulled).Settled()
		}
	})
}

// eachLease does something to leases by their ids. One that has ended is an
// error where delivery is exactly once; else nobody is told.
func (b *Backend) eachLease(subscription string, ackIDs []string, do func(*lease)) []error {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	errs := make([]error, len(ackIDs))
	s, err := b.puller(subscription)
	for i, id := range ackIDs {
		if errs[i] = err; err != nil {
			continue
		}
		j := slices.IndexFunc(s.leases, func(l *lease) bool { return l.ackID == id })
		switch {
		case j >= 0:
			do(s.leases[j])
		case s.pull.ExactlyOnce:
			errs[i] = errAckID
		}
	}
	return errs
}
