package monitor

import (
	"slices"

	"github.com/wtsim/wtsim/monitor/internal/skew"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// conceiveOwn begins the instance of the event's own binding. Its slice so
// far is that of the largest instance contained in it, or what its parts come
// to.
func (x *step) conceiveOwn() {
	var room [8]values.Symbol
	b := birth{domain: x.letter.domain, from: len(x.born), in: instance{state: props.SatisfiedState, dead: true}}
	if x.lazy {
		if state := x.stateOf(x.letter.domain); !x.IsDead(state) {
			b.in = instance{state: state}
		}
		if x.Covering && x.options.skew == 0 {
			x.retrace(x.letter.domain)
		}
		b.lacks = x.lacksByRecipe(x.letter.domain)
		b.inherited = x.inheritance(x.letter.domain, pick(room[:0], x.plain, x.letter.list))
	} else if domain, base := x.largestInside(x.letter.domain); base != none {
		b = x.continuing(b, domain, base)
		b.lacks = x.lacks(x.letter.domain, domain, base)
	}
	if x.lazy && x.options.skew > 0 {
		b = x.conceiveFuzzy(b)
	}
	x.born = pick(x.born, x.written, x.letter.list)
	x.newborn = append(x.newborn, b)
}

// largestInside returns the instance that all stored instances inside a
// domain are contained in; none if it is dead.
func (x *step) largestInside(domain int) (int, cell) {
	var room [8]values.Symbol
	var union set
	for _, part := range x.domains[domain].parts {
		if part != 0 && x.lookup(part, pick(room[:0], x.plain, x.domains[part].list)) != none {
			union |= x.domains[part].vars
		}
	}
	d := find(x.domains, union)
	c := x.lookup(d, pick(room[:0], x.plain, x.domains[d].list))
	if c != none && x.pools[d].all[c].dead {
		c = none
	}
	return d, c
}

// stateOf returns the state of the binding that the current values give to a
// domain, by its recipe where it is not stored.
func (x *step) stateOf(domain int) uint32 {
	var room [8]values.Symbol
	d := &x.domains[domain]
	if c := x.lookup(domain, pick(room[:0], x.plain, d.list)); c != none {
		return x.pools[domain].all[c].state
	}
	state := x.stateOf(d.recipe.base)
	for _, y := range d.recipe.rest {
		if c := x.lookup(y, pick(room[:0], x.plain, x.domains[y].list)); c != none {
			state = uint32(x.Functions[x.pools[y].all[c].function][state])
		}
	}
	return state
}

// continuing makes a newborn one whose slice is that of another instance.
func (s *store) continuing(b birth, domain int, c cell) birth {
	p := &s.pools[domain]
	if p.fuzzy != nil {
		b.fuzzy = p.fuzzy[c].Clone()
	}
	b.in, b.inherited = instance{state: p.all[c].state}, p.inherited[c]
	return b
}

// conceiveJoins begins the joins of the event's binding with the instances of
// one domain. A join continues its partner's slice, unless there is a larger
// instance inside the join: then that one is the partner to be, or the join
// is there already, or it is dead.
func (x *step) conceiveJoins(j *join) {
	var room [8]values.Symbol
	stored := func(d int) bool { return x.lookup(d, pick(room[:0], x.plain, x.domains[d].list)) != none }
	if slices.ContainsFunc(j.insideEvent, stored) {
		return
	}
	p := &x.pools[j.domain]
	for c := p.group(j.index, pick(room[:0], x.plain, j.by)); c != none; c = p.next(j.index, c) {
		x.load(p, c, j.added)
		if !slices.ContainsFunc(j.insideTheTwo, stored) {
			b := birth{domain: j.union, from: len(x.born)}
			b = x.continuing(b, j.domain, c)
			b.lacks = x.lacks(j.union, j.domain, c)
			x.load(p, c, ^set(0)) // as it was first written
			x.born = pick(x.born, x.written, x.domains[j.union].list)
			x.newborn = append(x.newborn, b)
		}
	}
}

// load puts the values of an instance where those of the event are. What the
// event binds too is the same, but may be written differently.
func (x *step) load(p *pool, c cell, wanted set) {
	written := p.spelt[c]
	for i, k := range p.key(c) {
		if v := p.list[i]; wanted&(1<<v) != 0 {
			x.written[v], x.plain[v] = k, k
			if written != nil {
				x.written[v] = written[i]
			}
		}
	}
}

// bear moves a newborn by the event, and stores it if it survives that. It
// returns the cell of the event's own binding.
func (x *step) bear(b *birth, own cell) cell {
	fuzzy, was := x.options.skew > 0, b.in.state
	switch {
	case b.in.dead:
	case fuzzy:
		b.with(x)
	default:
		was = b.in.state
		b.in.state = x.Move(x.fate, was, x.now.stampIn(x.store))
		b.in.dead = x.IsDead(b.in.state)
	}
	hits := !fuzzy && b.in.dead && b.in.state == props.ViolatedState
	if b.in.dead && !hits && !x.domains[b.domain].event {
		return own
	}
	if hits && x.mayLack() {
		b.in.dead = false // that is found out when it is reported
	}
	c := x.insert(b)
	if hits {
		x.hits = append(x.hits, hit{b.domain, c, was == props.ViolatedState})
	}
	if b.domain == x.letter.domain {
		return c
	}
	return own
}

func (x *step) insert(b *birth) cell {
	var room [8]values.Symbol
	p := &x.pools[b.domain]
	own := x.born[b.from : b.from+len(p.list)]
	key := room[:0]
	written := false
	for _, v := range own {
		key = append(key, x.symbols.Canonical(v))
		written = written || v&values.Spelt != 0
	}
	c := p.add(key, b.in)
	if written {
		if p.spelt == nil {
			p.spelt = make(map[cell][]values.Symbol)
		}
		p.spelt[c] = slices.Clone(own)
	}
	if x.options.skew > 0 {
		p.fuzzy = append(p.fuzzy, make([]*skew.Front, len(p.all)-len(p.fuzzy))...)
		p.fuzzy[c] = b.fuzzy
	}
	if len(b.inherited) > 0 && (!b.in.dead || b.in.state == props.ViolatedState) {
		p.inherit(c, b.inherited...)
	}
	if b.lacks {
		p.lack(c)
	}
	if x.Configs != nil {
		x.begin(b.domain, c, props.SatisfiedState)
	}
	if p.owned {
		x.created++
		if b.in.dead {
			x.settledCount++
		} else {
			x.live++
		}
	}
	if x.options.ttl > 0 {
		x.touch(b.domain, c)
	}
	return c
}
