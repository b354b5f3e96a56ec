package props

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
)

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
	Events    []EventType // the alphabet, by type; those of one type in the order in which the property lists its roles
	Registers []Register
	Deadlines []Timeout // by state
	Some      *Some     // variables of which some must have some value that does; else nil
}

// Timeout is the deadline of a state; none if After is 0.
type Timeout struct {
	After   time.Duration
	Cases   []Case // the first whose guard holds is taken instead of what follows
	To      int
	Writes  []Write       // of counters and to what registers held at first: [CountBy] 1 or more, and [Forget]
	Round   time.Duration // of deadlines that lead in a circle: how long it takes until this one runs again; else 0
	Guarded bool          // they may lead in a circle, in which there are cases: Round is 0, and all that they write is [Forget]
}

// Case is what a deadline does if a guard holds.
type Case struct {
	To     int
	Writes []Write
	guard  *guard
}

// String says all of the case but its function.
func (c Case) String() string { return fmt.Sprintf("%q %d %v", c.guard.desc, c.To, c.Writes) }

// Take returns what the passing does.
func (d *Timeout) Take(m Memory) (to int, writes []Write) {
	for i := range d.Cases {
		if d.Cases[i].guard.holds(m) {
			return d.Cases[i].To, d.Cases[i].Writes
		}
	}
	return d.To, d.Writes
}

// passings are all that it may do.
func (d *Timeout) passings() []Case {
	if d.After == 0 {
		return nil
	}
	return append(slices.Clip(d.Cases), Case{To: d.To, Writes: d.Writes})
}

// Targets returns the states that it may lead to, guards ignored.
func (d *Timeout) Targets() (to []int) {
	for _, p := range d.passings() {
		to = append(to, p.To)
	}
	return to
}

// Stateful reports whether an instance is more than its state: there are
// registers, guards over them, or deadlines.
func (a *Automaton) Stateful() bool {
	if len(a.Registers) > 0 || a.Some != nil || a.Timed() {
		return true
	}
	for i := range a.Events {
		if a.Events[i].dynamic != 0 {
			return true
		}
	}
	return false
}

// Timed reports whether it hangs on how much time passes: some state has a
// deadline, or some register is a window.
func (a *Automaton) Timed() bool {
	if a.Windowed() || a.Some != nil && a.Some.of.Timed() {
		return true
	}
	for _, d := range a.Deadlines {
		if d.After > 0 {
			return true
		}
	}
	return false
}

// LooksAtTime reports whether it hangs on the time of events: it is timed, or
// some guard looks at it.
func (a *Automaton) LooksAtTime() bool {
	return a.Timed() || slices.ContainsFunc(a.Events, func(t EventType) bool {
		return slices.ContainsFunc(t.guards, func(g *guard) bool { return g.clock })
	})
}

// Windowed reports whether some register is a window.
func (a *Automaton) Windowed() bool {
	return slices.ContainsFunc(a.Registers, func(r Register) bool { return r.kind == WindowRegister })
}

// EventType is one event type of the alphabet, in one role: an event belongs to
// the slice of an instance in each role whose binding the instance contains. If
// several, the automaton takes them all, in order.
type EventType struct {
	Type  string
	Other bool     // Type stands for all that the property does not name, see Lacks
	Binds []Bind   // the variables that it binds, ascending
	Wants []string // further parameters that an event must have
	Reads []string // what guards over registers and updates look at, see [Read]
	Sums  []string // parameters that must be numbers that are [Summable]
	Some  []*Bind  // of an automaton with Some, by its variable, what names a value: they are read first; nil if nothing

	asks    []string // of Other: parameters that guards cannot do without
	guards  []*guard
	dynamic uint64     // which of them are over registers
	next    [][]branch // by state: the first that fits is taken
}

// Bind says which parameter gives a variable its value.
type Bind struct {
	Variable int
	Param    string
	Nested   bool // Param is a way into the parameter that it begins with: names with dots between
}

// Of returns the value, and whether the event has it.
func (b *Bind) Of(e *event.Event) (event.Value, bool) {
	if b.Param == contextEvent {
		return eventNamed(e), true
	}
	if !b.Nested {
		for i := range e.Data { // Get, which is not inlined here
			if e.Data[i].Name == b.Param {
				return e.Data[i].Value, true
			}
		}
		return event.Value{}, false
	}
	name, rest, _ := strings.Cut(b.Param, ".")
	v, ok := e.Data.Get(name)
	for t := v.Tree(); ok && rest != ""; v = t.Value {
		name, rest, _ = strings.Cut(rest, ".")
		i, there := slices.BinarySearchFunc(t.Fields, name, func(f event.Branch, name string) int { return strings.Compare(f.Name, name) })
		if ok = there; ok {
			t = t.Fields[i].Tree
		}
	}
	return v, ok
}

// Shown is the parameter as property files write it.
func (b *Bind) Shown() string {
	if isParam(b.Param) {
		return b.Param
	}
	return contextName + "." + b.Param[len(contextMark):]
}

// reading is the name by which [Read] reads the value.
func (b *Bind) reading() string {
	if b.Nested {
		return fieldMark + b.Param
	}
	return b.Param
}

// Lacks reports whether the parameters are not all there that letters of other
// events name: then the event is none of them.
func (t *EventType) Lacks(e *event.Event) bool {
	lacks := func(name string) bool { _, ok := e.Data.Get(name); return !ok }
	unbound := func(b Bind) bool { _, ok := b.Of(e); return !ok }
	return slices.ContainsFunc(t.Binds, unbound) || slices.ContainsFunc(t.Some, func(b *Bind) bool { return b != nil && unbound(*b) }) || slices.ContainsFunc(t.Wants, lacks) || slices.ContainsFunc(t.asks, lacks)
}

// branch is a transition: it fits if all its guards hold.
type branch struct {
	guards uint64
	Move
}

// Move is what a transition does.
type Move struct {
	To      int
	Writes  []Write
	Entered bool // the state is entered, also if it is the same: its deadline begins anew
}

// Write is an update as engines read it.
type Write struct {
	Register int
	Op       UpdateOp
	Param    int   // in Reads; -1 if none
	By       int64 // of PushCount, the counter
}

// Happens tells whether the event is added to a window.
func (w *Write) Happens(a *Automaton) bool {
	return w.Op == Renew || w.Op == AddValue && a.Registers[w.Register].kind == WindowRegister
}

// Letter returns which guards the event passes, guards over registers
// aside. Events of one type with equal letters, and equal values of what the
// type reads, lead from each state and memory to the same. An error means that
// a guard cannot say: the event is malformed for the property.
func (t *EventType) Letter(e *event.Event) (uint64, error) {
	var passed uint64
	for i, g := range t.guards {
		if g.overRegisters() {
			continue
		}
		ok, err := g.pass(e)
		if err != nil {
			return 0, err
		}
		if ok {
			passed |= 1 << i
		}
	}
	return passed, nil
}

// Take returns what an event of this type does in a state; ok is false if
// nothing. The memory is asked for no more than what the guards look at.
func (t *EventType) Take(state int, letter uint64, m Memory) (move *Move, ok bool) {
	asked := ^t.dynamic
	for i := range t.next[state] {
		b := &t.next[state][i]
		if b.guards&asked&^letter != 0 {
			continue
		}
		for open := b.guards &^ asked; open != 0; open &= open - 1 {
			g := bits.TrailingZeros64(open)
			asked |= 1 << g
			if t.guards[g].holds(m) {
				letter |= 1 << g
			}
		}
		if b.guards&letter == b.guards {
			return &b.Move, true
		}
	}
	return nil, false
}

// Arms reports whether an event of this type may begin a deadline, or be
// added to a window: its time is remembered.
func (t *EventType) Arms(a *Automaton) bool {
	remembers := func(w Write) bool { return w.Happens(a) }
	for _, branches := range t.next {
		for _, b := range branches {
			if b.Entered && a.Deadlines[b.To].After > 0 || slices.ContainsFunc(b.Writes, remembers) {
				return true
			}
		}
	}
	return false
}

// Next returns the state that a letter of this type leads to, in an automaton
// that is not stateful.
func (t *EventType) Next(state int, letter uint64) int {
	for _, b := range t.next[state] {
		if b.guards&letter == b.guards {
			return b.To
		}
	}
	return state
}

// Possible returns the states that a letter may lead to, whatever registers
// hold.
func (t *EventType) Possible(state int, letter uint64) []int {
	var to []int
	for _, b := range t.next[state] {
		if b.guards&^t.dynamic&^letter != 0 {
			continue
		}
		if to = append(to, b.To); b.guards&t.dynamic == 0 {
			return to
		}
	}
	return append(to, state)
}

// Successors returns the states that some event or the deadline may lead to,
// repetitions included, guards ignored.
func (a *Automaton) Successors(state int) []int {
	var to []int
	for i := range a.Events {
		for _, b := range a.Events[i].next[state] {
			to = append(to, b.To)
		}
	}
	return append(to, a.Deadlines[state].Targets()...)
}

// Targets returns the states that some event of this type may lead to,
// guards ignored: the state itself where every event could also stay is not
// among them.
func (t *EventType) Targets(state int) []int {
	var to []int
	for _, b := range t.next[state] {
		to = append(to, b.To)
	}
	return to
}

// Moves returns what events of this type may do in a state, guards ignored.
func (t *EventType) Moves(state int) []Move {
	var all []Move
	for _, b := range t.next[state] {
		all = append(all, b.Move)
	}
	return all
}

// Guards returns how many guards the letters of this type have.
func (t *EventType) Guards() int { return len(t.guards) }
