package monitor

// What stateful properties hold is swept with the rest (collect.go): letters
// that no note, no event that waits and no front has; the symbols that
// registers and letters hold; deadlines that were called off.

// collectStateful sweeps what is due.
func (m *engine) collectStateful() {
	for _, plan := range m.stateful {
		if c := m.stores[plan].Configs; len(c.Reads) >= c.Due {
			m.sweepLetters(plan)
			// A sweep goes through the notes, so that it must be rare among them.
			c.Due = max(m.options.limits.firstLetters, 2*len(c.Reads), len(c.Reads)+m.trails.notes.n/2)
		}
	}
	if d := &m.deadlines; d.n >= d.due {
		m.sweepDeadlines()
	}
}

// sweepLetters forgets the letters that nothing has, and numbers the others
// anew.
func (m *engine) sweepLetters(plan int) {
	c := m.stores[plan].Configs
	live := make([]bool, len(c.Reads))
	m.eachLetter(plan, func(n uint32) uint32 { live[n] = true; return n })
	moved := c.KeepLetters(live)
	m.eachLetter(plan, func(n uint32) uint32 { return moved[n] })
	c.RebuildLetters()
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
			f.EachLetter(visit)
		}
	}
	if m.held != nil {
		m.held.eachWaitingLetter(plan, visit)
	}
}

// sweepConfigs forgets the configurations that no instance is in.
func (s *store) sweepConfigs() {
	s.Configs.Sweep(func(state func(uint32), set func(uint64)) {
		for d := range s.pools {
			p := &s.pools[d]
			for i := range p.all {
				state(p.all[i].state)
			}
			for _, f := range p.fuzzy {
				f.EachSet(set)
			}
		}
	})
}

// moveTexts keeps the ids of deadlines elsewhere: what they stood in is let
// go.
func (m *engine) moveTexts() {
	for _, plan := range m.stateful {
		m.stores[plan].Configs.KeepTexts(m.trails.texts.Keep)
	}
}
