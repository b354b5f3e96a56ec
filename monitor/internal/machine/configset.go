package machine

import (
	"encoding/binary"
	"slices"

	"github.com/wtsim/wtsim/props"
)

// configSets numbers sets of configurations, for fronts. The numbers below 8
// are the sets of the automaton's first three states, as bits.
type configSets struct {
	All   [][]uint32 // sorted
	byKey map[string]uint64
	free  []uint64
	key   []byte
	limit int
	least int // of the limit
}

// firstSets is how many sets have a fixed number.
const firstSets = 1 << (StartState + 1)

func newConfigSets(least int) configSets {
	t := configSets{byKey: map[string]uint64{}, limit: least, least: least}
	for bits := range uint32(firstSets) {
		var members []uint32
		for state := range uint32(StartState + 1) {
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
	n := uint64(len(t.All))
	if last := len(t.free) - 1; last >= 0 {
		n = t.free[last]
		t.free = t.free[:last]
		t.All[n] = slices.Clone(members)
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
	t.byKey[string(b)] = uint64(len(t.All))
	t.All = append(t.All, slices.Clone(members))
}

// Of returns the number of a set in any order, repetitions included.
func (t *configSets) Of(members []uint32) uint64 {
	slices.Sort(members)
	return t.number(slices.Compact(members))
}

// Union returns what is in one of two sets.
func (c *Configs) Union(a, b uint64) uint64 {
	switch {
	case a == b || b == 0:
		return a
	case a == 0:
		return b
	}
	return c.Sets.Of(slices.Concat(c.Sets.All[a], c.Sets.All[b]))
}

// MayBeViolated tells whether a set of states holds the violated one.
func (s *Machine) MayBeViolated(states uint64) bool {
	if s.Configs == nil {
		return states&(1<<props.ViolatedState) != 0
	}
	return slices.Contains(s.Configs.Sets.All[states], props.ViolatedState)
}

// AllDead tells whether nothing can change any more.
func (s *Machine) AllDead(states uint64) bool {
	if s.Configs == nil {
		return states&^s.deadSet() == 0
	}
	return !slices.ContainsFunc(s.Configs.Sets.All[states], func(n uint32) bool { return !s.IsDead(n) })
}

// Full tells whether it is time to sweep. What that costs is spread over as
// many new configurations as there were used ones.
func (c *Configs) Full() bool {
	return c.fullOfWindows() || len(c.All)-len(c.free) >= c.limit || len(c.Sets.All)-len(c.Sets.free) >= c.Sets.limit
}

// Sweep forgets configurations and sets that are not marked as used. It must
// not be called while numbers are held elsewhere.
func (c *Configs) Sweep(mark func(state func(uint32), set func(uint64))) {
	sets := make([]bool, len(c.Sets.All))
	used := make([]bool, len(c.All))
	for i := range StartState + 1 {
		used[i] = true
	}
	for i := range firstSets {
		sets[i] = true
	}
	mark(func(n uint32) { used[n] = true }, func(n uint64) { sets[n] = true })
	c.Sets.sweep(sets, used)
	for n := range c.All {
		x := &c.All[n]
		if used[n] || x.State == noState {
			continue
		}
		if single := c.single(x); single || c.numbers[*x] == uint32(n) {
			if !single {
				delete(c.numbers, *x)
			}
			*x = Config{State: noState}
			c.free = append(c.free, uint32(n))
		}
	}
	c.limit = max(c.Sets.least, 2*(len(c.All)-len(c.free)))
	if c.fullOfWindows() {
		c.sweepWindows()
	}
}

// sweep forgets sets, and marks what the others hold.
func (t *configSets) sweep(sets, used []bool) {
	for n, members := range t.All {
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
		t.All[n], t.free = nil, append(t.free, uint64(n))
	}
	t.limit = max(t.least, 2*(len(t.All)-len(t.free)))
}
