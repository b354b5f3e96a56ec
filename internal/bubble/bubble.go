// Package bubble gives a run its bubble: a testing/synctest bubble in which
// time is virtual, watched from outside so that it can never hang the
// process.
//
// A bubble ends in one of three ways: the function returned and nothing is
// left ([Run] gives nil); the function returned but goroutines remain, which
// is told as [*Leak]; or nothing moved for some real time, because a
// goroutine waits for something that virtual time cannot bring (a mutex, the
// network) or computes for ever: the bubble is abandoned with its goroutines
// and [*Stuck] tells where they are. A new bubble in the same process works.
//
// It is, with sim/simtest, the only shipped package that imports testing,
// because synctest asks for a testing.T. It hands it a zero one: nothing of
// it is used but its bookkeeping, which the package's tests hold against the
// installed Go.
package bubble

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Options say how long the watchdog waits, in real time.
type Options struct {
	Blocked time.Duration // without a beat, and a goroutine is blocked for good: default 200 ms
	Busy    time.Duration // without a beat, and a goroutine still computes: default 20 s
}

// Leak says that goroutines were left behind.
type Leak struct{}

func (*Leak) Error() string { return "goroutines remain when the run has ended" }

// Goroutines looks for what was left behind. It must be called before the
// next bubble is made. (To look costs more the more goroutines the process
// has, so it is done on demand.)
func (*Leak) Goroutines() []Goroutine { return remaining() }

// Stuck says that the bubble was abandoned.
type Stuck struct {
	Busy       bool        // a goroutine was computing, not blocked
	Polls      bool        // of one that computes: it may be waiting, for the clock or for another goroutine
	Goroutines []Goroutine // those that kept the bubble from moving on
}

func (s *Stuck) Error() string {
	if s.Busy {
		return "a goroutine computes without end"
	}
	return "a goroutine waits for what virtual time cannot bring"
}

// Beat is told by the function in the bubble that it moves on.
type Beat struct {
	// More, if it is not nil, is asked when all wait: it lets something go on that
	// is to do so when all else is quiet, and returns false if there is nothing.
	More func() bool

	n         atomic.Uint64
	abandoned atomic.Bool
}

// Tick says that the run has moved on.
func (b *Beat) Tick() { b.n.Add(1) }

// Wait waits until every other goroutine of the bubble waits for virtual time
// or for another. It never returns in a bubble that was abandoned: what held
// it up may end after all, but nobody follows the run any more.
func (b *Beat) Wait() {
	b.Tick() // so that what was done is seen by who abandons the bubble
	synctest.Wait()
	for b.More != nil && b.More() {
		b.Tick()
		synctest.Wait()
	}
	if b.abandoned.Load() {
		<-never
	}
}

// never is of no bubble, so that a wait for it keeps virtual time still.
var never = make(chan struct{})

// Run calls f in a new bubble. It returns the panic of f as a panic of its
// own. Calls must not overlap where their goroutines are to be told apart.
func Run(o Options, f func(*Beat)) error {
	o = o.withDefaults()
	showLabels()
	beat := new(Beat)
	done := make(chan outcome, 1)
	go func() { done <- inBubble(beat, f) }()
	return watch(o, beat, done)
}

func (o Options) withDefaults() Options {
	if o.Blocked == 0 {
		o.Blocked = 200 * time.Millisecond
	}
	if o.Busy == 0 {
		o.Busy = 20 * time.Second
	}
	return o
}

// outcome of a bubble: what f or synctest panicked with.
type outcome struct {
	panicked any  // f's own panic
	leaked   any  // synctest's complaint about goroutines that remain
	returned bool // f returned
}

func inBubble(beat *Beat, f func(*Beat)) (out outcome) {
	finished := make(chan outcome, 1)
	go func() { // synctest.Test may end its goroutine: a race report fails the T
		var out outcome
		defer func() {
			out.leaked = recover()
			finished <- out
		}()
		synctest.Test(new(testing.T), func(*testing.T) { body(&out, beat, f) })
	}()
	return <-finished
}

// body is the bubble's main goroutine; its name in a stack tells which
// bubble is ours.
func body(out *outcome, beat *Beat, f func(*Beat)) {
	defer func() { out.panicked = recover() }()
	f(beat)
	out.returned = true
}

func watch(o Options, beat *Beat, done <-chan outcome) error {
	timer := time.NewTimer(o.Blocked)
	defer timer.Stop()
	last, quiet := beat.n.Load(), time.Duration(0)
	suspect := false
	for {
		select {
		case out := <-done:
			return out.err()
		case <-timer.C:
		}
		stuck := look()
		if now := beat.n.Load(); now != last {
			last, quiet, stuck = now, 0, nil
		} else {
			quiet += o.Blocked
		}
		// A machine that was held up for a moment shows states that pass: look
		// twice.
		if stuck != nil && (stuck.Busy && quiet >= o.Busy || !stuck.Busy && suspect) {
			beat.abandoned.Store(true)
			stuck.Polls = stuck.Busy && polls()
			return stuck
		}
		suspect = stuck != nil && !stuck.Busy
		timer.Reset(o.pause(suspect))
	}
}

// pause is the time until the next look.
func (o Options) pause(suspect bool) time.Duration {
	if suspect {
		return o.Blocked / 4
	}
	return o.Blocked
}

func (out outcome) err() error {
	if out.panicked != nil {
		panic(out.panicked)
	}
	if out.leaked != nil && !out.returned {
		panic(out.leaked)
	}
	if out.leaked != nil {
		return &Leak{}
	}
	return nil
}

// Wait waits until every other goroutine of the bubble waits for virtual time
// or for another. See [Beat.Wait].
func Wait() { synctest.Wait() }
