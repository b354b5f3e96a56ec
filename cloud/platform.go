package cloud

import (
	"fmt"
	"net/http"
	"time"
)

// Platform is where functions run: the rules of function instances. Every
// number has its page where the platform is declared. Functions may differ
// from it one by one. Its many fields are as many rules.
type Platform struct {
	Name string // "gcp"

	Timeout      time.Duration // of an invocation
	Concurrency  int           // invocations that a function instance serves at the same time
	MostAtOnce   int           // what a function may ask for, of these
	MaxInstances int           // of a function
	QueueFor     time.Duration // how long an invocation waits for an instance before it is refused with 429
	IdleFor      time.Duration // how long an instance without invocations is kept
	Grace        time.Duration // between SIGTERM and the end of an instance
	MostErrors   int           // answers of 5xx in a row that an instance may give
	// LongestRetry is a little more than the longest pause before a trigger
	// tries again: as long an operation may be held.
	LongestRetry time.Duration
	// Abandoned is what a caller is told whose function's instance has died, and
	// TimedOut, by default 504, whose invocation has reached its time limit.
	Abandoned, TimedOut int
	// EndsLate says that an invocation that reaches its time limit ends its
	// instance, and NoWarning that instances end without SIGTERM.
	EndsLate, NoWarning bool
	// Variables are those that the environment of a process has, as "NAME=value".
	Variables []string
	// Container is what the environment of a function's process has besides, where
	// ${function} and ${port} stand for the function's name and for the port at
	// which it is called, ${concurrency} for how many invocations it serves at the
	// same time: where that is one, what names it is left out.
	Container []string
	// StartWithin is how long a program may take until it listens there; zero for
	// as long as an invocation may.
	StartWithin time.Duration
	// Absent are hosts of the platform's own that clients look for, to find out
	// where they run: they find nobody there, and that is no call of the
	// application's.
	Absent []string
	// Domain is that of the platform's services. Clients connect to their hosts
	// before they call, and that alone is no call either.
	Domain string
	// Metadata answers there where a function is a program: what the platform
	// tells a process of where it runs, and who it is. Nil if nobody does.
	Metadata http.Handler
	// Runtime makes the platform's side of an instance whose program fetches its
	// invocations by itself, at RuntimeAt, a host and a port of its own; nil where
	// programs listen for requests.
	Runtime   func(function string) Runtime
	RuntimeAt string
}

// WorksFor is the header by which a Runtime tells, beside an invocation, for whom it
// is: the label of the goroutine that waits for its answer (probe.Caller). It does not
// reach the program; the goroutine that has asked, and all that it starts, works for
// that from then on.
const WorksFor = "Wtsim-Works-For"

// Runtime is what a program asks for its invocations.
type Runtime interface {
	// ServeHTTP answers what the program calls. It may wait: a program asks for
	// its next invocation before there is one, and several times where it serves
	// several at a time. With an invocation it says [WorksFor].
	http.Handler
	// Started has one value, when the program asks for the first time, or cannot:
	// the error says why.
	Started() <-chan error
	// Handler is what invocations call.
	Handler() Handler
}

// Within returns the platform with another time limit for invocations of
// functions that have none of their own.
func (p Platform) Within(limit time.Duration) Platform {
	p.Timeout = limit
	return p
}

// Late is what a caller is told whose invocation has reached its time limit.
func (p *Platform) Late() int {
	if p.TimedOut == 0 {
		return http.StatusGatewayTimeout
	}
	return p.TimedOut
}

// Check returns the first thing that is missing, in a sentence.
func (p *Platform) Check() error {
	switch {
	case p.Name == "":
		return fmt.Errorf("it names no Platform, wanted where its functions run, such as gcp.CloudRun()")
	case min(p.Timeout, p.QueueFor, p.IdleFor, p.LongestRetry) <= 0 || p.Grace <= 0 && !p.NoWarning || min(p.Concurrency, p.MostAtOnce, p.MaxInstances, p.MostErrors, p.Abandoned) <= 0:
		return fmt.Errorf("platform %q lacks a number, wanted all of cloud.Platform's", p.Name)
	}
	return nil
}
