package monitor

import (
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// store holds the instances of one property, and what was found out about
// its automaton as it went.
type store struct {
	*plan
	number    int    // of the plan
	pools     []pool // by domain
	live      int    // instances that are not dead; the empty binding is not counted
	created   int
	malformed int
	late      int
	expired   int
	ages      ages
	settled   []verdict // with skew: what is decided, see fuzzy.go

	settledCount int   // instances that died
	rootExpired  int   // of the expired, how often it was the empty binding
	matched      []int // by event type: events in some slice

	work   workspace // see layer.go
	limits limits

	covering bool   // see coverage.go
	taken    []bool // as table: an instance took the transition
	fresh    []int  // of taken, what was not told yet

	// A letter is an event type and the guards passed. Letters are numbered as
	// they are first seen.
	fates  []fate
	byType [][]uint32 // letters, by event type
	table  []uint16   // by letter and state: the state after
	width  uint32     // of the table: how many states there are

	functions [][]uint16 // see lazy.go; the first is the identity
	composed  map[[2]uint32]uint16

	configs *configs // of a stateful property, see memory.go; else nil
}

// fate is a letter.
type fate struct {
	letter int // its event type
	passed uint64
}

func (s *store) start(pl *plan, o *settings, t *symbols, from *sources) {
	s.plan = pl
	if pl.auto == nil {
		return
	}
	s.width = uint32(len(pl.dead))
	s.pools = make([]pool, len(pl.domains))
	for i := range s.pools {
		s.pools[i].domain = &pl.domains[i]
	}
	s.byType = make([][]uint32, len(pl.letters))
	s.matched = make([]int, len(pl.letters))
	s.covering, s.limits = o.coverage, o.limits
	s.pools[0].add(nil, instance{state: startState, dead: pl.dead[startState]})
	if o.skew > 0 {
		s.pools[0].fuzzy = []*front{newFront()}
	}
	identity := make([]uint16, len(pl.auto.States))
	for i := range identity {
		identity[i] = uint16(i)
	}
	s.functions = [][]uint16{identity}
	if pl.auto.Stateful() {
		s.configs = newConfigs(s, t, from, o)
	}
}

// letter returns the number of a letter.
func (s *store) letter(letter int, passed uint64) uint32 {
	for _, n := range s.byType[letter] {
		if s.fates[n].passed == passed {
			return n
		}
	}
	n := uint32(len(s.fates))
	s.fates = append(s.fates, fate{letter, passed})
	s.byType[letter] = append(s.byType[letter], n)
	for state := range s.auto.States {
		s.table = append(s.table, uint16(s.letters[letter].Next(state, passed)))
	}
	return n
}

func (s *store) letterOf(n uint32) *letter { return &s.letters[s.fates[n].letter] }

// next is the automaton's transition.
func (s *store) next(letter, state uint32) uint32 {
	if s.configs != nil {
		return s.configs.next(letter, state)
	}
	return uint32(s.table[letter*s.width+state])
}

// isDead tells whether no violation can be reached.
func (s *store) isDead(state uint32) bool { return s.dead[s.base(state)] }

// base is the state of the automaton.
func (s *store) base(state uint32) uint32 {
	if s.configs != nil {
		return uint32(s.configs.all[state].state)
	}
	return state
}

// timed tells whether the property has deadlines.
func (s *store) timed() bool { return s.configs != nil && s.configs.timed }

// lookup returns the instance of a domain with a key.
func (s *store) lookup(domain int, key []symbol) cell {
	if domain == 0 {
		return 0
	}
	return s.pools[domain].lookup(key)
}

// compose returns the function that a letter makes of another.
func (s *store) compose(function uint16, letter uint32) uint16 {
	if n, ok := s.composed[[2]uint32{uint32(function), letter}]; ok {
		return n
	}
	f := make([]uint16, len(s.dead))
	for i, to := range s.functions[function] {
		f[i] = uint16(s.next(letter, uint32(to)))
	}
	n := slices.IndexFunc(s.functions, func(g []uint16) bool { return slices.Equal(f, g) })
	if n < 0 {
		n = len(s.functions)
		s.functions = append(s.functions, f)
	}
	if s.composed == nil {
		s.composed = make(map[[2]uint32]uint16)
	}
	s.composed[[2]uint32{uint32(function), letter}] = uint16(n)
	return uint16(n)
}

// binding returns an instance's values, by the variables' names.
func (m *engine) binding(s *store, domain int, c cell) Binding {
	p := &s.pools[domain]
	values := p.key(c)
	if written := p.spelt[c]; written != nil {
		values = written
	}
	b := make(Binding, 0, len(values))
	for i, v := range p.list {
		b = append(b, event.Field{Name: s.auto.Variables[v], Value: m.symbols.value(values[i])})
	}
	sortBinding(b)
	return b
}

// unsettled returns the instances that must not end in their state.
func (s *store) unsettled() (all []hit) {
	timed := s.timed()
	if !timed && !slices.Contains(s.auto.AtEnd, true) {
		return nil
	}
	for d := range s.pools {
		for c, in := range s.pools[d].all {
			if in.unused || in.dead || in.state == props.ViolatedState {
				continue
			}
			if s.auto.AtEnd[s.base(in.state)] || timed && s.configs.violatedInTime(in.state) {
				all = append(all, hit{d, cell(c)})
			}
		}
	}
	return all
}
