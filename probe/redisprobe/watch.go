package redisprobe

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Watcher looks on at a connection that it does not carry, of a client that may
// speak the Redis protocol: its calls become operations of a passive tap, as those
// of [Dialer] do. Whether it is Redis is told by the first bytes that are
// written; other connections cost nothing after these.
type Watcher struct {
	tap    probe.Tap
	lost   func(error)
	begun  bool        // the writer's
	over   atomic.Bool // nothing is looked at any more
	mu     sync.Mutex
	writes splitter
	reads  replyScanner
	queue  []turn // requests, in order
	next   int    // the first of queue that has no answer yet
}

// Watch returns who looks on at one connection to a service. lost is told, once
// at most, why what follows is not understood, if it began as Redis; then, and
// where the connection becomes a stream (SUBSCRIBE in RESP2, MONITOR), nothing more is seen.
func Watch(tap probe.Tap, service string, lost func(error)) *Watcher {
	return &Watcher{tap: tap, lost: lost, writes: splitter{service: service}}
}

// mostWaiting is how many bytes of an answer are waited for: it is kept whole
// until then.
const mostWaiting = 64 << 20

// Wrote is told of bytes before they are written.
func (w *Watcher) Wrote(b []byte) {
	if w.over.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.begun {
		if w.begun = true; !beginsRequest(b) {
			w.stop()
			return
		}
	}
	turns, err := w.writes.add(b, w.next == len(w.queue))
	for _, t := range turns {
		if t.call != nil {
			w.tap.Enter(t.call)
		}
	}
	w.queue = append(w.queue, turns...)
	if err == nil {
		err = w.answer()
	}
	w.end(err)
}

// beginsRequest tells whether bytes are the beginning of a request as clients
// write them: an array.
func beginsRequest(b []byte) bool {
	return len(b) > 3 && b[0] == '*' && b[1] >= '1' && b[1] <= '9'
}

// Read is told of bytes after they were read, on the goroutine that has read
// them.
func (w *Watcher) Read(b []byte) {
	if w.over.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads.add(b)
	err := w.answer()
	if err == nil && len(w.reads.rest()) > mostWaiting {
		err = fmt.Errorf("redis: an answer of more than %d bytes", mostWaiting)
	}
	w.end(err)
}

// Lost says that bytes have passed, or will, that nobody tells of.
func (w *Watcher) Lost() {
	if w.over.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end(fmt.Errorf("redis: bytes have passed unseen"))
}

// end stops looking if something was not understood, and says so.
func (w *Watcher) end(err error) {
	if err != nil && !w.over.Load() && w.begun {
		w.stop()
		w.lost(err)
	}
}

// stop keeps nothing in memory.
func (w *Watcher) stop() {
	w.over.Store(true)
	w.writes, w.reads, w.queue, w.next = splitter{}, replyScanner{}, nil, 0
}

// answer matches what was read with what was written.
func (w *Watcher) answer() error {
	for w.next < len(w.queue) {
		t := w.queue[w.next]
		switch {
		case t.subscribes:
			err := w.leave(t, event.Result{Status: "(subscribed)", OK: true})
			w.stop()
			return err
		case t.pushed:
			w.pop()
			if err := w.leave(t, event.Result{Status: "(subscribed)", OK: true}); err != nil {
				return err
			}
			continue
		}
		reply, err := w.reads.next()
		if reply == nil || err != nil {
			return err
		}
		w.pop()
		if t.hello {
			w.writes.resp3 = reply[0] == '%'
		}
		if t.call != nil {
			err = w.leave(t, t.result(reply, w.tap.Passive()))
		}
		if err != nil {
			return err
		}
	}
	return w.unasked()
}

// pop takes the first of the queue.
func (w *Watcher) pop() {
	if w.next++; w.next == len(w.queue) {
		clear(w.queue)
		w.queue, w.next = w.queue[:0], 0
	}
}

func (w *Watcher) leave(t turn, r event.Result) error {
	if t.call == nil {
		return nil
	}
	t.call.Op.Result = r
	return w.tap.Leave(t.call)
}

// unasked takes what the server says to no request, which it may push.
func (w *Watcher) unasked() error {
	rest := w.reads.rest()
	switch {
	case len(rest) == 0:
		return nil
	case rest[0] != '>':
		return fmt.Errorf("%w: %.20q answers no request", errReply, rest)
	}
	reply, err := w.reads.next()
	if err == nil && reply != nil {
		err = fmt.Errorf("%w: %.20q answers no request", errReply, reply)
	}
	return err
}
