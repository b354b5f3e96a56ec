package props

import (
	"fmt"
	"slices"
	"strings"
)

// Exists makes the property one that must hold for some value of a variable,
// the same for all events, instead of for all values: the state machine runs for
// each value of it, and for what no event names as for any other value; the
// property is violated by the event that leaves none. For the variables before
// it, those of [ForAll] first, that is said of each of their values. At the end,
// some value must be left in whose state the run may end.
//
// Registers, windows among them, ages and deadlines are those of each value. The
// deadlines of such a machine do not lead in a circle.
func (q Quantifier) Exists(variable string) Quantifier {
	q.inner = append(slices.Clip(q.inner), inner{variable, false})
	return q
}

// ExistsEachTime is [Quantifier.Exists] with a value that may be another one at
// each event: an event that does not violate for some value violates for none,
// and leaves those for which it would where they are. So what violates is an
// event that leads all values to violated from the states that they are in. Such a
// machine has no deadlines.
func (q Quantifier) ExistsEachTime(variable string) Quantifier {
	q.eachTime = true
	return q.Exists(variable)
}

// ForAll adds variables for all of whose values the property must hold, given
// those of the variables before: after [Quantifier.Exists], some value must do
// for all of theirs.
func (q Quantifier) ForAll(variables ...string) Quantifier {
	for _, v := range variables {
		if len(q.inner) > 0 {
			q.inner = append(slices.Clip(q.inner), inner{v, true})
		} else {
			q.variables = append(slices.Clip(q.variables), v)
		}
	}
	return q
}

// inner is a variable that instances do not bind.
type inner struct {
	name  string
	every bool // all of its values must do, not some
}

// Some are the variables from the first that some value must do for on, and the
// state machine that runs for each combination of their values. An instance is
// in one state for each combination that events of it have named, and for each
// variable in one for the values that none has.
//
// The automaton around it has two states of its own: [Some.State] tells which of
// them, or of violated and satisfied, an instance is in.
type Some struct {
	Variables []string // the outermost first
	Every     []bool   // by variable: all of its values must do, not some
	EachTime  bool

	of      *Automaton // these are its last variables
	settled []bool     // states from which a combination can be lost no more
	owed    int        // the state of the automaton around it in which a run must not end; -1 if there is none
	open    int        // the other one; -1 if there is none
}

// The states of the automaton around.
const (
	openState = "some value does"
	owedState = "none may be the last"
)

// Outlook is what is to be expected of values, the worst first: of those of a
// variable that some value must do for, the greatest counts, of the others the
// least.
type Outlook uint8

// The outlooks.
const (
	Lost    Outlook = iota // violated
	Owing                  // they may not be the last
	Open                   // they may be lost yet
	Settled                // they may not
)

// Quantifiers returns the variables as property files write them.
func (s *Some) Quantifiers() (all []string) {
	for i, v := range s.Variables {
		all = append(all, map[bool]string{true: forallKey, false: existsKey}[s.Every[i]]+" "+v)
	}
	return all
}

// Of returns the state machine that runs for each combination of values.
func (s *Some) Of() *Automaton { return s.of }

// Outlook is that of a combination, by the state that it is in.
func (s *Some) Outlook(state int) Outlook {
	switch {
	case s.settled[state]:
		return Settled
	case state == ViolatedState:
		return Lost
	case s.of.AtEnd[state]:
		return Owing
	}
	return Open
}

// State returns the state of the automaton around for the outlook of all values.
func (s *Some) State(o Outlook) int {
	return [...]int{Lost: ViolatedState, Owing: s.owed, Open: s.open, Settled: SatisfiedState}[o]
}

// someOf compiles a machine with a variable that some value must do for.
func someOf(s *spec) (*Automaton, error) {
	some := &Some{EachTime: s.eachTime}
	all := *s
	all.variables, all.inner = slices.Clip(s.variables), nil
	for _, v := range s.inner {
		if v.every && s.eachTime {
			return nil, fmt.Errorf("all values of %q must do for a value of %q that may be another one each time, wanted one that is the same throughout", v.name, some.Variables[0])
		}
		some.Variables, some.Every = append(some.Variables, v.name), append(some.Every, v.every)
		all.variables = append(all.variables, v.name)
	}
	of, err := compile(&all)
	if err != nil {
		return nil, err
	}
	if err := some.refuses(of); err != nil {
		return nil, err
	}
	some.of, some.settled = of, of.settled()
	return around(of, some), nil
}

// refuses says which deadlines there cannot be.
func (s *Some) refuses(of *Automaton) error {
	for i, d := range of.Deadlines {
		switch {
		case d.After == 0:
		case s.EachTime:
			return fmt.Errorf("the deadline of state %q beside %q, of which another value may do each time: nothing says what becomes of a deadline that is not taken, wanted none, or a value that is the same throughout", of.States[i], s.Variables[0])
		case d.Round > 0 || d.Guarded:
			return fmt.Errorf("deadlines lead from state %q back to it beside %q, for which some value must do: the rounds of its values do not end together, wanted deadlines that end", of.States[i], s.Variables[0])
		}
	}
	return nil
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
	outer := len(of.Variables) - len(some.Variables)
	a := &Automaton{Variables: of.Variables[:outer], States: of.States[:StartState:StartState], Some: some}
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
		a.Events = append(a.Events, of.Events[i].around(a, lost))
	}
	return a
}

// canBeLost tells whether all values can be lost before the end: those that no
// event names too.
func (s *Some) canBeLost() bool {
	unnamed := *s.of
	unnamed.Events = slices.DeleteFunc(slices.Clone(s.of.Events), func(t EventType) bool {
		return slices.ContainsFunc(t.Binds, func(b Bind) bool { i := b.Variable - s.first(); return i >= 0 && !s.Every[i] })
	})
	return unnamed.reached()[ViolatedState]
}

// first is the first of the variables among those of the machine.
func (s *Some) first() int { return len(s.of.Variables) - len(s.Variables) }

// around is the event type as the automaton around sees it.
func (t *EventType) around(a *Automaton, lost bool) EventType {
	u, some := *t, a.Some
	u.Binds, u.Reads, u.Some = nil, nil, make([]*Bind, len(some.Variables))
	for i, b := range t.Binds {
		if at := b.Variable - some.first(); at >= 0 {
			u.Some[at] = &t.Binds[i]
			u.Reads = append(u.Reads, b.reading())
		} else {
			u.Binds = append(u.Binds, b)
		}
	}
	named := len(u.Reads) > 0
	u.Reads = append(u.Reads, t.Reads...)
	u.next = make([][]branch, len(a.States))
	u.guards = append(slices.Clip(t.guards), &guard{desc: "what the values are in", holds: func(Memory) bool { return false }})
	asked := uint64(1) << len(t.guards)
	u.dynamic = t.dynamic | asked
	for from := StartState; from < len(a.States); from++ {
		for to := range a.States {
			if to == from || to == ViolatedState && (!lost || some.EachTime && named) {
				continue
			}
			u.next[from] = append(u.next[from], branch{asked, Move{To: to, Entered: true}})
		}
	}
	return u
}

// saidQuantifiers are the quantifiers of a machine as the beginning of a
// sentence.
func (s *spec) saidQuantifiers() string {
	said := forEvery(s.variables)
	for i, v := range s.inner {
		said = strings.Replace(said, ": ", ", ", 1)
		switch {
		case v.every:
			said += "for every " + v.name + ": "
		case s.eachTime && i == 0:
			said += "at each event, for some " + v.name + ": "
		case s.eachTime || i+1 < len(s.inner):
			said += "for some " + v.name + ": "
		default:
			said += "for some " + v.name + ", the same throughout: "
		}
	}
	return said
}

// someWarnings tells of a property that some value can always do for.
func (p *Property) someWarnings() (all []string) {
	some := p.automaton.Some
	if some == nil || p.CanBeViolated() {
		return nil
	}
	return []string{fmt.Sprintf("no event without %s violates: a value that no event names always does", some.saidSome())}
}

// saidSome are the variables that some value must do for.
func (s *Some) saidSome() string {
	var names []string
	for i, v := range s.Variables {
		if !s.Every[i] {
			names = append(names, fmt.Sprintf("%q", v))
		}
	}
	return strings.Join(names, " and ")
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
