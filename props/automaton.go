package props

import "github.com/wtsim/wtsim/event"

// The numbers of the states that every automaton has.
const (
	ViolatedState = iota
	SatisfiedState
	StartState
)

// Automaton is a property's state machine as engines read it. States and
// variables are numbers. It must not be changed.
type Automaton struct {
	Variables []string
	States    []string    // names, by number; see [StartState]
	AtEnd     []bool      // whether quiescence in the state violates, by number
	Events    []EventType // the alphabet, by type
}

// EventType is one event type of the alphabet.
type EventType struct {
	Type  string
	Binds []Bind   // the variables that it binds, ascending
	Wants []string // further parameters that an event must have

	guards []*guard
	next   [][]branch // by state: the first that fits is taken
}

// Bind says which parameter gives a variable its value.
type Bind struct {
	Variable int
	Param    string
}

// branch is a transition: it fits if all its guards hold.
type branch struct {
	guards uint64
	to     int
}

// Letter returns which guards the parameters pass. Events of one type with
// equal letters lead from each state to the same.
func (t *EventType) Letter(d event.Data) uint64 {
	var passed uint64
	for i, g := range t.guards {
		if g.pass(d) {
			passed |= 1 << i
		}
	}
	return passed
}

// Next returns the state that a letter of this type leads to.
func (t *EventType) Next(state int, letter uint64) int {
	for _, b := range t.next[state] {
		if b.guards&letter == b.guards {
			return b.to
		}
	}
	return state
}

// Successors returns the states that some event may lead to, repetitions
// included, guards ignored.
func (a *Automaton) Successors(state int) []int {
	var to []int
	for i := range a.Events {
		for _, b := range a.Events[i].next[state] {
			to = append(to, b.to)
		}
	}
	return to
}

// Targets returns the states that some event of this type may lead to,
// guards ignored: the state itself where every event could also stay is not
// among them.
func (t *EventType) Targets(state int) []int {
	var to []int
	for _, b := range t.next[state] {
		to = append(to, b.to)
	}
	return to
}

// Guards returns how many guards the letters of this type have.
func (t *EventType) Guards() int { return len(t.guards) }
