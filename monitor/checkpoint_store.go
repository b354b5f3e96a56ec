package monitor

import (
	"time"

	"github.com/wtsim/wtsim/event"
)

// encode writes the instances of a property, and what was found out about its
// letters.
func (s *store) encode(e *encoder) {
	for _, n := range s.numbers() {
		e.int(int64(*n))
	}
	for _, n := range s.matched {
		e.count(n)
	}
	s.encodeLetters(e)
	e.count(len(s.taken))
	for _, t := range s.taken {
		e.bool(t)
	}
	e.count(len(s.functions))
	for _, f := range s.functions {
		for _, to := range f {
			e.count(int(to))
		}
	}
	for d := range s.pools {
		s.pools[d].encode(e, s)
	}
	s.encodeAges(e)
	e.count(len(s.settled))
	for i := range s.settled {
		s.settled[i].encode(e)
		if s.timed() {
			s.settled[i].passed.encode(e)
		}
	}
}

func (s *store) encodeLetters(e *encoder) {
	if s.configs != nil {
		s.configs.encode(e)
		return
	}
	e.count(len(s.fates))
	for _, f := range s.fates {
		e.count(f.letter)
		e.uint(f.passed)
	}
}

func (s *store) decodeLetters(d *decoder, m *engine) {
	if s.configs != nil {
		s.configs.decode(d, m)
		return
	}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		known := len(s.fates)
		if got := s.letter(d.below(len(s.letters), "an event type"), d.uint()); int(got) < known {
			d.fail("a letter occurs twice")
		}
	}
}

// numbers are the counts of a store.
func (s *store) numbers() []*int {
	return []*int{&s.live, &s.created, &s.malformed, &s.late, &s.expired, &s.settledCount, &s.rootExpired}
}

func (s *store) decode(d *decoder, m *engine) {
	for _, n := range s.numbers() {
		*n = int(d.int())
	}
	for i := range s.matched {
		s.matched[i] = d.count()
	}
	s.decodeLetters(d, m)
	for n := d.below(s.transitions()+1, "the number of transitions"); n > 0 && d.err == nil; n-- {
		s.taken = append(s.taken, d.bool())
	}
	s.functions = nil
	for n := d.below(1<<16, "the number of functions"); n > 0 && d.err == nil; n-- {
		f := make([]uint16, len(s.dead))
		for i := range f {
			f[i] = uint16(d.below(len(s.dead), "a state"))
		}
		s.functions = append(s.functions, f)
	}
	for i := range s.pools {
		s.pools[i].decode(d, s, m)
	}
	s.decodeAges(d)
	for n := d.count(); n > 0 && d.err == nil; n-- {
		s.settled = append(s.settled, decodeVerdict(d, s, m))
	}
}

// encodeAges writes the chain, the oldest first; the end is no instance.
func (s *store) encodeAges(e *encoder) {
	for r := s.ages.oldest; r.cell != 0; r = s.age(r).next {
		e.count(int(r.cell))
		e.count(int(r.domain))
		s.age(r).last.encode(e)
	}
	e.count(0)
}

func (s *store) decodeAges(d *decoder) {
	for {
		c := d.below(1<<32, "an instance")
		if c == 0 || d.err != nil {
			return
		}
		r := ref{int32(d.below(len(s.pools), "a combination of variables")), cell(c)}
		p := &s.pools[r.domain]
		switch {
		case c > len(p.all) || p.all[c-1].unused:
			d.fail("there is no such instance")
		case s.chained(r):
			d.fail("an instance has two ages")
		default:
			s.append(r, decodeInstant(d))
		}
	}
}

// encode writes the instances of a domain.
func (p *pool) encode(e *encoder, s *store) {
	e.count(len(p.all))
	for c, in := range p.all {
		e.bool(in.unused)
		if in.unused {
			continue
		}
		e.bool(in.dead)
		e.count(int(in.state))
		e.count(int(in.function))
		e.count(int(in.trail))
		encodeSymbols(e, p.key(cell(c)))
		written, ok := p.spelt[cell(c)]
		if e.bool(ok); ok {
			encodeSymbols(e, written)
		}
		e.count(len(p.inherited[cell(c)]))
		for _, trail := range p.inherited[cell(c)] {
			e.count(int(trail))
		}
	}
	e.count(len(p.fuzzy))
	for _, f := range p.fuzzy {
		f.encode(e, s)
	}
}

// decodeState reads a state, or the number of a configuration.
func (s *store) decodeState(d *decoder) uint32 {
	if s.configs != nil {
		return s.configs.decodeNumber(d)
	}
	return uint32(d.below(len(s.dead), "a state"))
}

// decodeStates reads a set of states.
func (s *store) decodeStates(d *decoder) uint64 {
	if s.configs != nil {
		return s.configs.decodeSetNumber(d)
	}
	return d.bits() & (1<<len(s.dead) - 1)
}

// decode leaves the tables to relink.
func (p *pool) decode(d *decoder, s *store, m *engine) {
	p.all, p.keys, p.links, p.index = nil, nil, nil, nil
	n := d.count()
	if p.domain == &s.domains[0] && n != 1 {
		d.fail("there is one empty binding")
	}
	for c := range n {
		if d.err != nil {
			return
		}
		p.decodeInstance(d, s, m, cell(c))
	}
	p.fuzzy = nil
	for n := d.below(len(p.all)+1, "the number of fronts"); n > 0 && d.err == nil; n-- {
		p.fuzzy = append(p.fuzzy, decodeFront(d, s, m))
	}
	if m.options.skew == 0 || d.err != nil {
		return
	}
	p.fuzzy = append(p.fuzzy, make([]*front, len(p.all)-len(p.fuzzy))...)
	for c, f := range p.fuzzy {
		if f == nil && !p.all[c].dead && !p.all[c].unused {
			d.fail("an instance has no front")
		}
	}
}

func (p *pool) decodeInstance(d *decoder, s *store, m *engine, c cell) {
	in := instance{unused: d.bool()}
	key := make([]symbol, len(p.list))
	if in.unused {
		p.free = append(p.free, c)
	} else {
		in.dead = d.bool()
		in.state = s.decodeState(d)
		in.function = uint16(d.below(len(s.functions), "a function"))
		in.trail = decodeTrail(d, m, s)
		copy(key, decodeKey(d, &m.symbols, len(p.list)))
		if d.bool() {
			if p.spelt == nil {
				p.spelt = make(map[cell][]symbol)
			}
			p.spelt[c] = decodeSymbols(d, &m.symbols, len(p.list))
		}
		for n := d.count(); n > 0 && d.err == nil; n-- {
			p.inherit(c, decodeTrail(d, m, s))
		}
	}
	p.all = append(p.all, in)
	p.keys = append(p.keys, key...)
}

// trail reads a trail, all of whose letters are the property's.
func decodeTrail(d *decoder, m *engine, s *store) uint32 {
	trail := uint32(d.below(max(1, m.trails.notes.n), "a note"))
	for at := trail; at != 0; at = m.trails.notes.at(at).before {
		if int(m.trails.notes.at(at).letter) >= len(s.fates) {
			d.fail("there is no such letter")
			return 0
		}
	}
	return trail
}

// relink makes the tables of all pools.
func (s *store) relink() {
	for i := range s.pools {
		p := &s.pools[i]
		p.links = make([]link, len(p.all)*len(p.indexes))
		for n := range p.links {
			p.links[n] = link{none, none}
		}
		p.main, p.index = table{}, nil
		for c := range p.all {
			if p.all[c].unused {
				continue
			}
			p.enter(&p.main, nil, p.key(cell(c)), cell(c))
			if !p.all[c].dead {
				p.link(cell(c))
			}
		}
	}
}

func (f *front) encode(e *encoder, s *store) {
	e.bool(f != nil)
	if f == nil {
		return
	}
	e.bool(f.undecided)
	f.last.encode(e)
	e.bits(f.states)
	e.count(len(f.waiting))
	for _, w := range f.waiting {
		w.at.encode(e)
		e.count(int(w.letter))
		e.count(int(w.source))
		e.bool(w.chained)
		e.bool(w.done)
	}
	if s.timed() {
		e.count(len(f.armed))
		for _, n := range f.armed {
			e.count(int(n))
		}
	}
	e.bool(f.layer != nil)
	if f.layer == nil {
		return
	}
	e.count(len(f.layer.names))
	for _, name := range f.layer.names {
		e.bool(name.chain)
		e.uint(uint64(name.of))
	}
	e.count(len(f.layer.states))
	for d, states := range f.layer.states {
		e.bits(states)
		for _, n := range f.layer.counts[d*len(f.layer.names):][:len(f.layer.names)] {
			e.count(int(n))
		}
	}
}

func decodeFront(d *decoder, s *store, m *engine) *front {
	if !d.bool() {
		return nil
	}
	f := &front{undecided: d.bool(), last: decodeInstant(d), states: s.decodeStates(d)}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		f.waiting = append(f.waiting, pending{decodeInstant(d), uint32(d.below(len(s.fates), "a letter")),
			int32(d.below(len(m.sources.names), "a source")), d.bool(), d.bool()})
	}
	if s.timed() {
		for n := d.below(len(m.sources.names)+1, "the number of sources"); n > 0 && d.err == nil; n-- {
			f.armed = append(f.armed, int32(d.below(len(m.sources.names), "a source")))
		}
	}
	if !d.bool() {
		return f
	}
	l := &layer{}
	for n := d.below(1<<16, "the number of groups"); n > 0 && d.err == nil; n-- {
		name := groupName{chain: d.bool()}
		if name.chain {
			name.of = int64(d.below(len(m.sources.names), "a source"))
		} else {
			name.of = int64(d.below(len(s.fates), "a letter"))
		}
		l.names = append(l.names, name)
	}
	for n := d.below(s.limits.maxLayer+1, "the number of down-sets"); n > 0 && d.err == nil; n-- {
		l.states = append(l.states, s.decodeStates(d))
		for range l.names {
			l.counts = append(l.counts, uint16(d.below(len(f.waiting)+1, "a count of events")))
		}
	}
	f.layer = l
	return f
}

// encode writes a verdict that is told at the end.
func (v *verdict) encode(e *encoder) {
	e.count(v.domain)
	encodeSymbols(e, v.key)
	v.at.encode(e)
	e.count(int(v.record))
	e.text(v.why)
	encodeViolation(e, &v.violation)
}

func decodeVerdict(d *decoder, s *store, m *engine) verdict {
	v := verdict{domain: d.below(len(s.domains), "a combination of variables")}
	v.key = decodeKey(d, &m.symbols, len(s.domains[v.domain].list))
	v.at = decodeInstant(d)
	v.record = uint32(d.below(max(1, m.trails.records.n), "a record"))
	v.why = d.text()
	v.violation = decodeViolation(d)
	if s.timed() {
		v.passed = decodeRunning(d, m)
	}
	v.violation.Property = s.property.Name()
	return v
}

func encodeViolation(e *encoder, v *Violation) {
	e.text(string(v.Certainty))
	e.count(len(v.Binding))
	for _, f := range v.Binding {
		e.text(f.Name)
		encodeValue(e, f.Value)
	}
	e.bool(!v.AtQuiescence())
	if !v.AtQuiescence() {
		e.text(v.Event.ID)
		e.text(v.Event.Source)
		e.text(v.Event.Type)
		instantOf(v.Event.Time).encode(e)
	}
	encodeSteps(e, v.Witness)
	encodeSteps(e, v.Counter)
	e.int(int64(v.Flips.At))
	e.text(string(v.Flips.To))
}

func decodeViolation(d *decoder) (v Violation) {
	v.Certainty = Certainty(d.text())
	for n := d.count(); n > 0 && d.err == nil; n-- {
		v.Binding = append(v.Binding, event.Field{Name: d.text(), Value: decodeValue(d)})
	}
	if d.bool() {
		v.Event.ID, v.Event.Source, v.Event.Type = d.text(), d.text(), d.text()
		v.Event.Time = decodeInstant(d).time()
	}
	v.Witness, v.Counter = decodeSteps(d), decodeSteps(d)
	v.Flips = Flip{time.Duration(d.int()), Outcome(d.text())}
	return v
}

func encodeSteps(e *encoder, all []WitnessEvent) {
	e.count(len(all))
	for _, s := range all {
		for _, text := range []string{s.Source, s.ID, s.Type, s.To} {
			e.text(text)
		}
	}
}

func decodeSteps(d *decoder) (all []WitnessEvent) {
	for n := d.count(); n > 0 && d.err == nil; n-- {
		all = append(all, WitnessEvent{d.text(), d.text(), d.text(), d.text()})
	}
	return all
}
