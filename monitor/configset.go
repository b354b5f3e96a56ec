package monitor

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/wtsim/wtsim/props"
)

// configSets numbers sets of configurations, for fronts. The numbers below 8
// are the sets of the automaton's first three states, as bits.
type configSets struct {
	all   [][]uint32 // sorted
	byKey map[string]uint64
	free  []uint64
	key   []byte
	limit int
	least int // of the limit
}

// firstSets is how many sets have a fixed number.
const firstSets = 1 << (startState + 1)

func newConfigSets(least int) configSets {
	t := configSets{byKey: map[string]uint64{}, limit: least, least: least}
	for bits := range uint32(firstSets) {
		var members []uint32
		for state := range uint32(startState + 1) {
			if bits&(1<<state) != 0 {
				members = append(members, state)
			}
		}
		t.number(members)
	}
	return t
}

// number returns the number of a sorted set, which it keeps if it is new.
func (t *configSets) number(members []uint32) uint64 {
	b := t.key[:0]
	for _, m := range members {
		b = binary.LittleEndian.AppendUint32(b, m)
	}
	t.key = b
	if n, ok := t.byKey[string(b)]; ok {
		return n
	}
	n := uint64(len(t.all))
	if last := len(t.free) - 1; last >= 0 {
		n = t.free[last]
		t.free = t.free[:last]
		t.all[n] = slices.Clone(members)
		t.byKey[string(b)] = n
		return n
	}
	t.add(members)
	return n
}

// add gives a set the next number.
func (t *configSets) add(members []uint32) {
	b := t.key[:0]
	for _, m := range members {
		b = binary.LittleEndian.AppendUint32(b, m)
	}
	t.key = b
	t.byKey[string(b)] = uint64(len(t.all))
	t.all = append(t.all, slices.Clone(members))
}

// of returns the number of a set in any order, repetitions included.
func (t *configSets) of(members []uint32) uint64 {
	slices.Sort(members)
	return t.number(slices.Compact(members))
}

// union returns what is in one of two sets.
func (c *configs) union(a, b uint64) uint64 {
	switch {
	case a == b || b == 0:
		return a
	case a == 0:
		return b
	}
	return c.sets.of(slices.Concat(c.sets.all[a], c.sets.all[b]))
}

// spread returns where an event leads from a set. Configurations whose
// deadline certainly precedes the event are not among those that it finds:
// there the deadline has passed before, see closed.
func (c *configs) spread(set uint64, e *pending, skew time.Duration) uint64 {
	var to []uint32
	for _, from := range c.sets.all[set] {
		if r := &c.all[from].running; r.on() && r.precedes(e, skew) {
			continue
		}
		to = append(to, c.move(e.letter, from))
	}
	return c.sets.of(to)
}

// mayBeViolated tells whether a set of states holds the violated one.
func (s *store) mayBeViolated(states uint64) bool {
	if s.configs == nil {
		return states&(1<<props.ViolatedState) != 0
	}
	return slices.Contains(s.configs.sets.all[states], props.ViolatedState)
}

// allDead tells whether nothing can change any more.
func (s *store) allDead(states uint64) bool {
	if s.configs == nil {
		return states&^s.deadStates() == 0
	}
	return !slices.ContainsFunc(s.configs.sets.all[states], func(n uint32) bool { return !s.isDead(n) })
}

// collect forgets configurations and sets that no instance is in. It must not
// be called while numbers are held elsewhere. What it costs is spread over as
// many new configurations as there were used ones.
func (c *configs) collect() {
	if len(c.all)-len(c.free) >= c.limit || len(c.sets.all)-len(c.sets.free) >= c.sets.limit {
		c.sweep()
	}
}

func (c *configs) sweep() {
	sets := make([]bool, len(c.sets.all))
	used := make([]bool, len(c.all))
	for i := range startState + 1 {
		used[i] = true
	}
	for i := range firstSets {
		sets[i] = true
	}
	for d := range c.store.pools {
		p := &c.store.pools[d]
		for i := range p.all {
			used[p.all[i].state] = true
		}
		for _, f := range p.fuzzy {
			f.mark(sets)
		}
	}
	c.sets.sweep(sets, used)
	for n := range c.all {
		x := &c.all[n]
		if used[n] || x.state == noState {
			continue
		}
		if single := c.single(x); single || c.numbers[*x] == uint32(n) {
			if !single {
				delete(c.numbers, *x)
			}
			*x = config{state: noState}
			c.free = append(c.free, uint32(n))
		}
	}
	c.limit = max(c.sets.least, 2*(len(c.all)-len(c.free)))
}

func (f *front) mark(sets []bool) {
	if f == nil {
		return
	}
	sets[f.states] = true
	if f.layer != nil {
		for _, set := range f.layer.states {
			sets[set] = true
		}
	}
}

// sweep forgets sets, and marks what the others hold.
func (t *configSets) sweep(sets, used []bool) {
	for n, members := range t.all {
		if sets[n] {
			for _, m := range members {
				used[m] = true
			}
			continue
		}
		if members == nil {
			continue
		}
		b := t.key[:0]
		for _, m := range members {
			b = binary.LittleEndian.AppendUint32(b, m)
		}
		delete(t.byKey, string(b))
		t.all[n], t.free = nil, append(t.free, uint64(n))
	}
	t.limit = max(t.least, 2*(len(t.all)-len(t.free)))
}
