// Package sink takes the events of a [probe.Recorder] out of the process: to
// standard output, or to a monitor over HTTP. It links the standard library
// alone; package natssink, which goes over NATS, does not.
//
// Events wait in a bounded buffer and leave in order, in batches: when an
// invocation ends, before its response goes out, and during a long one every
// 100 ms. What cannot leave never holds the application up: an invocation waits
// a bounded time for its events, and not at all once sending has failed; what
// there is no room for is dropped, counted, and leaves a gap in the sequence
// of its source, which the monitor counts as missing as soon as it has a later
// event of it.
package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

var _ probe.Loser = (*Sink)(nil)

// Options are the bounds of a [Sink]; zero fields are the usual ones.
type Options struct {
	Buffer   int           // bytes of events that may wait, those under way included; 4 MiB
	Batch    int           // bytes of events that are sent at once, or one event; 256 KiB
	Interval time.Duration // an event waits for others for that long at most; 100 ms
	Wait     time.Duration // an invocation's end waits for its events for that long at most; 1 s
	// Log is told when sending begins to fail, when it works again, and what is
	// dropped, without values of parameters; slog.Default() unless given.
	Log *slog.Logger
}

func (o Options) orUsual() Options {
	usual := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	usual(&o.Interval, 100*time.Millisecond)
	usual(&o.Wait, time.Second)
	if o.Buffer <= 0 {
		o.Buffer = 4 << 20
	}
	if o.Batch <= 0 {
		o.Batch = 256 << 10
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Stats are what has become of events.
type Stats struct {
	Sent    uint64 // accepted on the other side
	Dropped uint64 // for want of room, refused for good, or left at the end
	Waiting uint64 // neither yet
	Expired uint64 // invocations that have ended before their events had left
}

// later is why a batch should be sent again, after a time.
type later struct {
	err   error
	after time.Duration // that the other side has asked for; 0 if it has not
}

func (l *later) Error() string { return l.err.Error() }
func (l *later) Unwrap() error { return l.err }

// Later is an error after which a batch should be sent again, no sooner than
// after a time.
func Later(err error, after time.Duration) error { return &later{err: err, after: after} }

// Sink sends events from a goroutine of its own, one batch at a time, which
// keeps their order. [Sink.Close] ends it.
type Sink struct {
	o     Options
	send  func(ctx context.Context, batch [][]byte) error
	timer *time.Timer   // has what waits sent
	wake  chan struct{} // the goroutine has something to do
	stop  context.CancelFunc
	ended chan struct{}

	mu      sync.Mutex
	waiting [][]byte
	size    int           // bytes of what waits and is under way
	put     uint64        // events taken in
	done    uint64        // of these, sent or dropped
	failing error         // of the last attempt
	changed chan struct{} // closed when an attempt has ended
	closed  bool
	stats   Stats

	told struct { // what the log knows; the goroutine's own
		failing bool
		dropped uint64
		at      time.Time
	}
}

// New returns a sink whose batches, events in JSON, are sent by a function, one
// after the other. After an error of [Later] a batch is sent again, after any
// other it is dropped.
func New(send func(ctx context.Context, batch [][]byte) error, o Options) *Sink {
	ctx, stop := context.WithCancel(context.Background())
	s := &Sink{o: o.orUsual(), send: send, wake: make(chan struct{}, 1), stop: stop,
		ended: make(chan struct{}), changed: make(chan struct{})}
	s.timer = time.AfterFunc(s.o.Interval, s.urge)
	go s.run(ctx)
	return s
}

// Put takes an event, and drops it if there is no room or the sink is closed.
func (s *Sink) Put(e event.Event) {
	line := e.AppendJSON(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.size+len(line) > s.o.Buffer {
		s.stats.Dropped++
		return
	}
	s.put++
	s.size += len(line)
	s.waiting = append(s.waiting, line)
	switch {
	case s.size >= s.o.Batch:
		s.urge()
	case len(s.waiting) == 1:
		s.timer.Reset(s.o.Interval)
	}
}

// Lost counts events as dropped that never came here, see [probe.Recorder.Lose].
func (s *Sink) Lost(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Dropped += uint64(max(n, 0))
}

// urge has what waits sent now.
func (s *Sink) urge() {
	select {
	case s.wake <- struct{}{}:
	default: // it will be
	}
}

// Flush returns when all that was put before has been sent or dropped. It waits
// for [Options.Wait] at most, and not while sending fails: an application does
// not become slow where its monitor is.
func (s *Sink) Flush(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	until := s.put
	if s.done >= until {
		return nil
	}
	s.urge()
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.Wait, fmt.Errorf("events are still under way after %v", s.o.Wait))
	defer cancel()
	for s.done < until && s.failing == nil && ctx.Err() == nil {
		s.await(ctx)
	}
	switch {
	case s.done >= until:
		return nil
	case s.failing != nil:
		s.stats.Expired++
		return s.failing
	}
	s.stats.Expired++
	return context.Cause(ctx)
}

// await waits for the end of an attempt. s.mu is held, but for that time.
func (s *Sink) await(ctx context.Context) {
	changed := s.changed
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-changed:
	case <-ctx.Done():
	}
}

// Stats returns what has become of events so far.
func (s *Sink) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.stats
	now.Waiting = s.put - s.done
	return now
}

// Close sends what waits, until the context ends: what is left then is dropped,
// as is what is put later. The error says that something was left.
func (s *Sink) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.urge()
	defer s.stop()
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d events had not been sent: %w", s.Stats().Waiting, context.Cause(ctx))
	}
}

// run sends until the sink is closed and nothing waits.
func (s *Sink) run(ctx context.Context) {
	defer close(s.ended)
	for {
		<-s.wake
		batch, closed := s.next()
		for ; len(batch) > 0; batch, closed = s.next() {
			s.deliver(ctx, batch)
		}
		if closed {
			s.timer.Stop()
			s.report(0)
			return
		}
	}
}

// report logs what has changed, and what is dropped once in a time. It holds no
// lock: a log may be an application's own, with calls that are recorded.
func (s *Sink) report(each time.Duration) {
	s.mu.Lock()
	failing, dropped := s.failing, s.stats.Dropped
	s.mu.Unlock()
	switch {
	case failing != nil && !s.told.failing:
		s.o.Log.Warn("events cannot be sent", "err", failing)
	case failing == nil && s.told.failing:
		s.o.Log.Info("events are sent again")
	}
	s.told.failing = failing != nil
	if dropped > s.told.dropped && time.Since(s.told.at) >= each {
		s.o.Log.Warn("events are dropped: the monitor refuses them, or there is no room for them", "dropped", dropped-s.told.dropped, "all", dropped)
		s.told.dropped, s.told.at = dropped, time.Now()
	}
}

// next takes a batch of what waits.
func (s *Sink) next() (batch [][]byte, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, size := 0, 0
	for n < len(s.waiting) && (n == 0 || size+len(s.waiting[n]) <= s.o.Batch) {
		size += len(s.waiting[n])
		n++
	}
	batch, s.waiting = s.waiting[:n:n], s.waiting[n:]
	return batch, s.closed
}

// deliver sends a batch until it is accepted, or refused for good: nothing that
// comes after it may overtake it.
func (s *Sink) deliver(ctx context.Context, batch [][]byte) {
	for attempt := 0; ; attempt++ {
		err := s.send(ctx, batch)
		again := (*later)(nil)
		settled := !errors.As(err, &again) || ctx.Err() != nil
		s.attempted(batch, err, settled)
		s.report(time.Second)
		if settled {
			return
		}
		select {
		case <-time.After(max(again.after, backoff(attempt))):
		case <-ctx.Done():
		}
	}
}

// backoff is how long to wait before the next attempt: from 100 ms doubled up
// to 5 s, half of it at random, so that instances do not come all at once.
func backoff(attempt int) time.Duration {
	d := min(100*time.Millisecond<<min(attempt, 10), 5*time.Second)
	return d/2 + rand.N(d/2)
}

// attempted notes how an attempt has ended, and lets those go on that wait for
// it.
func (s *Sink) attempted(batch [][]byte, err error, settled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if settled {
		for _, line := range batch {
			s.size -= len(line)
		}
		n := uint64(len(batch))
		s.done += n
		if err == nil {
			s.stats.Sent += n
		} else {
			s.stats.Dropped += n
		}
	}
	s.failing = err
	close(s.changed)
	s.changed = make(chan struct{})
}
