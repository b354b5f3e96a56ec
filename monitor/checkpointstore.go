package monitor

import (
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/skew"
	"github.com/wtsim/wtsim/monitor/internal/values"
)

// encode writes the instances of a property, and what was found out about its
// letters.
func (s *store) encode(e *codec.Encoder, beside *takenDown) {
	for _, n := range s.numbers() {
		e.Int(int64(*n))
	}
	for _, n := range s.matched {
		e.Count(n)
	}
	s.encodeLetters(e)
	e.Count(len(s.Taken))
	for _, t := range s.Taken {
		e.Bool(t)
	}
	e.Count(len(s.Functions))
	for _, f := range s.Functions {
		for _, to := range f {
			e.Count(int(to))
		}
	}
	for d := range s.pools {
		s.pools[d].encode(e, s, beside)
	}
	s.encodeAges(e)
	s.lost.encode(e)
	e.Count(len(s.settled))
	for i := range s.settled {
		s.settled[i].encode(e)
		if s.Timed() {
			s.settled[i].passed.Encode(e)
		}
	}
}

func (s *store) encodeLetters(e *codec.Encoder) {
	if s.Configs != nil {
		s.Configs.Encode(e)
		return
	}
	e.Count(len(s.Fates))
	for n, f := range s.Fates {
		first, second, both := s.Parts(uint32(n))
		if e.Bool(both); both {
			e.Count(int(first))
			e.Count(int(second))
			continue
		}
		e.Count(f.Letter)
		e.Uint(f.Passed)
	}
}

func (s *store) decodeLetters(d *codec.Decoder, m *engine) {
	if s.Configs != nil {
		s.Configs.Decode(d, &m.trails.texts)
		return
	}
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		known, got := len(s.Fates), uint32(0)
		if d.Bool() && known > 0 {
			got = s.Both(uint32(d.Below(known, "a letter")), uint32(d.Below(known, "a letter")))
		} else {
			got = s.Letter(d.Below(len(s.letters), "an event type"), d.Uint())
		}
		if int(got) < known {
			d.Fail("a letter occurs twice")
		}
	}
}

// numbers are the counts of a store.
func (s *store) numbers() []*int {
	return []*int{&s.live, &s.created, &s.malformed, &s.late, &s.expired, &s.settledCount, &s.rootExpired, &s.seen}
}

func (s *store) decode(d *codec.Decoder, m *engine) {
	for _, n := range s.numbers() {
		*n = int(d.Int())
	}
	for i := range s.matched {
		s.matched[i] = d.Count()
	}
	s.decodeLetters(d, m)
	for n := d.Below(s.Transitions()+1, "the number of transitions"); n > 0 && d.Err == nil; n-- {
		s.Taken = append(s.Taken, d.Bool())
	}
	s.Functions = nil
	for n := d.Below(1<<16, "the number of functions"); n > 0 && d.Err == nil; n-- {
		f := make([]uint16, len(s.Dead))
		for i := range f {
			f[i] = uint16(d.Below(len(s.Dead), "a state"))
		}
		s.Functions = append(s.Functions, f)
	}
	for i := range s.pools {
		s.pools[i].decode(d, s, m)
	}
	s.decodeAges(d)
	s.lost.decode(d)
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		s.settled = append(s.settled, decodeVerdict(d, s, m))
	}
}

// encodeAges writes the chain, the oldest first; the end is no instance.
func (s *store) encodeAges(e *codec.Encoder) {
	old := store{ages: s.ages, pools: make([]pool, len(s.pools))}
	for i := range s.pools {
		old.pools[i].ages = codec.Copy(e, s.pools[i].ages)
	}
	e.Later(func(e *codec.Encoder) {
		for r := old.ages.oldest; r.cell != 0; r = old.age(r).next {
			e.Count(int(r.cell))
			e.Count(int(r.domain))
			old.age(r).last.Encode(e)
		}
		e.Count(0)
	})
}

func (s *store) decodeAges(d *codec.Decoder) {
	for {
		c := d.Below(1<<32, "an instance")
		if c == 0 || d.Err != nil {
			return
		}
		r := ref{int32(d.Below(len(s.pools), "a combination of variables")), cell(c)}
		p := &s.pools[r.domain]
		switch {
		case c > len(p.all) || p.all[c-1].unused:
			d.Fail("there is no such instance")
		case s.chained(r):
			d.Fail("an instance has two ages")
		default:
			s.append(r, order.DecodeInstant(d))
		}
	}
}

// encode writes the instances of a domain.
func (p *pool) encode(e *codec.Encoder, s *store, beside *takenDown) {
	e.Count(len(p.all))
	if beside != nil {
		e.Later(beside.pools[p].encodeInstances)
	} else {
		p.encodeInstances(e)
	}
	e.Count(len(p.fuzzy))
	for _, f := range p.fuzzy {
		f.Encode(e, &s.judge)
	}
}

func (p *pool) encodeInstances(e *codec.Encoder) {
	for c, in := range p.all {
		e.Bool(in.unused)
		if in.unused {
			continue
		}
		e.Bool(in.dead)
		e.Count(int(in.state))
		e.Count(int(in.function))
		e.Count(int(in.trail))
		values.EncodeSymbols(e, p.key(cell(c)))
		written, ok := p.spelt[cell(c)]
		if e.Bool(ok); ok {
			values.EncodeSymbols(e, written)
		}
		e.Bool(p.lacks(cell(c)))
		w, doubted := p.doubted[cell(c)]
		e.Bool(doubted)
		for _, is := range w {
			e.Bool(is)
		}
		e.Count(len(p.inherited[cell(c)]))
		for _, trail := range p.inherited[cell(c)] {
			e.Count(int(trail))
		}
	}
}

// decode leaves the tables to relink.
func (p *pool) decode(d *codec.Decoder, s *store, m *engine) {
	p.all, p.keys, p.links, p.index = nil, nil, nil, nil
	n := d.Count()
	if p.domain == &s.domains[0] && n != 1 {
		d.Fail("there is one empty binding")
	}
	for c := range n {
		if d.Err != nil {
			return
		}
		p.decodeInstance(d, s, m, cell(c))
	}
	p.fuzzy = nil
	for n := d.Below(len(p.all)+1, "the number of fronts"); n > 0 && d.Err == nil; n-- {
		p.fuzzy = append(p.fuzzy, skew.DecodeFront(d, &s.judge, &m.sources))
	}
	if m.options.skew == 0 || d.Err != nil {
		return
	}
	p.fuzzy = append(p.fuzzy, make([]*skew.Front, len(p.all)-len(p.fuzzy))...)
	for c, f := range p.fuzzy {
		if f == nil && !p.all[c].dead && !p.all[c].unused {
			d.Fail("an instance has no front")
		}
	}
}

func (p *pool) decodeInstance(d *codec.Decoder, s *store, m *engine, c cell) {
	in := instance{unused: d.Bool()}
	key := make([]values.Symbol, len(p.list))
	if in.unused {
		p.free = append(p.free, c)
	} else {
		in.dead = d.Bool()
		in.state = s.DecodeState(d)
		in.function = uint16(d.Below(len(s.Functions), "a function"))
		in.trail = decodeTrail(d, m, s)
		copy(key, values.DecodeKey(d, &m.symbols, len(p.list)))
		if d.Bool() {
			if p.spelt == nil {
				p.spelt = make(map[cell][]values.Symbol)
			}
			p.spelt[c] = values.DecodeSymbols(d, &m.symbols, len(p.list))
		}
		if d.Bool() {
			p.lack(c)
		}
		if d.Bool() {
			w := make(machine.Worlds, len(s.Dead))
			for state := range w {
				w[state] = d.Bool()
			}
			p.doubt(c, w)
		}
		for n := d.Count(); n > 0 && d.Err == nil; n-- {
			p.inherit(c, decodeTrail(d, m, s))
		}
	}
	p.all = append(p.all, in)
	p.keys = append(p.keys, key...)
}

// trail reads a trail, all of whose letters are the property's.
func decodeTrail(d *codec.Decoder, m *engine, s *store) uint32 {
	trail := uint32(d.Below(max(1, m.trails.notes.n), "a note"))
	for at := trail; at != 0; at = m.trails.notes.at(at).before {
		if int(m.trails.notes.at(at).letter) >= len(s.Fates) {
			d.Fail("there is no such letter")
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

// encode writes a verdict that is told at the end.
func (v *verdict) encode(e *codec.Encoder) {
	e.Count(v.domain)
	values.EncodeSymbols(e, v.key)
	v.at.Encode(e)
	e.Count(int(v.record))
	e.Text(v.why)
	encodeViolation(e, &v.violation)
}

func decodeVerdict(d *codec.Decoder, s *store, m *engine) verdict {
	v := verdict{domain: d.Below(len(s.domains), "a combination of variables")}
	v.key = values.DecodeKey(d, &m.symbols, len(s.domains[v.domain].list))
	v.at = order.DecodeInstant(d)
	v.record = uint32(d.Below(max(1, m.trails.records.n), "a record"))
	v.why = d.Text()
	v.violation = decodeViolation(d)
	if s.Timed() {
		v.passed = machine.DecodeRunning(d, &m.sources, &m.trails.texts)
	}
	v.violation.Property = s.property.Name()
	return v
}

func encodeViolation(e *codec.Encoder, v *Violation) {
	e.Text(string(v.Certainty))
	e.Bool(v.Forgotten)
	e.Count(len(v.Binding))
	for _, f := range v.Binding {
		e.Text(f.Name)
		values.EncodeValue(e, f.Value)
	}
	e.Bool(!v.AtQuiescence())
	if !v.AtQuiescence() {
		e.Text(v.Event.ID)
		e.Text(v.Event.Source)
		e.Text(v.Event.Type)
		order.InstantOf(v.Event.Time).Encode(e)
	}
	encodeSteps(e, v.Witness)
	encodeSteps(e, v.Counter)
	e.Int(int64(v.Flips.At))
	e.Text(string(v.Flips.To))
}

func decodeViolation(d *codec.Decoder) (v Violation) {
	v.Certainty, v.Forgotten = Certainty(d.Text()), d.Bool()
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		v.Binding = append(v.Binding, event.Field{Name: d.Text(), Value: values.DecodeValue(d)})
	}
	if d.Bool() {
		v.Event.ID, v.Event.Source, v.Event.Type = d.Text(), d.Text(), d.Text()
		v.Event.Time = order.DecodeInstant(d).Time()
	}
	v.Witness, v.Counter = decodeSteps(d), decodeSteps(d)
	v.Flips = Flip{time.Duration(d.Int()), Outcome(d.Text())}
	return v
}

func encodeSteps(e *codec.Encoder, all []WitnessEvent) {
	e.Count(len(all))
	for _, s := range all {
		for _, text := range []string{s.Source, s.ID, s.Type, s.To} {
			e.Text(text)
		}
	}
}

func decodeSteps(d *codec.Decoder) (all []WitnessEvent) {
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		all = append(all, WitnessEvent{d.Text(), d.Text(), d.Text(), d.Text()})
	}
	return all
}
