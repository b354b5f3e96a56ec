package machine

import (
	"encoding/binary"

	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// RebuildLetters makes the table of letters anew.
func (c *Configs) RebuildLetters() {
	c.fates = make(map[string]uint32, len(c.Reads))
	for n := range c.Reads {
		if _, _, both := c.Store.Parts(uint32(n)); !c.Reads[n].stamped && !both {
			r, f := &c.Reads[n], c.Store.Fates[n]
			c.buffer = append(letterKey(c.buffer[:0], f.Letter, f.Passed), r.values...)
			c.fates[string(c.buffer)] = uint32(n)
		}
	}
}

// RebuildNumbers makes the table of configurations anew.
func (c *Configs) RebuildNumbers() {
	c.numbers = make(map[Config]uint32, len(c.All)-len(c.free))
	for n, x := range c.All {
		if x.State != noState && !c.single(&x) {
			c.numbers[x] = uint32(n)
		}
	}
}

// EachSymbol visits and replaces what letters and registers hold. The tables
// must be made anew afterwards.
func (c *Configs) EachSymbol(visit func([]values.Symbol)) {
	for n := range c.Reads {
		c.Reads[n].values = c.visited(c.Reads[n].values, visit)
	}
	c.occurrences.eachSymbol(visit)
	for n := range c.All {
		x := &c.All[n]
		switch {
		case x.memory == "":
		case c.Store.Auto.Some != nil:
			x.memory = c.visitedValues(x.memory, visit)
		default:
			x.memory = c.visitedRegisters(x.memory, visit)
		}
	}
}

// visitedRegisters returns what registers hold as a visitor leaves it.
func (c *Configs) visitedRegisters(memory string, visit func([]values.Symbol)) string {
	var b []byte
	for i, r := range c.of.Registers {
		part := c.register(memory, i)
		from, to := c.valuesIn(&r, part)
		b = append(append(append(b, part[:from]...), c.visited(part[from:to], visit)...), part[to:]...)
	}
	if string(b) != memory {
		return string(b)
	}
	return memory
}

// valuesIn returns where in a register's part of a memory the values are;
// counters and windows have none.
func (c *Configs) valuesIn(r *props.Register, part string) (from, to int) {
	switch {
	case c.listed(r):
		return 4, 4 + 4*int(word(part))
	}
	switch r.Kind() {
	case props.SetRegister, props.StackRegister:
		return 4, len(part)
	case props.CounterRegister, props.WindowRegister:
		return len(part), len(part)
	}
	return 0, len(part)
}

// visited returns a list of symbols + 1, where 0 is none, as a visitor leaves
// it.
func (c *Configs) visited(items string, visit func([]values.Symbol)) string {
	var room [8]values.Symbol
	all := room[:0]
	for rest := items; len(rest) > 0; rest = rest[4:] {
		if n := word(rest); n > 0 {
			all = append(all, values.Symbol(n-1))
		}
	}
	if visit(all); len(all) == 0 {
		return items
	}
	b := c.buffer[:0]
	for rest := items; len(rest) > 0; rest = rest[4:] {
		n := uint32(0)
		if word(rest) > 0 {
			n, all = uint32(all[0])+1, all[1:]
		}
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	if c.buffer = b; string(b) == items {
		return items
	}
	return string(b)
}

// EachSource visits and replaces the sources of deadlines, those that run and
// those that letters may begin.
func (c *Configs) EachSource(visit func(int32) int32) {
	for n := range c.Reads {
		if r := &c.Reads[n]; r.stamped {
			r.stamp.Source = visit(r.stamp.Source)
		}
	}
	for n := range c.All {
		if r := &c.All[n].Running; r.On() {
			r.Source = visit(r.Source)
			if c.Several() {
				c.All[n].memory = c.visitedRunnings(c.All[n].memory, visit)
			}
		}
	}
	for n := range c.occurrences.all {
		o := &c.occurrences.all[n]
		o.Source = visit(o.Source)
	}
}

// KeepTexts keeps the ids of deadlines elsewhere: what they stood in is let go.
func (c *Configs) KeepTexts(keep func(string) string) {
	if !c.Timed {
		return
	}
	for n := range c.Reads {
		c.Reads[n].stamp.ID = keep(c.Reads[n].stamp.ID)
	}
	for n := range c.All {
		c.All[n].Running.ID = keep(c.All[n].Running.ID)
	}
	for n := range c.occurrences.all {
		c.occurrences.all[n].id = keep(c.occurrences.all[n].id)
	}
	c.RebuildNumbers()
}

// KeepLetters forgets the letters that are not live, and returns how the
// others are numbered anew.
func (c *Configs) KeepLetters(live []bool) (moved []uint32) {
	c.Store.keepParts(live)
	moved = make([]uint32, len(live))
	fates, reads := c.Store.Fates[:0], c.Reads[:0]
	for n := range live {
		if live[n] {
			moved[n] = uint32(len(reads))
			fates, reads = append(fates, c.Store.Fates[n]), append(reads, c.Reads[n])
		}
	}
	clear(c.Reads[len(reads):])
	c.Store.Fates, c.Reads = fates, reads
	c.Store.moveParts(live, moved)
	return moved
}
