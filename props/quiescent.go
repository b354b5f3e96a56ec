package props

import (
	"errors"
	"time"
)

// State is what the stores hold when the run is quiescent. Lists are sorted.
type State interface {
	// Services returns the stores, such as "redis" and "gcs".
	Services() []string
	// Keys returns the keys of a store; none if there is no such store.
	Keys(service string) []string
	// Get returns what a store holds under a key, and whether it does.
	Get(service, key string) (string, bool)
}

// Run is what is known of a run when it is quiescent, beside its events: what
// the stores hold, and more.
type Run interface {
	State
	// Benign returns what the stores hold at the end of the benign run, in which
	// everything happens once and in order. The error, an [ErrUndecided], says
	// that it has no such end. Only a property of [AsIfOnce] may ask.
	Benign() (State, error)
	// Calls returns what clients have asked, in the order in which they did.
	Calls() []Call
}

// Call is one request of a client, all its attempts together.
type Call struct {
	Client   string
	Number   int    // among the client's requests, from 1
	Function string // that it invokes
	Method   string // "POST"
	Path     string // "/orders/1"
	Body     string
	Called   time.Time // when the first attempt began
	Returned time.Time // when the client had its answer; zero if it has none
	Status   int       // of the answer; 0 if there is none
	Answer   string    // its body
}

// ErrUndecided is, or is wrapped by, the error of a check that cannot say
// whether the property holds: the run is inconclusive then.
var ErrUndecided = errors.New("undecided")

var errNoCheck = errors.New("the check is nil, wanted a function")

// AtQuiescence returns the property that check returns nil for what the
// stores hold when the run is quiescent. Its error is shown to people as the
// reason.
func AtQuiescence(name string, check func(State) error) *Property {
	var judge func(Run) error
	if check != nil {
		judge = func(r Run) error { return check(r) }
	}
	return judged(name, "holds of the stores when the run is quiescent", judge)
}

// OfCalls returns the property that check returns nil for what clients have
// asked and been told, when the run is quiescent. Its error is shown to people
// as the reason; one that wraps [ErrUndecided] makes the run inconclusive.
// Package sim/linear has such checks.
func OfCalls(name, sentence string, check func([]Call) error) *Property {
	var judge func(Run) error
	if check != nil {
		judge = func(r Run) error { return check(r.Calls()) }
	}
	p := judged(name, sentence, judge)
	p.calls = true
	return p
}

// judged returns a property that is a check of a quiescent run.
func judged(name, sentence string, check func(Run) error) *Property {
	p := &Property{name: name, sentence: sentence, check: check}
	switch {
	case name == "":
		p.err = errNoName
	case check == nil:
		p.err = errNoCheck
	}
	return p
}

// Check returns the check at quiescence, for engines; nil if the property is
// a state machine.
func (p *Property) Check() func(Run) error { return p.check }

// LooksAtCalls reports whether the check asks for what clients have asked.
func (p *Property) LooksAtCalls() bool { return p.calls }

// Compares reports whether the check asks for the end of the benign run.
func (p *Property) Compares() bool { return p.once }
