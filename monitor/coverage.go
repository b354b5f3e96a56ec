package monitor

import (
	"math/bits"
	"slices"
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
		if s := &m.stores[i]; s.auto != nil {
			all = append(all, s.coverage())
		}
	}
	return all
}

func (s *store) coverage() Coverage {
	c := Coverage{Property: s.property.Name(), CanFail: !s.dead[startState]}
	reached := make([]bool, len(s.auto.States))
	reached[startState] = true
	for i := range s.letters {
		t := s.letters[i].EventType
		c.Types = append(c.Types, TypeUse{t.Type, s.matched[i]})
		for from := range s.auto.States {
			if s.dead[from] {
				continue
			}
			targets := slices.Compact(slices.Sorted(slices.Values(t.Targets(from))))
			for _, to := range targets {
				c.Transitions = append(c.Transitions, TransitionUse{s.auto.States[from], t.Type, s.auto.States[to], s.took(i, from, to)})
			}
			s.reach(reached, i, from)
		}
	}
	for from, d := range s.auto.Deadlines {
		if d.After > 0 && !s.dead[from] {
			c.Transitions = append(c.Transitions, TransitionUse{s.auto.States[from], "after " + length(d.After), s.auto.States[d.To], s.took(len(s.letters), from, d.To)})
			s.reach(reached, len(s.letters), from)
		}
	}
	slices.SortStableFunc(c.Transitions, func(a, b TransitionUse) int {
		return slices.Index(s.auto.States, a.From) - slices.Index(s.auto.States, b.From)
	})
	for state, name := range s.auto.States {
		if !s.dead[state] || s.leadsTo(state) {
			c.States = append(c.States, StateUse{name, reached[state]})
		}
	}
	return c
}

// took tells whether a letter of an event type took instances from one state
// to another.
func (s *store) took(letter, from, to int) bool {
	if s.configs != nil {
		at := s.stepAt(letter, from, to)
		return at < len(s.taken) && s.taken[at]
	}
	return slices.ContainsFunc(s.byType[letter], func(n uint32) bool {
		at := int(n)*len(s.dead) + from
		return at < len(s.taken) && s.taken[at] && int(s.table[at]) == to
	})
}

// reach marks the states that the letters of an event type led to.
func (s *store) reach(reached []bool, letter, from int) {
	if s.configs != nil {
		for to := range reached {
			reached[to] = reached[to] || s.took(letter, from, to)
		}
		return
	}
	for _, n := range s.byType[letter] {
		if at := int(n)*len(s.dead) + from; at < len(s.taken) && s.taken[at] {
			reached[s.table[at]] = true
		}
	}
}

// leadsTo tells whether a transition that is followed leads to a state.
func (s *store) leadsTo(state int) bool {
	for from := range s.auto.States {
		if !s.dead[from] && slices.Contains(s.auto.Successors(from), state) {
			return true
		}
	}
	return false
}

// move is next, for an instance that takes the transition.
func (s *store) move(letter, state uint32) uint32 {
	if s.covering || s.configs != nil {
		return s.moveAndCover(letter, state)
	}
	return uint32(s.table[letter*s.width+state])
}

func (s *store) moveAndCover(letter, state uint32) uint32 {
	if s.configs != nil {
		return s.configs.move(letter, state)
	}
	at := letter*s.width + state
	s.take(int(at))
	return uint32(s.table[at])
}

func (s *store) take(at int) {
	if at >= len(s.taken) {
		s.taken = append(s.taken, make([]bool, s.transitions()-len(s.taken))...)
	}
	if !s.taken[at] {
		s.taken[at] = true
		s.fresh = append(s.fresh, at)
	}
}

// used returns the transitions that were used for the first time since it was
// asked last.
func (m *engine) used() (all []Use) {
	if !m.options.coverage {
		return nil
	}
	for i := range m.stores {
		s := &m.stores[i]
		for _, at := range s.fresh {
			all = append(all, Use{s.property.Name(), s.transition(at)})
		}
		s.fresh = s.fresh[:0]
	}
	return all
}

// transition is what stands at a place among those taken.
func (s *store) transition(at int) TransitionUse {
	n := len(s.dead)
	t := TransitionUse{Taken: true}
	letter, from, to := 0, at%n, 0
	if s.configs != nil {
		letter, from, to = at/(n*n), at/n%n, at%n
	} else {
		letter, to = s.fates[at/n].letter, int(s.table[at])
	}
	if t.From, t.To = s.auto.States[from], s.auto.States[to]; letter < len(s.letters) {
		t.Event = s.letters[letter].EventType.Type
	} else {
		t.Event = "after " + length(s.auto.Deadlines[from].After)
	}
	return t
}

// transitions is how many there may be: by letter and state; of a stateful
// property, whose letters are without number, by event type or deadline, and
// the states before and after.
func (s *store) transitions() int {
	if s.configs != nil {
		return (len(s.letters) + 1) * len(s.dead) * len(s.dead)
	}
	return len(s.table)
}

// stepAt is where a transition of a stateful property stands among those
// taken; the last letter are the deadlines.
func (s *store) stepAt(letter, from, to int) int {
	return (letter*len(s.dead)+from)*len(s.dead) + to
}

func (c *configs) move(letter, from uint32) uint32 {
	to := c.next(letter, from)
	c.cover(c.store.fates[letter].letter, from, to)
	return to
}

// cover takes a transition of the automaton, for the configurations that a
// letter, or a deadline, leads from and to.
func (c *configs) cover(letter int, from, to uint32) {
	if s := c.store; s.covering {
		s.take(s.stepAt(letter, int(s.base(from)), int(s.base(to))))
	}
}

// expired is expire, for an instance whose deadline passes.
func (c *configs) expired(from uint32) uint32 {
	to := c.expire(from)
	c.cover(len(c.store.letters), from, to)
	return to
}

// retrace takes the transitions of a newborn whose slice was put together
// from its parts.
func (m *engine) retrace(s *store, domain int) {
	var room [8]symbol
	state := uint32(startState)
	for _, n := range m.slice(s, domain, pick(room[:0], m.plain, s.domains[domain].list)) {
		if state = s.move(n.letter, state); s.isDead(state) {
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

// takeAll is take, for all states that an instance may be in.
func (s *store) takeAll(letter uint32, states uint64) {
	for ; states != 0; states &= states - 1 {
		s.take(int(letter)*len(s.dead) + bits.TrailingZeros64(states))
	}
}
