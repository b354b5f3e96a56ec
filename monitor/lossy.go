package monitor

import (
	"fmt"
	"slices"

	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/props"
)

// A source that is lossy ([event.Event.Lossy]) may keep events to itself: spans
// that are sampled, logs that were dropped. Once one was seen, events may be
// missing anywhere, of any type, of whatever binding:
//
//  1. An instance is violated at event e if it is in every world: whatever
//     letters of its property that bind nothing it does not are put into its
//     slice, wherever and however many, e is the first event by which all that
//     come of it are violated.
//  2. One that is violated in the world in which nothing is missing, and not in
//     every other, is told once as inconclusive. It goes on, since a later event
//     may violate it in all; unless it never can be violated in some.
//  3. What rests on the end, or on a deadline, rests on absence: see
//     [machine.Worlds], which knows nothing of registers and times.
//  4. Of event types that the property declares complete none is missing. Where
//     all of its types are, nothing is in doubt.
//  5. With skew a violation is certain if it is in every world of every order,
//     and possible if it is in every world of the order that its witness has.
//     Of properties with registers or deadlines none is certain then. What is
//     inconclusive is not followed further.
//
// Worlds only become fewer as events come, for what may be missing before an
// event may be missing after it as well. They are looked at where an instance is
// violated as far as events were seen, and not before.

// end lets go of an instance that is violated, or cannot be any more. Whether
// one is violated in all worlds is found out when it is reported.
func (x *step) end(domain int, c cell, was uint32) {
	if !x.mayLack() || x.pools[domain].all[c].state != props.ViolatedState {
		x.settle(domain, c)
		return
	}
	if !x.roles || !x.violated(domain, c) {
		x.hits = append(x.hits, hit{domain, c, was == props.ViolatedState})
	}
}

// weigh parts what is violated as far as events were seen: what is in every
// world, and what is told to be in some. What contains the binding of one that is
// violated in every world is settled with that.
func (x *step) weigh(violated []hit) (certain, doubtful []hit) {
	all := make([]machine.Worlds, len(violated))
	for i, h := range violated {
		all[i] = x.worlds(h)
		if x.Violated(all[i], x.ending(h)) {
			certain = append(certain, h)
		}
	}
	told, sureOf := certain, places(certain)
	for i, h := range violated {
		p := &x.pools[h.domain]
		over := sureOf[hit{domain: h.domain, cell: h.cell}] || x.containsAny(h, sureOf)
		if !over && !h.again {
			told, doubtful = append(slices.Clip(told), h), append(doubtful, h)
		}
		switch {
		case x.ending(h):
		case over || x.Escaped(all[i]):
			x.retire(h.domain, h.cell)
			delete(p.doubted, h.cell)
		default:
			p.doubt(h.cell, all[i])
		}
	}
	told = x.minimal(told)
	doubtful = slices.DeleteFunc(doubtful, func(h hit) bool { return !slices.Contains(told, h) })
	return x.minimal(certain), doubtful
}

// ending tells whether it is the end that violates an instance.
func (s *store) ending(h hit) bool {
	return s.pools[h.domain].all[h.cell].state != props.ViolatedState
}

func (p *pool) doubt(c cell, w machine.Worlds) {
	if p.doubted == nil {
		p.doubted = make(map[cell]machine.Worlds)
	}
	p.doubted[c] = w
}

// worlds are those of an instance after the event.
func (x *step) worlds(h hit) machine.Worlds {
	p := &x.pools[h.domain]
	if w, ok := p.doubted[h.cell]; ok && !x.roles {
		return x.After(w, x.fate, x.fitting(h.domain))
	}
	return x.worldsOf(h.domain, x.slice(h.domain, p.key(h.cell)))
}

// worldsOf are those of an instance with a slice, in an order.
func (s *store) worldsOf(domain int, slice []note) machine.Worlds {
	fits := s.fitting(domain)
	w := s.FirstWorlds(fits)
	for _, n := range slice {
		if n.letter < roundsLetter {
			w = s.After(w, n.letter, fits)
		}
	}
	return w
}

// fitting tells which letters the slice of an instance may have.
func (s *store) fitting(domain int) func(letter int) bool {
	return func(letter int) bool {
		l := &s.letters[letter]
		return !l.sure && l.vars.within(s.domains[domain].vars)
	}
}

// mayLack tells whether events of the property may be missing.
func (s *store) mayLack() bool {
	return s.lossy && !s.sure
}

// mayLack tells whether events of some property may be missing.
func (m *engine) mayLack() bool {
	for i := range m.stores {
		if m.stores[i].mayLack() {
			return true
		}
	}
	return false
}

// doubtOf says why a violation is not told as one.
func doubtOf(v *Violation) string {
	by := fmt.Sprintf("event %q of %q", v.Event.ID, v.Event.Source)
	if v.Event.Source == "" {
		by = "the end"
	}
	return "violated by " + by + ", unless an event is missing: a source may have lost some"
}

// weighOrder says how certain a violation is, with skew, whose order is that of
// its witness.
func (a account) weighOrder(v *verdict, order []note) {
	if v.violation.Certainty == Certain && !a.violatedWithMissing(v.domain) {
		v.violation.Certainty = Possible
	}
	if v.violation.Certainty == Possible && !a.Violated(a.worldsOf(v.domain, order), v.ended) {
		v.why = doubtOf(&v.violation)
	}
}

// violatedWithMissing tells whether an instance is violated in every world of
// every order.
func (a account) violatedWithMissing(domain int) bool {
	if a.Configs != nil {
		return false
	}
	missing := make([]uint64, len(a.Dead))
	for state := range missing {
		w := make(machine.Worlds, len(a.Dead))
		w[state] = true
		for to, is := range a.Closed(w, a.fitting(domain)) {
			if is {
				missing[state] |= 1 << to
			}
		}
	}
	states, ok := a.judge.StatesWithMissing(a.pendings(), a.options.skew, missing)
	return ok && states == 1<<props.ViolatedState
}
