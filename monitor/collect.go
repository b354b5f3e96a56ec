package monitor

import (
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
)

// What is no longer needed is swept out when as much was added as was left
// the last time, so that memory is bounded by what is alive and the cost by
// what is added:
//
//   - notes and records of instances that are settled, if no live instance
//     contains them;
//   - symbols that no instance and no waiting event has;
//   - with a time to live, sources that were silent for longer.
//
// Numbers change and nothing else does: what stood before another still does.

// sweepAt is how many notes, symbols and sources there are when the next
// sweep is due.
type sweepAt struct{ notes, symbols, sources int }

func (m *engine) nextSweep(left int) int { return max(m.options.limits.firstSweep, 2*left) }

// collect sweeps if it is due. It is called between events.
func (m *engine) collect() {
	if n := m.trails.notes.n; n >= m.due.notes {
		m.due.notes = 3 * n
		if 4*m.liveNotes() < 3*n { // else there is little to sweep
			m.sweepTrails()
			m.due.notes = m.nextSweep(m.trails.notes.n)
		}
	}
	if n := len(m.symbols.Known); n >= m.due.symbols {
		m.due.symbols = 3 * n
		if live, kept := m.liveSymbols(); 4*kept < 3*n {
			m.sweepSymbols(live)
			m.due.symbols = m.nextSweep(kept)
		}
	}
	if len(m.stateful) > 0 {
		m.collectStateful()
	}
}

// liveNotes counts the notes that a sweep would keep. What several instances
// inherited is counted for each.
func (m *engine) liveNotes() (n int) {
	for i := range m.stores {
		s := &m.stores[i]
		s.forgetTrails()
		for d := range s.pools {
			p := &s.pools[d]
			for c := range p.all {
				n += m.trails.length(p.all[c].trail)
				for _, trail := range p.inherited[cell(c)] {
					n += m.trails.length(trail)
				}
			}
		}
	}
	return n
}

func (t *trails) length(trail uint32) (n int) {
	for ; trail != 0; trail = t.notes.at(trail).before {
		n++
	}
	return n
}

// sweepTrails keeps the notes that slices of live instances have, and the
// records that these and the verdicts have.
func (m *engine) sweepTrails() {
	old := m.trails
	m.trails = trails{}
	live := make([]bool, old.records.n)
	heirs := map[uint32]uint32{} // trails that several inherited
	forgetTrails(m.stores)
	for i := range m.stores {
		s := &m.stores[i]
		for d := range s.pools {
			p := &s.pools[d]
			for c := range p.all {
				p.all[c].trail = m.trails.adopt(&old, p.all[c].trail, live)
				for i, trail := range p.inherited[cell(c)] {
					p.inherited[cell(c)][i] = m.trails.adoptShared(&old, trail, live, heirs)
				}
			}
		}
		for _, v := range s.settled {
			if v.recorded() {
				live[v.record] = true
			}
		}
	}
	moved := m.trails.keepLive(&old, live, m.trails.texts.Keep)
	for i := range m.stores {
		for j := range m.stores[i].settled {
			if v := &m.stores[i].settled[j]; v.recorded() {
				v.record = moved[v.record]
			}
		}
	}
	m.moveTexts()
}

// keepLive takes the live records over, for the notes that are there already, and
// returns their new numbers.
func (t *trails) keepLive(old *trails, live []bool, keep func(string) string) (moved []uint32) {
	moved = make([]uint32, old.records.n)
	for n := range moved {
		if live[n] {
			r := *old.records.at(uint32(n))
			r.id = keep(r.id)
			moved[n] = t.keep(r, old.time(uint32(n)))
			if name, ok := old.types[uint32(n)]; ok {
				t.call(moved[n], keep(name))
			}
		}
	}
	for n := range t.notes.n {
		x := t.notes.at(uint32(n))
		x.record = moved[x.record]
	}
	if t.notes.n > 0 {
		*t.notes.at(0) = note{}
	}
	return moved
}

// recorded tells whether an event violates, no deadline.
func (v *verdict) recorded() bool { return v.why == "" && !v.passed.On() && !v.ended }

func forgetTrails(stores []store) {
	for i := range stores {
		stores[i].forgetTrails()
	}
}

// forgetTrails lets go of what only settled instances have. Where joins are
// not stored, one may still be born of parts that are dead.
func (s *store) forgetTrails() {
	if s.lazy {
		return
	}
	for i := range s.letters {
		l := &s.letters[i]
		p := &s.pools[l.domain]
		for c := range p.all {
			if in := &p.all[c]; in.dead && !in.unused && (in.trail != 0 || len(p.inherited) > 0) && !s.insideLive(l, cell(c)) {
				p.forgetTrail(cell(c))
			}
		}
	}
}

// insideLive tells whether a live instance contains the binding of an event.
// If none does, none will: it would continue one that is.
func (s *store) insideLive(l *letter, c cell) bool {
	for _, f := range l.larger {
		if s.pools[f.domain].group(f.index, s.pools[l.domain].key(c)) != none {
			return true
		}
	}
	return false
}

// adopt copies a trail, and marks its records.
func (t *trails) adopt(old *trails, trail uint32, live []bool) uint32 {
	if trail == 0 {
		return 0
	}
	if t.notes.n == 0 {
		t.notes.add(note{})
	}
	first := uint32(t.notes.n)
	for at := trail; at != 0; at = old.notes.at(at).before {
		n := *old.notes.at(at)
		live[n.record] = true
		n.before = uint32(t.notes.n + 1)
		t.notes.add(n)
	}
	t.notes.at(uint32(t.notes.n - 1)).before = 0
	return first
}

// adoptShared is adopt, for trails that several instances have.
func (t *trails) adoptShared(old *trails, trail uint32, live []bool, known map[uint32]uint32) uint32 {
	if _, ok := known[trail]; !ok {
		known[trail] = t.adopt(old, trail, live)
	}
	return known[trail]
}

// liveSymbols tells which values instances and waiting events have.
func (m *engine) liveSymbols() (live []bool, n int) {
	live = make([]bool, len(m.symbols.Known))
	mark := func(s values.Symbol) {
		if !live[s] {
			live[s] = true
			n++
		}
	}
	m.eachSymbol(func(all []values.Symbol) {
		for _, s := range all {
			mark(s &^ values.Spelt)
			mark(m.symbols.Canonical(s))
		}
	})
	return live, n
}

// sweepSymbols keeps the values that are live, and gives them new numbers.
func (m *engine) sweepSymbols(live []bool) {
	moved := m.symbols.Sweep(live)
	m.eachSymbol(func(all []values.Symbol) {
		for i, s := range all {
			all[i] = moved[s&^values.Spelt] | s&values.Spelt
		}
	})
	for i := range m.stores {
		for d := range m.stores[i].pools {
			m.stores[i].pools[d].rebuild()
		}
		if c := m.stores[i].Configs; c != nil {
			c.RebuildLetters()
			c.RebuildNumbers()
		}
	}
}

// eachSymbol visits all lists of symbols that are kept, each once.
func (m *engine) eachSymbol(visit func([]values.Symbol)) {
	for i := range m.stores {
		s := &m.stores[i]
		for d := range s.pools {
			p := &s.pools[d]
			for c := range p.all {
				if p.all[c].unused {
					continue
				}
				visit(p.key(cell(c)))
				if len(p.spelt) > 0 {
					visit(p.spelt[cell(c)])
				}
			}
		}
		for _, v := range s.settled {
			visit(v.key)
		}
		if s.Configs != nil {
			s.Configs.EachSymbol(visit)
		}
	}
	if m.held != nil {
		m.held.eachWaiting(visit)
	}
}

// rebuild makes the tables of a pool anew, after its keys changed.
func (p *pool) rebuild() {
	p.main = table{}
	for i := range p.index {
		p.index[i] = table{}
	}
	var room [8]values.Symbol
	for n := range p.all {
		c := cell(n)
		if p.all[c].unused {
			continue
		}
		p.enter(&p.main, nil, p.key(c), c)
		for i, x := range p.indexes {
			if !p.all[c].dead && p.links[n*len(p.indexes)+i].before == none {
				p.enter(&p.index[i], x.cols, p.columns(room[:0], c, x.cols), c)
			}
		}
	}
}

// forgetSilent forgets what a source did before it was silent for longer than
// the time to live: an event of its that is not late is later than all that.
func (s *Stream) forgetSilent(o *order.Origin[queued]) {
	if names := s.options.names(); names > 0 && o.Silent(s.watermark().Add(-names)) {
		*o = order.Origin[queued]{}
	}
}

// sweepSources drops the sources that are silent and that nothing speaks of.
func (s *Stream) sweepSources() {
	if s.options.names() == 0 || len(s.engine.sources.Names) < s.engine.due.sources {
		return
	}
	m := &s.engine
	m.sweepTrails()
	live := make([]bool, len(m.sources.Names))
	silent := s.watermark().Add(-s.options.names())
	for n := range live {
		live[n] = !s.events.Origin(int32(n)).Silent(silent)
	}
	s.visitSources(func(n int32) int32 { live[n] = true; return n })
	moved := make([]int32, len(live))
	was := m.sources.Names
	m.sources = order.Sources{}
	for n, name := range was {
		if live[n] {
			moved[n] = m.sources.Number(name)
		}
	}
	s.events.Keep(live)
	s.visitSources(func(n int32) int32 { return moved[n] })
	for _, plan := range m.stateful {
		m.stores[plan].Configs.RebuildNumbers()
	}
	m.due.sources = m.nextSweep(len(m.sources.Names))
}

// visitSources visits and replaces all numbers of sources that are kept.
func (s *Stream) visitSources(visit func(int32) int32) {
	m := &s.engine
	for n := range m.trails.records.n {
		r := m.trails.records.at(uint32(n))
		r.source = visit(r.source)
	}
	s.events.EachSource(visit)
	for i := range m.stores {
		if c := m.stores[i].Configs; c != nil {
			c.EachSource(visit)
		}
		for n := range m.stores[i].settled {
			if r := &m.stores[i].settled[n].passed; r.On() {
				r.Source = visit(r.Source)
			}
		}
		for d := range m.stores[i].pools {
			for _, f := range m.stores[i].pools[d].fuzzy {
				if f != nil {
					f.EachSource(visit)
				}
			}
		}
	}
}
