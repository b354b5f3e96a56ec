package cloud

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Service is an in-process cloud service as a scenario declares it: a value
// that can be opened once a run. If it is a [fmt.Stringer], its text tells
// people in short how it is declared.
type Service interface {
	// Name is how functions, triggers and rules refer to it.
	Name() string
	// Open builds it anew, inside the bubble of the run.
	Open(Kernel) (Backend, error)
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

// Checker is a service that can tell whether a scenario declares it rightly.
type Checker interface {
	Service
	// Check returns the first thing that is wrong, in a sentence.
	Check(Deployment) error
}

// Installed is a service that rests on a program of the machine, which may not be
// there.
type Installed interface {
	Service
	// Missing says what is to be installed, in a sentence; empty if nothing is.
	Missing() string
	// Prepare is called before each run, outside of it: it starts the program where it
	// does not run yet, however long that takes. What goes wrong Open tells.
	Prepare()
}

// Deployment is what a scenario deploys, as services see it.
type Deployment struct {
	Functions []string  // their names
	Bindings  []Binding // of functions to what triggers them
	Services  []Service
}

// Binding is a trigger of a function.
type Binding struct {
	Name     string // of what the platform makes for it: the function's, with a number if it is not its first trigger
	Function string
	Trigger  Trigger
}

// Has reports whether there is a function of that name.
func (d *Deployment) Has(function string) bool {
	for _, f := range d.Functions {
		if f == function {
			return true
		}
	}
	return false
}

// Of returns the bindings whose triggers are of a service.
func (d *Deployment) Of(service string) []Binding {
	var out []Binding
	for _, b := range d.Bindings {
		if b.Trigger.Service() == service {
			out = append(out, b)
		}
	}
	return out
}

// Trigger is a source of a function's invocations besides HTTP requests. Its
// text tells people what it is, with the defaults that hold for it.
type Trigger interface {
	// Service is the name of the service that it is of.
	Service() string
	String() string
	// Check returns the first thing that is wrong with it, in a sentence.
	Check() error
}

// Driver is a service that invokes functions by itself, as a clock does: it is
// a workload.
type Driver interface {
	Service
	Drives() bool
}

// Starter is a backend that has something to do when a run begins, after
// every service is open.
type Starter interface {
	Backend
	Start()
}

// Settler is a backend that looks at what handlers have left behind whenever
// all is quiet.
type Settler interface {
	Backend
	Settle()
}

// Host is a backend that answers HTTP under host names.
type Host interface {
	Backend
	// Serves reports whether requests to the host are for this backend.
	Serves(host string) bool
	// Transport returns the round tripper that a tap's calls take.
	Transport(probe.Tap) http.RoundTripper
}

// Dialed is a backend that clients connect to by themselves, at the address
// that the environment of programs has for it, or that they have written down.
type Dialed interface {
	Backend
	// Dial returns a connection whose calls take the tap.
	Dial(probe.Tap) net.Conn
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
// can outlast. The resource of its operations is a list of keys.
type Expirer interface {
	Backend
	// Expires returns when a resource that operations have named expires:
	// zero if it does not.
	Expires(resource string) (unixNano int64)
}

// FailsOver is a backend that can lose what it has acknowledged.
type FailsOver interface {
	Backend
	// Losable is how many of the newest acknowledged writes a failover could
	// lose now; a small number at most.
	Losable() int
	// FailOver loses the newest n acknowledged writes and resets every
	// connection.
	FailOver(n int)
}

// Lags is a backend some of whose reads may return an older state.
type Lags interface {
	Backend
	// Staleness is how many writes the answer to an operation may miss; a
	// small number at most, zero where reads are fresh. The fate
	// [probe.Stale] says how many it does miss.
	Staleness(*probe.Call) int
}

// Deviant is a backend whose platform may do more to an operation than to
// refuse it or to lose its answer.
type Deviant interface {
	Backend
	// Deviations are the kinds that may befall a call; see [Kinds].
	Deviations(*probe.Call) []string
	// Deviate says that one of them does, before the call has its effect.
	Deviate(c *probe.Call, kind string)
}

// Arranger is a backend that may hand out in another order what waits in it.
type Arranger interface {
	Backend
	// Arrange is asked before a call has its effect; step is the call's
	// identity, for [Kernel.First].
	Arrange(c *probe.Call, step string)
}

// Answerer is a backend that has words for what a call was answered that had to
// wait for it: a story tells them.
type Answerer interface {
	Backend
	Answer(*event.Operation) string
}

// Toucher is a backend that knows what its operations touch. Those of others
// touch their resource, and perhaps everything else in the service.
type Toucher interface {
	Backend
	// Touches reports whether the resource of an operation tells all that it
	// touches. A bounded search leaves out orders of operations that touch
	// nothing in common, so a wrong yes makes it lie.
	Touches(*event.Operation) bool
}

// Reaching is a backend whose operations may change other services of the run:
// what is published to a topic comes to a queue.
type Reaching interface {
	Backend
	// Reaches are the names of the services whose contents an operation may
	// change besides its own. A bounded search takes it for a write of all of
	// them.
	Reaches(*event.Operation) []string
}

// Stateful is a backend that holds more than the order of its operations
// tells: what waits in it, until when.
type Stateful interface {
	Backend
	// AppendState adds what decides how the run goes on.
	AppendState(*Digest)
}

// Guarantee is a promise of a service that applications rely on, and that a
// simulation can take away, to see whether a scenario's properties notice.
type Guarantee struct {
	Name    string // <kind of service>/<what is promised>, e.g. "gcs/preconditions"
	Without string // what becomes of the service without it, in a sentence
	Source  string // the page that promises it; empty where the scenario itself does
	// Used reports whether a scenario asks for it. Nil where that does not show.
	Used func(Usage) bool
}

// Usage is what a scenario does with a service: what triggers functions, and
// which operations its benign run makes.
type Usage struct {
	Deployment Deployment
	Operations []*event.Operation
}

// Any reports whether one of the operations is so.
func (u *Usage) Any(is func(*event.Operation) bool) bool {
	for _, op := range u.Operations {
		if is(op) {
			return true
		}
	}
	return false
}

// Guarantor is a service whose guarantees can be taken away.
type Guarantor interface {
	Service
	// Guarantees lists them.
	Guarantees() []Guarantee
	// Without returns the service without one of them, by name.
	Without(name string) Service
}

// Part is something inside a service that people know by its name: a topic, a
// queue.
type Part struct {
	Kind string // "topic", "subscription", "queue", "job"
	Name string
	Doc  string // how it is declared; may be empty
}

// Edge is a way that a message, task or event takes between a part, a
// function and another part.
type Edge struct {
	From, To Part   // To may have kind "function" or "service"; so may From
	Label    string // e.g. a filter
}

// Mapped is a service that has parts, for the picture of a scenario. Its parts
// stand for it there.
type Mapped interface {
	Service
	// Map returns its parts, and the ways that are there without a run.
	Map(Deployment) ([]Part, []Edge)
	// Way is the way that an operation of a function takes; false if it takes
	// none.
	Way(function string, op *event.Operation) (Edge, bool)
}

// Comes is a cause that can tell which part of a service it comes from.
type Comes interface {
	Cause
	From() Part
}

// Find returns the first backend of a run that can do something, such as to
// publish to topics.
func Find[T any](k Kernel) (t T, ok bool) {
	for _, b := range k.Backends() {
		if t, ok = b.(T); ok {
			return t, true
		}
	}
	return t, false
}

// ErrNegative is a limit below zero.
var ErrNegative = errors.New("it has a negative limit, wanted zero (the default) or more")

// SetDefault gives a value that is not set.
func SetDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Backoff is the time until the next attempt after one: least, 2 least, 4
// least, and so on, doubled so many times, at most the most.
func Backoff(least, most time.Duration, attempt, doublings int) time.Duration {
	d := least
	for i := 1; i < attempt && i <= doublings && d < most; i++ {
		d *= 2
	}
	return min(d, most)
}

// Short is a duration without the units that are zero: 1h, 10m, 1m30s.
func Short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Times is a number of things: "1 retry", "2 retries".
func Times(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Asks is the Used of a guarantee that operations ask for.
func Asks(is func(*event.Operation) bool) func(Usage) bool {
	return func(u Usage) bool { return u.Any(is) }
}
