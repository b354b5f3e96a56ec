// Package probe is the one seam between a handler and the outside, the same in
// production and in the simulator. The packages below it wrap the client
// libraries that handlers use, one package a family of clients.
//
// Every call becomes one [event.Operation] (an attempt of a client's retry
// loop is an operation of its own) and passes a [Tap]. In production the tap
// is a [Recorder]: it lets the call through and turns it into events by
// [Rule]s. In the simulator the tap is the world: the call waits there until
// the scheduler lets it happen, fail, or never return. Faults enter here,
// below the client's own retries, so that the real client's retries happen.
//
// Which invocation calls is told by a pprof label that goroutines inherit
// (see [Label]), so that a call with context.Background() and one of a helper
// goroutine are attributed too.
package probe

import (
	"context"
	"net"
	"os"
	"syscall"

	"github.com/wtsim/wtsim/event"
)

// Action is what becomes of a call.
type Action uint8

// The actions.
const (
	Pass   Action = iota // it happens, and the caller sees the answer
	Refuse               // it has no effect, the caller sees Fate.With: "503", "refused", ...
	Lose                 // it has its effect, the caller sees a reset, or its timeout where With is "timeout"
	Cut                  // it has no effect, the connection is gone: the caller's instance is dead
	GaveUp               // the caller gave up before it happened, at its deadline where With is "timeout"; it has no effect
	Stale                // a read happens on an older state: Fate.With writes are missing
	Late                 // the caller's deadline passes, and it happens after that: see [Later]
)

// The With of a refusal by which the connection fails; others are what the
// service answers.
const (
	Refused = "refused" // none is made
	Reset   = "reset"   // it is gone
)

// Fate is the tap's answer to a call: what becomes of it.
type Fate struct {
	Action Action
	With   string
}

// Call is an operation on its way through the seam.
type Call struct {
	Op event.Operation
	// GiveUp is closed when the caller gives up waiting; nil where the seam
	// does not see that.
	GiveUp <-chan struct{}
	// Timed says that the caller has a deadline, so a lost response can show
	// as its timeout.
	Timed bool
	// Detached says that the seam can carry the call out when its caller has
	// gone.
	Detached bool
	// After is the call that this one is, of a caller that has gone.
	After *Call
	// Held is set by a tap at which the call waits because of what happens to
	// it on its way, not because its caller does not run: the caller's deadline
	// passes meanwhile.
	Held bool
	// Ref is the tap's own.
	Ref any
}

// Tap is where every operation passes. Its methods are called on the
// caller's goroutine, from many goroutines.
type Tap interface {
	// Enter is called before the operation has an effect. It may block.
	Enter(*Call) Fate
	// Leave is called when the operation has had its effect and Op.Result is
	// known, before the caller goes on. An error means that the caller's
	// instance has died meanwhile and must not see the answer.
	Leave(*Call) error
	// Emit records an event that no operation shows.
	Emit(eventType string, params map[string]any)
	// Passive reports whether the tap only looks on: every fate is [Pass] and
	// no error comes of Leave. A monitor observes and cannot influence, so
	// bytes then take the way that they would take without a probe. Such a tap
	// keeps nothing of a call after Leave: its memory is used again. The answer
	// never changes.
	Passive() bool
}

type callKey struct{}

// WithCall returns a context that names the call that is being carried out:
// that of what carries it out, below the seam.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallOf returns the call that is being carried out, to what carries it out:
// the cause of what follows. It is nil where there is none, and below a
// passive tap.
func CallOf(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// ErrReset is what a caller sees of a connection that is gone.
func ErrReset(op string) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, syscall.ECONNRESET)}
}

// ErrRefused is what a caller sees of a service that does not accept
// connections.
func ErrRefused() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

// Mistake is the value of a panic that is about the scenario, not about its
// functions, in a sentence: a run in which one occurs cannot be judged.
type Mistake string

// GaveUpWith returns why a caller has given up, by its context. Where the tap
// has said so at the caller's deadline, the context says so in this instant.
func (f Fate) GaveUpWith(ctx context.Context) error {
	if f.With == "timeout" {
		<-ctx.Done()
	}
	return context.Cause(ctx)
}

// Depart is called by a probe, on the caller's goroutine, before that learns of
// a connection that is gone: a tap with a method Depart may end the goroutine
// there. A simulator's does so when its run is over.
func Depart(t Tap) {
	if d, ok := t.(interface{ Depart() }); ok {
		d.Depart()
	}
}

// Later carries out a call whose fate is [Late]: it waits at the tap once more,
// as one whose caller has gone, and has its effect if that lets it pass.
func Later(t Tap, c *Call, effect func(late *Call)) {
	go func() { //wtsim:go waits at the tap
		late := &Call{Op: c.Op, After: c}
		if t.Enter(late).Action == Pass {
			effect(late)
		}
	}()
}
