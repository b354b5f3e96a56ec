package monitor

import (
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/skew"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// store holds the instances of one property, and what was found out about
// its automaton as it went. Its many methods are what can befall an instance, from
// its birth to its being forgotten, and the bytes that it is saved in.
type store struct {
	*plan
	*shared
	machine.Machine
	number    int    // of the plan
	cube      cube   // among how many parts
	pools     []pool // by domain
	live      int    // instances that are not dead; the empty binding is not counted
	created   int
	malformed int
	late      int
	expired   int
	ages      ages
	lost      lost      // with a time to live, see forgotten.go
	settled   []verdict // with skew: what is decided, see fuzzy.go

	settledCount int   // instances that died
	rootExpired  int   // of the expired, how often it was the empty binding
	matched      []int // by event type and role: events in some slice
	seen         int   // events in some slice

	judge skew.Judge // with skew; else it is not used
}

func (s *store) start(pl *plan, with *shared) {
	s.plan, s.shared = pl, with
	o := &with.options
	s.cube = pl.cube(o.part.of)
	if pl.automaton == nil {
		return
	}
	s.Machine.Start(pl.automaton, pl.over, &with.symbols, &with.sources, machine.Options{Exact: o.skew == 0, Covering: o.coverage, Configs: o.limits.collectAt, Letters: o.limits.firstLetters})
	s.judge = skew.Judge{Machine: &s.Machine, SlideAt: o.limits.slideAt, MaxLayer: o.limits.maxLayer}
	s.pools = make([]pool, len(pl.domains))
	for i := range s.pools {
		s.pools[i].domain = &pl.domains[i]
		s.pools[i].owned = s.cube.owns(o.part.number, pl.domains[i].vars)
	}
	s.matched = make([]int, len(pl.letters))
	s.pools[0].add(nil, instance{state: machine.StartState, dead: pl.over[machine.StartState]})
	if o.skew > 0 {
		s.pools[0].fuzzy = []*skew.Front{skew.NewFront()}
	}
}

func (s *store) letterOf(n uint32) *letter { return &s.letters[s.Fates[n].Letter] }

// lookup returns the instance of a domain with a key.
func (s *store) lookup(domain int, key []values.Symbol) cell {
	if domain == 0 {
		return 0
	}
	return s.pools[domain].lookup(key)
}

// binding returns an instance's values, by the variables' names.
func (s *store) binding(domain int, c cell) Binding {
	p := &s.pools[domain]
	values := p.key(c)
	if written := p.spelt[c]; written != nil {
		values = written
	}
	b := make(Binding, 0, len(values))
	for i, v := range p.list {
		b = append(b, event.Field{Name: s.Auto.Variables[v], Value: s.symbols.Value(values[i])})
	}
	sortBinding(b)
	return b
}

// unsettled returns the instances that must not end in their state.
func (s *store) unsettled() (all []hit) {
	timed := s.Timed()
	if !timed && !slices.Contains(s.Auto.AtEnd, true) {
		return nil
	}
	for d := range s.pools {
		for c, in := range s.pools[d].all {
			if in.unused || in.dead || in.state == props.ViolatedState {
				continue
			}
			if s.Auto.AtEnd[s.Base(in.state)] || timed && s.Configs.ViolatedInTime(in.state) {
				all = append(all, hit{domain: d, cell: cell(c)})
			}
		}
	}
	return all
}
