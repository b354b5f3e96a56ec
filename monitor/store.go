package monitor

import (
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// store holds the instances of one property, and what was found out about
// its automaton as it went.
type store struct {
	*plan
	*machine
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

	judge *judge // with skew; else it is not used
}

func (s *store) start(pl *plan, o *settings, t *values.Table, from *order.Sources) {
	s.plan = pl
	if pl.automaton == nil {
		s.machine = &machine{}
		return
	}
	s.machine = newMachine(pl.automaton, pl.over, t, from, machineOptions{exact: o.skew == 0, covering: o.coverage, configs: o.limits.collectAt, letters: o.limits.firstLetters})
	s.judge = &judge{machine: s.machine, slideAt: o.limits.slideAt, maxLayer: o.limits.maxLayer}
	s.pools = make([]pool, len(pl.domains))
	for i := range s.pools {
		s.pools[i].domain = &pl.domains[i]
	}
	s.matched = make([]int, len(pl.letters))
	s.pools[0].add(nil, instance{state: startState, dead: pl.over[startState]})
	if o.skew > 0 {
		s.pools[0].fuzzy = []*front{newFront()}
	}
}

func (s *store) letterOf(n uint32) *letter { return &s.letters[s.fates[n].letter] }

// lookup returns the instance of a domain with a key.
func (s *store) lookup(domain int, key []values.Symbol) cell {
	if domain == 0 {
		return 0
	}
	return s.pools[domain].lookup(key)
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
		b = append(b, event.Field{Name: s.auto.Variables[v], Value: m.symbols.Value(values[i])})
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
