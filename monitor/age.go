package monitor

import (
	"slices"

	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/skew"
	"github.com/wtsim/wtsim/monitor/internal/values"
)

// With a time to live an instance that saw no event for longer is forgotten:
// alive, it counts as expired; dead, it may be born again. Instances are
// chained by the time of their last event. An event of an instance is one of
// all that contain it, so none outlives what it continues. What outlives one
// that it contains inherits its trail: its slice is still the same.
//
// Time has moved to the end of what is forgotten: the deadlines pass that
// certainly precede it, and possibly those that may.
//
// With skew the time to live is no less than that: what is forgotten is then
// over, whatever its order was.

// ref names an instance of a store; the zero ref is none.
type ref struct {
	domain int32
	cell   cell // + 1
}

type age struct {
	last         order.Instant
	next, before ref
}

// ages is the chain of a store, the oldest first.
type ages struct{ oldest, newest ref }

func (s *store) age(r ref) *age { return &s.pools[r.domain].ages[r.cell-1] }

// chained tells whether an instance is in the chain.
func (s *store) chained(r ref) bool {
	p := &s.pools[r.domain]
	return int(r.cell) <= len(p.ages) && (p.ages[r.cell-1].before.cell != 0 || s.ages.oldest == r)
}

// touch makes an instance the newest.
func (x *step) touch(domain int, c cell) {
	x.forgetAge(domain, c)
	x.append(ref{int32(domain), c + 1}, x.now.At)
}

// append makes an instance that is not in the chain its newest.
func (s *store) append(r ref, last order.Instant) {
	p := &s.pools[r.domain]
	for len(p.ages) < len(p.all) {
		p.ages = append(p.ages, age{})
	}
	*s.age(r) = age{last: last, before: s.ages.newest}
	if s.ages.newest.cell == 0 {
		s.ages.oldest = r
	} else {
		s.age(s.ages.newest).next = r
	}
	s.ages.newest = r
}

// forgetAge takes an instance out of the chain, if it is in it.
func (s *store) forgetAge(domain int, c cell) {
	r := ref{int32(domain), c + 1}
	if !s.chained(r) {
		return
	}
	a := *s.age(r)
	if a.before.cell == 0 {
		s.ages.oldest = a.next
	} else {
		s.age(a.before).next = a.next
	}
	if a.next.cell == 0 {
		s.ages.newest = a.before
	} else {
		s.age(a.next).before = a.before
	}
	*s.age(r) = age{}
}

// expire forgets the instances whose last event is too old now.
func (x *step) expire() {
	for {
		r := x.ages.oldest
		if r.cell == 0 || !x.age(r).last.Add(x.options.ttl).Before(x.now.At) {
			return
		}
		x.expireOne(int(r.domain), r.cell-1)
	}
}

// expired counts the instances that were forgotten while they could be
// violated.
func (m *engine) expired() (n int) {
	for i := range m.stores {
		n += m.stores[i].expired
	}
	return n
}

func (x *step) expireOne(domain int, c cell) {
	p := &x.pools[domain]
	x.lose(domain, c)
	if x.options.skew > 0 && !p.all[c].dead {
		f, last := p.fuzzy[c], endOfTime{}
		if len(f.Waiting) > 0 {
			f.Finish(&x.judge, x.options.skew)
		}
		if x.Timed() && !f.Undecided {
			end := x.age(ref{int32(domain), c + 1}).last.Add(x.options.ttl)
			last = endOfTime{any: true, near: true, newest: end.Add(1)}
			f.AtEnd(&x.judge, x.endOf(domain, p.key(c), &last))
		}
		if f.Over(&x.judge) || x.MayBeViolated(f.States) {
			x.conclude(domain, c, &last)
			x.settle(domain, c)
		}
		if p.all[c].unused { // settled and dropped
			return
		}
	}
	if !p.all[c].dead && p.owned {
		x.expired++
		if domain != 0 {
			x.live--
		} else {
			x.rootExpired++
		}
	}
	x.bequeath(domain, c)
	x.forgetAge(domain, c)
	if domain != 0 {
		p.drop(c)
		return
	}
	p.lack(0)
	delete(p.doubted, 0)
	p.all[0] = instance{state: machine.StartState, dead: x.Dead[machine.StartState]}
	if p.fuzzy != nil {
		p.fuzzy[0] = skew.NewFront()
	}
}

// bequeath leaves the trail of what is forgotten to the live instances that
// contain it. What it inherited itself they have already.
func (s *store) bequeath(domain int, c cell) {
	p := &s.pools[domain]
	trail := p.all[c].trail
	at := slices.IndexFunc(s.letters, func(l letter) bool { return l.domain == domain })
	if trail == 0 || at < 0 {
		return
	}
	for _, f := range s.letters[at].larger {
		q := &s.pools[f.domain]
		for heir := q.group(f.index, p.key(c)); heir != none; heir = q.next(f.index, heir) {
			q.inherit(heir, trail)
		}
	}
}

func (p *pool) inherit(c cell, trails ...uint32) {
	if p.inherited == nil {
		p.inherited = make(map[cell][]uint32)
	}
	p.inherited[c] = append(slices.Clip(p.inherited[c]), trails...)
}

func (p *pool) forgetTrail(c cell) {
	p.all[c].trail = 0
	delete(p.inherited, c)
}

// inheritance returns the trails that the instance of a key has inherited, or
// would continue.
func (s *store) inheritance(domain int, key []values.Symbol) []uint32 {
	if s.options.ttl == 0 {
		return nil
	}
	if c := s.lookup(domain, key); c != none {
		return s.pools[domain].inherited[c]
	}
	if !s.lazy || domain == 0 {
		return nil
	}
	var room [8]values.Symbol
	base := s.domains[domain].recipe.base
	part := room[:0]
	for _, v := range s.domains[base].list {
		part = append(part, key[slices.Index(s.domains[domain].list, v)])
	}
	return s.inheritance(base, part)
}
