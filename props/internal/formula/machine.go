package formula

import (
	"time"

	"github.com/wtsim/wtsim/event"
)

// Signature says, for each predicate, which event it stands for.
type Signature map[string]Predicate

// Predicate is the event that a predicate stands for: its type, and the
// parameters that are the predicate's arguments, each under a name that is its
// own in the type. Guarded says that not every event of the type is meant.
type Predicate struct {
	Type    string
	Params  []string
	Guarded bool
}

// Machine is what a formula is translated to. The first state is the start.
type Machine struct {
	Variables []string
	Own       bool // the last variable is bound by letters of their own: which event it is
	States    []State
	Registers []Register
	Letters   []Letter
	Ends      []time.Duration // the deadlines, since what begins them, ascending
}

// State has a decision for each letter.
type State struct {
	Name  string
	Due   int // something is due by that of the deadlines, from 1 on: its passing violates; 0 if nothing is
	Moves []*Decision

	// Where more deadlines follow, it violates only if one of these bits is not set,
	// and leads to the next state else.
	Unless []int
	Next   int
}

// Letter is an event type in a role: the variables that it binds, and by which
// parameters.
type Letter struct {
	Type  string
	Binds []Bind
	Own   bool // it binds which event it is, too
}

// Bind is a variable that a parameter binds.
type Bind struct{ Variable, Param string }

// Register is a window, a set, or a counter that is 0 or 1.
type Register struct {
	Name   string
	Kind   Kind
	Length time.Duration // of a window
}

// Kind tells registers apart.
type Kind uint8

// The kinds of register.
const (
	Window Kind = iota
	Set
	Bit
)

// Decision is what an event does: a move, or one of two decisions, as a guard
// says.
type Decision struct {
	Guard     *Guard
	Yes, No   *Decision
	To        int // a state, or one of those below
	Writes    []Write
	canonical string
}

// Where a move leads other than to a state.
const (
	Stay      = -1
	Violated  = -2
	Satisfied = -3
)

// Write is done to a register.
type Write struct {
	Register int
	Op       WriteOp
	Param    string // that is added or removed; empty for the event itself
}

// WriteOp tells writes apart.
type WriteOp uint8

// The writes: Add is to a window or a set, and sets a bit.
const (
	Add WriteOp = iota
	Remove
	Clear
)

// Guard is a condition on an event and the registers as they were before it.
// It is comparable: equal guards are one.
type Guard struct {
	Kind      GuardKind
	Text      string
	Order     string // of a comparison: =, < or <=
	Left      Operand
	Right     Operand
	Predicate string // whose own guard it is
	Register  int
	Other     int    // a second window; -1 if there is none
	Param     string // that is looked for in a set
	From      time.Duration
}

// Operand is a parameter of the event, or a constant, if there is no name.
type Operand struct {
	Param    string
	Constant event.Value
}

// GuardKind tells guards apart.
type GuardKind uint8

// The kinds of guard.
const (
	Comparison  GuardKind = iota // Left Order Right
	OfPredicate                  // the guard that the signature has
	Occupied                     // the window Register holds more than Other
	Empty                        // the window Register holds nothing
	Member                       // the set Register holds Param
	IsSet                        // the bit Register is set
	Old                          // what is due began From ago, or longer
)
