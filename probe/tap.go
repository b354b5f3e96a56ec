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
	"net/http"
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
	GaveUp               // the caller gave up before it happened; it has no effect
	Stale                // a read happens on an older state: Fate.With writes are missing
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
	// bytes then take the way that they would take without a probe. The answer
	// never changes.
	Passive() bool
}

// Service is an in-process cloud service as a scenario declares it: a value
// that can be opened once a run. If it is a [fmt.Stringer], its text tells
// people in short how it is declared.
type Service interface {
	// Name is how functions and rules refer to it.
	Name() string
	// Open builds it anew, inside the bubble of the run.
	Open(Platform) (Backend, error)
}

// Backend is a service during one run.
type Backend interface {
	// Contents returns what it stores, for properties over final states:
	// keys in sorted order.
	Contents() []Content
	// Close ends its goroutines.
	Close()
}

// Content is one stored thing: a key and its value as text.
type Content struct {
	Key, Value string
}

// Host is a backend that answers HTTP under host names.
type Host interface {
	Backend
	// Serves reports whether requests to the host are for this backend.
	Serves(host string) bool
	// Transport returns the round tripper that a tap's calls take.
	Transport(Tap) http.RoundTripper
}

// Dialed is a backend that clients connect to by themselves, at the address
// that the environment of an isolated scenario has for it.
type Dialed interface {
	Backend
	// Dial returns a connection whose calls take the tap.
	Dial(Tap) net.Conn
}

// Emulated is a service whose client library honours a variable that says
// where to find an emulator.
type Emulated interface {
	Service
	// Emulator returns the variable's name and its value for an address, host
	// and port.
	Emulator(address string) (name, value string)
}

// Expirer is a backend whose keys expire by themselves; leases that a call
// can outlast.
type Expirer interface {
	// Expires returns when a resource that operations have named expires:
	// zero if it does not.
	Expires(resource string) (unixNano int64)
}

// Env is what a function instance's clients are made of.
type Env interface {
	// Tap is the instance's way to the outside.
	Tap() Tap
	// Backend returns the run's backend of a service; it panics if the
	// scenario has no such service, which is a mistake of the scenario.
	Backend(service string) Backend
	// Context is cancelled when the instance ends.
	Context() context.Context
}

type callKey struct{}

// WithCall returns a context that names the call that is being carried out:
// that of what carries it out, below the seam.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallOf returns the call that is being carried out, to what carries it out.
// It is the cause that a [Platform] asks for. It is nil where there is none,
// and below a passive tap.
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
