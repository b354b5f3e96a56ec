package props

import (
	"fmt"
	"slices"
	"strings"
)

// Exists makes the property one that must hold for some value of a variable,
// the same for all events, instead of for all values: the state machine runs for
// each value of it, and for what no event names as for any other value; the
// property is violated by the event that leaves none. For the variables of
// [ForAll] that is said of each of their values. At the end, some value must be
// left in whose state the run may end.
//
// Such a machine has no registers and no deadlines: they would be those of each
// value.
func (q Quantifier) Exists(variable string) Quantifier {
	q.some = append(slices.Clip(q.some), variable)
	return q
}

// ExistsEachTime is [Quantifier.Exists] with a value that may be another one at
// each event: an event that does not violate for some value violates for none,
// and leaves those for which it would where they are. So what violates is an
// event that leads all values to violated from the states that they are in.
func (q Quantifier) ExistsEachTime(variable string) Quantifier {
	q.eachTime = true
	return q.Exists(variable)
}

// Some is a variable that some value must do for, and the state machine that
// runs for each value of it. An instance is in one state for each value that
// events of it have named, and in one for all others.
//
// The automaton around it has two states of its own: [Some.Judge] tells which of
// them, or of violated and satisfied, an instance is in.
type Some struct {
	Variable string
	EachTime bool

	of      *Automaton // its last variable is this one
	settled []bool     // states from which a value can be lost no more
	owed    int        // the state of the automaton around it in which a run must not end; -1 if there is none
	open    int        // the other one; -1 if there is none
}

// The states of the automaton around.
const (
	openState = "some value does"
	owedState = "none may be the last"
)

// Next is the state that a letter of an event type leads a value to.
func (s *Some) Next(letter int, passed uint64, state int) int {
	return s.of.Events[letter].Next(state, passed)
}

// States returns the names of the states that values are in.
func (s *Some) States() []string { return s.of.States }

// Judge returns the automaton's state, given for each value the state that it
// is in: which must be there, that of the values that no event has named.
func (s *Some) Judge(states []int) int {
	lost, owing := true, true
	for _, state := range states {
		if s.settled[state] {
			return SatisfiedState
		}
		lost = lost && state == ViolatedState
		owing = owing && (state == ViolatedState || s.of.AtEnd[state])
	}
	switch {
	case lost:
		return ViolatedState
	case owing:
		return s.owed
	}
	return s.open
}

// someOf compiles a machine with a variable that some value must do for.
func someOf(s *spec) (*Automaton, error) {
	variable := s.some[0]
	switch {
	case len(s.some) > 1:
		return nil, fmt.Errorf("%d variables must have some value, %s, wanted one: what is left of pairs of values would have to be stored for each pair", len(s.some), oneOf(s.some))
	case len(s.registers) > 0:
		return nil, fmt.Errorf("register %q beside %q, for which some value must do: each value would have its own, wanted none", s.registers[0].name, variable)
	}
	inner := *s
	inner.variables, inner.some = append(slices.Clip(s.variables), variable), nil
	of, err := compile(&inner)
	if err != nil {
		return nil, err
	}
	for i, d := range of.Deadlines {
		if d.After > 0 {
			return nil, fmt.Errorf("the deadline of state %q beside %q, for which some value must do: each value would have its own, wanted none", of.States[i], variable)
		}
	}
	if of.Stateful() {
		return nil, fmt.Errorf("a guard over registers or ages beside %q, for which some value must do: each value would have its own, wanted none", variable)
	}
	return around(of, &Some{Variable: variable, EachTime: s.eachTime, of: of, settled: of.settled()}), nil
}

// settled tells from which states neither violated nor a state that must not be
// the last can be reached.
func (a *Automaton) settled() []bool {
	settled := make([]bool, len(a.States))
	for s := range settled {
		settled[s] = s != ViolatedState && !a.AtEnd[s]
	}
	for changed := true; changed; {
		changed = false
		for s := StartState; s < len(settled); s++ {
			if settled[s] && slices.ContainsFunc(a.Successors(s), func(to int) bool { return !settled[to] }) {
				settled[s], changed = false, true
			}
		}
	}
	return settled
}

// around is the automaton of an instance. Which transition is taken hangs on
// the states of all values; here stand those that may be.
func around(of *Automaton, some *Some) *Automaton {
	last := len(of.Variables) - 1
	a := &Automaton{Variables: of.Variables[:last], States: of.States[:StartState:StartState], Some: some,
		Registers: []Register{{name: some.Variable, kind: ValuesRegister}}}
	some.open, some.owed = -1, -1
	state := func(name string) int { a.States = append(a.States, name); return len(a.States) - 1 }
	if of.AtEnd[StartState] {
		some.owed = state(owedState)
	}
	some.open = state(openState)
	if some.owed < 0 && slices.Contains(of.AtEnd, true) {
		some.owed = state(owedState)
	}
	a.AtEnd, a.Deadlines = make([]bool, len(a.States)), make([]Timeout, len(a.States))
	if some.owed >= 0 {
		a.AtEnd[some.owed] = true
	}
	lost := some.canBeLost()
	for i := range of.Events {
		a.Events = append(a.Events, of.Events[i].around(a, last, lost))
	}
	return a
}

// canBeLost tells whether all values can be lost before the end: those that no
// event names too.
func (s *Some) canBeLost() bool {
	unnamed := *s.of
	unnamed.Events = slices.DeleteFunc(slices.Clone(s.of.Events), func(t EventType) bool { return t.bindOf(len(s.of.Variables)-1) != nil })
	return unnamed.reached()[ViolatedState]
}

func (t *EventType) bindOf(variable int) *Bind {
	for i := range t.Binds {
		if t.Binds[i].Variable == variable {
			return &t.Binds[i]
		}
	}
	return nil
}

// around is the event type as the automaton around sees it.
func (t *EventType) around(a *Automaton, variable int, lost bool) EventType {
	u := *t
	u.Binds = slices.DeleteFunc(slices.Clone(t.Binds), func(b Bind) bool { return b.Variable == variable })
	u.next = make([][]branch, len(a.States))
	u.guards = append(slices.Clip(t.guards), &guard{desc: "what the values are in", holds: func(Memory) bool { return false }})
	u.dynamic = 1 << len(t.guards)
	if u.Some = t.bindOf(variable); u.Some != nil {
		u.Reads = []string{u.Some.reading()}
	}
	for from := StartState; from < len(a.States); from++ {
		for to := range a.States {
			if to == from || to == ViolatedState && (!lost || a.Some.EachTime && u.Some != nil) {
				continue
			}
			u.next[from] = append(u.next[from], branch{u.dynamic, Move{To: to, Entered: true}})
		}
	}
	return u
}

// saidQuantifiers are the quantifiers of a machine as the beginning of a
// sentence.
func (s *spec) saidQuantifiers() string {
	if len(s.some) == 0 {
		return forEvery(s.variables)
	}
	value := "for some " + strings.Join(s.some, " and ") + ", the same throughout: "
	if s.eachTime {
		value = "at each event, for some " + strings.Join(s.some, " and ") + ": "
	}
	return strings.Replace(forEvery(s.variables), ": ", ", ", 1) + value
}

// someWarnings tells of a property that some value can always do for.
func (p *Property) someWarnings() (all []string) {
	some := p.automaton.Some
	if some == nil || p.CanBeViolated() {
		return nil
	}
	return []string{fmt.Sprintf("no event without %q violates: a value that no event names always does", some.Variable)}
}

// AsWritten returns the state machine for people: of a property that some value
// must do for ([Quantifier.Exists]) the one that runs for each value; else that
// of [Property.Automaton].
func (p *Property) AsWritten() *Automaton {
	if p.err != nil {
		return nil
	}
	return p.written()
}

// written is AsWritten, also where something is wrong with the property.
func (p *Property) written() *Automaton {
	if a := p.automaton; a != nil && a.Some != nil {
		return a.Some.of
	}
	return p.automaton
}
