package monitor

import (
	"encoding/binary"

	"github.com/wtsim/wtsim/props"
)

// What stateful properties hold is swept with the rest (collect.go): letters
// that no note, no event that waits and no front has; the symbols that
// registers and letters hold; deadlines that were called off.

// collectStateful sweeps what is due.
func (m *engine) collectStateful() {
	for _, plan := range m.stateful {
		if c := m.stores[plan].configs; len(c.reads) >= c.due {
			m.sweepLetters(plan)
			// A sweep goes through the notes, so that it must be rare among them.
			c.due = max(m.options.limits.firstLetters, 2*len(c.reads), len(c.reads)+m.trails.notes.n/2)
		}
	}
	if d := &m.deadlines; d.n >= d.due {
		m.sweepDeadlines()
	}
}

// sweepLetters forgets the letters that nothing has, and numbers the others
// anew.
func (m *engine) sweepLetters(plan int) {
	s := &m.stores[plan]
	c := s.configs
	live := make([]bool, len(c.reads))
	m.eachLetter(plan, func(n uint32) uint32 { live[n] = true; return n })
	moved := make([]uint32, len(live))
	fates, reads := s.fates[:0], c.reads[:0]
	for n := range live {
		if live[n] {
			moved[n] = uint32(len(reads))
			fates, reads = append(fates, s.fates[n]), append(reads, c.reads[n])
		}
	}
	clear(c.reads[len(reads):])
	s.fates, c.reads = fates, reads
	m.eachLetter(plan, func(n uint32) uint32 { return moved[n] })
	c.rebuildLetters()
}

// eachLetter visits and replaces all letters of a property that are kept, each
// once.
func (m *engine) eachLetter(plan int, visit func(uint32) uint32) {
	s := &m.stores[plan]
	seen := make([]bool, m.trails.notes.n)
	follow := func(trail uint32) {
		for at := trail; at != 0 && !seen[at]; {
			n := m.trails.notes.at(at)
			seen[at] = true
			n.letter, at = visit(n.letter), n.before
		}
	}
	for d := range s.pools {
		p := &s.pools[d]
		for c := range p.all {
			follow(p.all[c].trail)
			for _, trail := range p.inherited[cell(c)] {
				follow(trail)
			}
		}
		for _, f := range p.fuzzy {
			f.eachLetter(visit)
		}
	}
	if m.waitingLetters != nil {
		m.waitingLetters(plan, visit)
	}
}

func (f *front) eachLetter(visit func(uint32) uint32) {
	if f == nil {
		return
	}
	for i := range f.waiting {
		f.waiting[i].letter = visit(f.waiting[i].letter)
	}
	f.eachGroup(func(name *groupName) {
		if !name.chain {
			name.of = int64(visit(uint32(name.of)))
		}
	})
}

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
func (c *configs) eachSymbol(visit func([]symbol)) {
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
func (c *configs) visited(items string, visit func([]symbol)) string {
	var room [8]symbol
	all := room[:0]
	for rest := items; len(rest) > 0; rest = rest[4:] {
		if n := word(rest); n > 0 {
			all = append(all, symbol(n-1))
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
	for i := range c.store.settled {
		if r := &c.store.settled[i].passed; r.on() {
			r.source = visit(r.source)
		}
	}
}

// moveTexts keeps the ids of deadlines elsewhere: what they stood in is let
// go.
func (m *engine) moveTexts() {
	for _, plan := range m.stateful {
		c := m.stores[plan].configs
		if !c.timed {
			continue
		}
		for n := range c.reads {
			c.reads[n].stamp.id = m.trails.texts.keep(c.reads[n].stamp.id)
		}
		for n := range c.all {
			c.all[n].running.id = m.trails.texts.keep(c.all[n].running.id)
		}
		c.rebuildNumbers()
	}
}
