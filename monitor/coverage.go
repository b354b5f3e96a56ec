package monitor

import (
	"slices"

	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// Coverage tells which parts of a property no event ever used: a property
// that nothing exercises holds, and says nothing.
//
// An instance uses a transition when an event of its slice leads it there;
// with skew, when it does in some possible order. An instance counts from the
// event that names it, with its whole slice; joins that no event names are
// not looked at where they need not be stored. What an instance does once it
// can no longer be violated is not followed, and not listed.
type Coverage struct {
	Property    string
	CanFail     bool // some events would violate it
	Types       []TypeUse
	States      []StateUse
	Transitions []TransitionUse
}

// TypeUse is an event type of the alphabet.
type TypeUse struct {
	Type   string
	Events int // of this type, in some slice
}

// StateUse is a state.
type StateUse struct {
	State   string
	Reached bool
}

// TransitionUse is what is written of a transition. Those that differ in
// their guards alone are one. The event of a deadline is such as "after 5s".
type TransitionUse struct {
	From, Event, To string
	Taken           bool
}

func (m *engine) coverage() []Coverage {
	var all []Coverage
	for i := range m.stores {
		if s := &m.stores[i]; s.Auto != nil {
			all = append(all, s.coverage())
		}
	}
	return all
}

func (s *store) coverage() Coverage {
	c := Coverage{Property: s.property.Name(), CanFail: !s.Dead[machine.StartState]}
	reached := make([]bool, len(s.Auto.States))
	reached[machine.StartState] = true
	for i := range s.letters {
		t := s.letters[i].EventType
		c.Types = append(c.Types, TypeUse{s.name(i), s.matched[i]})
		for from := range s.Auto.States {
			if s.Dead[from] {
				continue
			}
			targets := slices.Compact(slices.Sorted(slices.Values(t.Targets(from))))
			for _, to := range targets {
				c.Transitions = append(c.Transitions, TransitionUse{s.Auto.States[from], s.name(i), s.Auto.States[to], s.Took(i, from, to)})
			}
			s.reach(reached, i, from)
		}
	}
	for from, d := range s.Auto.Deadlines {
		if d.After > 0 && !s.Dead[from] {
			for _, to := range slices.Compact(slices.Sorted(slices.Values(d.Targets()))) {
				c.Transitions = append(c.Transitions, TransitionUse{s.Auto.States[from], "after " + length(d.After), s.Auto.States[to], s.Took(len(s.letters), from, to)})
			}
			s.reach(reached, len(s.letters), from)
		}
	}
	c.Transitions = append(c.Transitions, s.valuesInTime(reached)...)
	slices.SortStableFunc(c.Transitions, func(a, b TransitionUse) int {
		return slices.Index(s.Auto.States, a.From) - slices.Index(s.Auto.States, b.From)
	})
	for state, name := range s.Auto.States {
		if !s.Dead[state] || s.leadsTo(state) {
			c.States = append(c.States, StateUse{name, reached[state]})
		}
	}
	return c
}

// valuesInTime are the transitions by deadlines of a property that some value of a
// variable must do for, each of whose values has its own.
func (s *store) valuesInTime(reached []bool) (all []TransitionUse) {
	if s.Auto.Some == nil || !slices.ContainsFunc(s.Auto.Some.Of().Deadlines, func(d props.Timeout) bool { return d.After > 0 }) {
		return nil
	}
	for from := range s.Auto.States {
		if s.Dead[from] {
			continue
		}
		for _, to := range slices.Compact(slices.Sorted(slices.Values(s.Auto.Successors(from)))) {
			all = append(all, TransitionUse{s.Auto.States[from], ofValues, s.Auto.States[to], s.Took(len(s.letters), from, to)})
		}
		s.reach(reached, len(s.letters), from)
	}
	return all
}

// ofValues stands for the deadline of some value.
const ofValues = "a deadline"

// reach marks the states that the letters of an event type led to.
func (s *store) reach(reached []bool, letter, from int) {
	if s.Configs != nil {
		for to := range reached {
			reached[to] = reached[to] || s.Took(letter, from, to)
		}
		return
	}
	for _, n := range s.ByType[letter] {
		if at := int(n)*len(s.Dead) + from; at < len(s.Taken) && s.Taken[at] {
			reached[s.Table[at]] = true
		}
	}
}

// leadsTo tells whether a transition that is followed leads to a state.
func (s *store) leadsTo(state int) bool {
	for from := range s.Auto.States {
		if !s.Dead[from] && slices.Contains(s.Auto.Successors(from), state) {
			return true
		}
	}
	return false
}

// used returns the transitions that were used for the first time since it was
// asked last.
func (m *engine) used() (all []Use) {
	if !m.options.coverage {
		return nil
	}
	for i := range m.stores {
		s := &m.stores[i]
		for _, at := range s.Fresh {
			all = append(all, Use{s.property.Name(), s.transition(at)})
		}
		s.Fresh = s.Fresh[:0]
	}
	return all
}

// transition names what stands at a place among those taken.
func (s *store) transition(at int) TransitionUse {
	letter, from, to := s.Machine.Transition(at)
	t := TransitionUse{From: s.Auto.States[from], To: s.Auto.States[to], Taken: true}
	switch {
	case letter < len(s.letters):
		t.Event = s.name(letter)
	case s.Auto.Some != nil:
		t.Event = ofValues
	default:
		t.Event = "after " + length(s.Auto.Deadlines[from].After)
	}
	return t
}

// retrace takes the transitions of a newborn whose slice was put together
// from its parts.
func (x *step) retrace(domain int) {
	var room [8]values.Symbol
	state := uint32(machine.StartState)
	for _, n := range x.slice(domain, pick(room[:0], x.plain, x.domains[domain].list)) {
		if state = x.Move(n.letter, state, nil); x.IsDead(state) {
			return
		}
	}
}

// MergeCoverage adds up what the parts of a sharded stream used; see
// StreamOptions.
func MergeCoverage(parts ...[]Coverage) []Coverage {
	if len(parts) == 0 {
		return nil
	}
	all := parts[0]
	for _, p := range parts[1:] {
		for i := range p {
			for j, u := range p[i].Types {
				all[i].Types[j].Events += u.Events
			}
			for j, u := range p[i].States {
				all[i].States[j].Reached = all[i].States[j].Reached || u.Reached
			}
			for j, u := range p[i].Transitions {
				all[i].Transitions[j].Taken = all[i].Transitions[j].Taken || u.Taken
			}
		}
	}
	return all
}
