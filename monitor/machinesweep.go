package monitor

import (
	"encoding/binary"

	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// rebuildLetters makes the table of letters anew.
func (c *configs) rebuildLetters() {
	c.fates = make(map[string]uint32, len(c.reads))
	for n := range c.reads {
		if r := &c.reads[n]; !r.stamped {
			f := c.store.fates[n]
			c.buffer = append(letterKey(c.buffer[:0], f.letter, f.passed), r.values...)
			c.fates[string(c.buffer)] = uint32(n)
		}
	}
}

// rebuildNumbers makes the table of configurations anew.
func (c *configs) rebuildNumbers() {
	c.numbers = make(map[config]uint32, len(c.all)-len(c.free))
	for n, x := range c.all {
		if x.state != noState && !c.single(&x) {
			c.numbers[x] = uint32(n)
		}
	}
}

// eachSymbol visits and replaces what letters and registers hold. The tables
// must be made anew afterwards.
func (c *configs) eachSymbol(visit func([]values.Symbol)) {
	for n := range c.reads {
		c.reads[n].values = c.visited(c.reads[n].values, visit)
	}
	for n := range c.all {
		x := &c.all[n]
		if x.memory == "" {
			continue
		}
		var b []byte
		for i, r := range c.store.auto.Registers {
			part := c.register(x.memory, i)
			from := valuesFrom(r.Kind())
			b = append(append(b, part[:from]...), c.visited(part[from:], visit)...)
		}
		if string(b) != x.memory {
			x.memory = string(b)
		}
	}
}

// valuesFrom returns where in a register's part of a memory the values are;
// a counter has none.
func valuesFrom(kind props.RegisterKind) int {
	return map[props.RegisterKind]int{props.SetRegister: 4, props.CounterRegister: 8}[kind]
}

// visited returns a list of symbols + 1, where 0 is none, as a visitor leaves
// it.
func (c *configs) visited(items string, visit func([]values.Symbol)) string {
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

// eachSource visits and replaces the sources of deadlines, those that run and
// those that letters may begin.
func (c *configs) eachSource(visit func(int32) int32) {
	for n := range c.reads {
		if r := &c.reads[n]; r.stamped {
			r.stamp.source = visit(r.stamp.source)
		}
	}
	for n := range c.all {
		if r := &c.all[n].running; r.on() {
			r.source = visit(r.source)
		}
	}
}

// keepTexts keeps the ids of deadlines elsewhere: what they stood in is let go.
func (c *configs) keepTexts(keep func(string) string) {
	if !c.timed {
		return
	}
	for n := range c.reads {
		c.reads[n].stamp.id = keep(c.reads[n].stamp.id)
	}
	for n := range c.all {
		c.all[n].running.id = keep(c.all[n].running.id)
	}
	c.rebuildNumbers()
}

// keepLetters forgets the letters that are not live, and returns how the
// others are numbered anew.
func (c *configs) keepLetters(live []bool) (moved []uint32) {
	moved = make([]uint32, len(live))
	fates, reads := c.store.fates[:0], c.reads[:0]
	for n := range live {
		if live[n] {
			moved[n] = uint32(len(reads))
			fates, reads = append(fates, c.store.fates[n]), append(reads, c.reads[n])
		}
	}
	clear(c.reads[len(reads):])
	c.store.fates, c.reads = fates, reads
	return moved
}
