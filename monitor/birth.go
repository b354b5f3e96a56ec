package monitor

import (
	"slices"

	"github.com/wtsim/wtsim/props"
)

// conceiveOwn begins the instance of the event's own binding. Its slice so
// far is that of the largest instance contained in it, or what its parts come
// to.
func (m *engine) conceiveOwn(s *store) {
	var room [8]symbol
	b := birth{domain: m.letter.domain, from: len(m.born), in: instance{state: props.SatisfiedState, dead: true}}
	if s.lazy {
		if state := m.stateOf(s, m.letter.domain); !s.isDead(state) {
			b.in = instance{state: state}
		}
		if s.covering && m.options.skew == 0 {
			m.retrace(s, m.letter.domain)
		}
		b.inherited = m.inheritance(s, m.letter.domain, pick(room[:0], m.plain, m.letter.list))
	} else if domain, base := m.largestInside(s, m.letter.domain); base != none {
		b = s.continuing(b, domain, base)
	}
	if s.lazy && m.options.skew > 0 {
		b = m.conceiveFuzzy(s, b)
	}
	m.born = pick(m.born, m.values, m.letter.list)
	m.newborn = append(m.newborn, b)
}

// largestInside returns the instance that all stored instances inside a
// domain are contained in; none if it is dead.
func (m *engine) largestInside(s *store, domain int) (int, cell) {
	var room [8]symbol
	var union set
	for _, part := range s.domains[domain].parts {
		if part != 0 && s.lookup(part, pick(room[:0], m.plain, s.domains[part].list)) != none {
			union |= s.domains[part].vars
		}
	}
	d := find(s.domains, union)
	c := s.lookup(d, pick(room[:0], m.plain, s.domains[d].list))
	if c != none && s.pools[d].all[c].dead {
		c = none
	}
	return d, c
}

// stateOf returns the state of the binding that the current values give to a
// domain, by its recipe where it is not stored.
func (m *engine) stateOf(s *store, domain int) uint32 {
	var room [8]symbol
	d := &s.domains[domain]
	if c := s.lookup(domain, pick(room[:0], m.plain, d.list)); c != none {
		return s.pools[domain].all[c].state
	}
	state := m.stateOf(s, d.recipe.base)
	for _, y := range d.recipe.rest {
		if c := s.lookup(y, pick(room[:0], m.plain, s.domains[y].list)); c != none {
			state = uint32(s.functions[s.pools[y].all[c].function][state])
		}
	}
	return state
}

// continuing makes a newborn one whose slice is that of another instance.
func (s *store) continuing(b birth, domain int, c cell) birth {
	p := &s.pools[domain]
	if p.fuzzy != nil {
		b.fuzzy = p.fuzzy[c].clone()
	}
	b.in, b.inherited = instance{state: p.all[c].state}, p.inherited[c]
	return b
}

// conceiveJoins begins the joins of the event's binding with the instances of
// one domain. A join continues its partner's slice, unless there is a larger
// instance inside the join: then that one is the partner to be, or the join
// is there already, or it is dead.
func (m *engine) conceiveJoins(s *store, j *join) {
	var room [8]symbol
	stored := func(d int) bool { return s.lookup(d, pick(room[:0], m.plain, s.domains[d].list)) != none }
	if slices.ContainsFunc(j.insideEvent, stored) {
		return
	}
	p := &s.pools[j.domain]
	for c := p.group(j.index, pick(room[:0], m.plain, j.by)); c != none; c = p.next(j.index, c) {
		m.load(p, c, j.added)
		if !slices.ContainsFunc(j.insideTheTwo, stored) {
			b := birth{domain: j.union, from: len(m.born)}
			b = s.continuing(b, j.domain, c)
			m.load(p, c, ^set(0)) // as it was first written
			m.born = pick(m.born, m.values, s.domains[j.union].list)
			m.newborn = append(m.newborn, b)
		}
	}
}

// load puts the values of an instance where those of the event are. What the
// event binds too is the same, but may be written differently.
func (m *engine) load(p *pool, c cell, wanted set) {
	written := p.spelt[c]
	for i, k := range p.key(c) {
		if v := p.list[i]; wanted&(1<<v) != 0 {
			m.values[v], m.plain[v] = k, k
			if written != nil {
				m.values[v] = written[i]
			}
		}
	}
}

// bear moves a newborn by the event, and stores it if it survives that. It
// returns the cell of the event's own binding.
func (m *engine) bear(s *store, b *birth, own cell) cell {
	fuzzy := m.options.skew > 0
	switch {
	case b.in.dead:
	case fuzzy:
		b.with(m, s)
	default:
		b.in.state = s.move(m.fate, b.in.state)
		b.in.dead = s.isDead(b.in.state)
	}
	hits := !fuzzy && b.in.dead && b.in.state == props.ViolatedState
	if b.in.dead && !hits && !s.domains[b.domain].event {
		return own
	}
	c := m.insert(s, b)
	if hits {
		m.hits = append(m.hits, hit{b.domain, c})
	}
	if b.domain == m.letter.domain {
		return c
	}
	return own
}

func (m *engine) insert(s *store, b *birth) cell {
	var room [8]symbol
	p := &s.pools[b.domain]
	values := m.born[b.from : b.from+len(p.list)]
	key := room[:0]
	written := false
	for _, v := range values {
		key = append(key, m.symbols.canonical(v))
		written = written || v&spelt != 0
	}
	c := p.add(key, b.in)
	if written {
		if p.spelt == nil {
			p.spelt = make(map[cell][]symbol)
		}
		p.spelt[c] = slices.Clone(values)
	}
	if m.options.skew > 0 {
		p.fuzzy = append(p.fuzzy, make([]*front, len(p.all)-len(p.fuzzy))...)
		p.fuzzy[c] = b.fuzzy
	}
	if len(b.inherited) > 0 && (!b.in.dead || b.in.state == props.ViolatedState) {
		p.inherit(c, b.inherited...)
	}
	s.created++
	if s.configs != nil {
		m.begin(s, b.domain, c, props.SatisfiedState)
	}
	if b.in.dead {
		s.settledCount++
	} else {
		s.live++
	}
	if m.options.ttl > 0 {
		m.touch(s, b.domain, c)
	}
	return c
}
