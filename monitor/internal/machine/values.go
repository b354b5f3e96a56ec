package machine

import (
	"encoding/binary"
	"slices"

	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/props"
)

// Of a property that some value of a variable must do for (props.Some), the
// memory is the state that each value is in: how many values there are, they
// themselves as symbols + 1, ascending, the state of all others, and theirs.
// What is in the state of all others is one of them, since nothing tells it from
// them any more; so a memory is the same whenever it says the same.

// noValues appends the memory in which no event has named a value.
func noValues(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, 0), StartState)
}

// changeValues is change.
func (c *Configs) changeValues(x *Config, f fate, read string) (changed bool) {
	if x.State < StartState {
		return false
	}
	names, states := valuesOf(x.memory)
	some, t := c.Store.Auto.Some, &c.Store.Auto.Events[f.Letter]
	moved := func(state int) int {
		to := some.Next(f.Letter, f.Passed, state)
		if to == props.ViolatedState && some.EachTime {
			return state
		}
		return to
	}
	switch lost := func(state int) bool { return some.Next(f.Letter, f.Passed, state) != props.ViolatedState }; {
	case t.Some != nil:
		i, known := slices.BinarySearch(names, word(read))
		if !known {
			names, states = slices.Insert(names, i, word(read)), slices.Insert(states, i+1, states[0])
		}
		states[i+1] = moved(states[i+1])
	case some.EachTime && !slices.ContainsFunc(states, lost):
		x.State = props.ViolatedState
		return true
	default:
		for i := range states {
			states[i] = moved(states[i])
		}
	}
	memory := c.statesIn(names, states)
	state := uint16(some.Judge(states))
	changed = memory != x.memory || state != x.State
	x.memory, x.State = memory, state
	return changed
}

// valuesOf reads a memory: the values, and the states of all others and of them.
func valuesOf(memory string) (names []uint32, states []int) {
	n := int(word(memory))
	for i := range n {
		names = append(names, word(memory[4+4*i:]))
	}
	for rest := memory[4+4*n:]; len(rest) > 0; rest = rest[4:] {
		states = append(states, int(word(rest)))
	}
	return names, states
}

// statesIn writes a memory.
func (c *Configs) statesIn(names []uint32, states []int) string {
	b := binary.LittleEndian.AppendUint32(c.buffer[:0], 0)
	apart := func(i int) bool { return states[i+1] != states[0] }
	for i, name := range names {
		if apart(i) {
			b = binary.LittleEndian.AppendUint32(b, name)
		}
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)/4-1))
	b = binary.LittleEndian.AppendUint32(b, uint32(states[0]))
	for i := range names {
		if apart(i) {
			b = binary.LittleEndian.AppendUint32(b, uint32(states[i+1]))
		}
	}
	c.buffer = b
	return string(b)
}

// compareValues compares two memories by what they say.
func (c *Configs) compareValues(a, b string) int {
	said := func(memory string) (all []string) {
		names, states := valuesOf(memory)
		for i, n := range names {
			v, _ := c.view.value(n)
			all = append(all, v.Key()+string(rune(states[i+1])))
		}
		slices.Sort(all)
		return append(all, string(rune(states[0])))
	}
	return slices.Compare(said(a), said(b))
}

// decodeStates checks the states of values.
func (c *Configs) decodeStates(d *codec.Decoder, part string) {
	names, states := valuesOf(part)
	known := len(c.Store.Auto.Some.States())
	if !slices.IsSorted(names) || slices.ContainsFunc(states, func(s int) bool { return s >= known }) {
		d.Fail("a value is in no state")
	}
}
