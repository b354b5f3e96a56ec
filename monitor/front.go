package monitor

import (
	"math/bits"
	"slices"
	"time"
)

// With a bound E on the difference between the clocks of two sources, the
// order of a slice is known in part: e certainly precedes f if they have one
// source and e comes first in it, or if time(e) + E < time(f). A front holds
// the states that an instance may be in, over all orders.
//
// It runs the automaton over the down-sets of that order. A down-set is
// counts: how many events it has of each group.
//
//  1. Events of one letter that have no other event of their source in the
//     slice within E are one group, by time. They are interchangeable: let an
//     order take x before y although y is earlier. All that must precede y
//     must precede x, and all that must follow x must follow y, for all
//     windows have the same length. So x and y can change places, and since
//     they have one letter the states are the same.
//  2. The others are grouped by source, in its order.
//  3. The next event x of a group may be added to a down-set unless an event
//     outside of it certainly precedes x: that is, if time(x) is not after
//     time(m) + E, m being the earliest event outside.
//
// Down-sets are visited by size, all of one size (a layer) from those of the
// size before. Where a layer would exceed the bound, the instance is
// undecided.
type front struct {
	states    uint64    // before the events that wait
	waiting   []pending // in order of time
	layer     *layer    // the down-sets of one size of those that wait; nil if none was taken
	undecided bool
	armed     []int32 // the sources of events that may have begun a deadline
	last      instant // of the events that were added
}

// pending is an event whose place is not certain yet.
type pending struct {
	at      instant
	letter  uint32
	source  int32
	chained bool // has another event of its source within E
	done    bool // in all down-sets of the layer
}

func newFront() *front { return &front{states: 1 << startState} }

func (f *front) clone() *front {
	if f == nil {
		return newFront()
	}
	g := *f
	g.waiting = slices.Clone(f.waiting)
	if f.layer != nil {
		l := *f.layer
		g.layer = &l
	}
	return &g
}

// add takes the next event by time.
func (f *front) add(s *store, e pending, skew time.Duration) {
	f.reach(s, e.at, skew)
	if s.timed() {
		e.chained, f.armed = s.configs.chained(e, f.armed)
	}
	for i := len(f.waiting) - 1; i >= 0; i-- {
		w := &f.waiting[i]
		if w.at.add(skew).before(e.at) {
			break
		}
		if w.source == e.source {
			w.chained, e.chained = true, true
		}
	}
	f.waiting = append(f.waiting, e)
	f.last = e.at
}

// reach takes the events whose place is certain once all events before now
// are known: all of them after a pause of E, else the early ones of many.
func (f *front) reach(s *store, now instant, skew time.Duration) {
	n := len(f.waiting)
	switch {
	case n == 0 || f.undecided:
	case f.waiting[n-1].at.add(skew).before(now):
		f.finish(s, skew)
	case n >= s.limits.slideAt && n%(s.limits.slideAt/4) == 0:
		f.slide(s, now, skew)
	}
	if f.undecided {
		f.waiting, f.layer = nil, nil
	}
}

// finish takes all events that wait.
func (f *front) finish(s *store, skew time.Duration) {
	if len(f.waiting) == 1 && f.layer == nil && s.configs == nil {
		f.states = s.spread(f.states, f.waiting[0].letter)
		f.waiting = f.waiting[:0]
		return
	}
	g := f.groups(skew, func(*pending) bool { return true })
	l := f.layerOver(s, g)
	for l != nil && !l.complete(g) {
		l = s.work.expand(l, s, g)
	}
	if f.undecided = l == nil; !f.undecided {
		f.states, f.layer = l.states[0], nil
		f.waiting = f.waiting[:0]
	}
}

// slide takes what can be taken although more events may be close. An event
// is grouped once all within E of it are known.
func (f *front) slide(s *store, now instant, skew time.Duration) {
	g := f.groups(skew, func(p *pending) bool { return p.at.add(skew).before(now) })
	settled := now.add(-skew).add(-skew)
	if s.timed() { // see timedfront.go
		settled, g.until, g.bounded = settled.add(-skew), now.add(-skew), true
	}
	l := f.layerOver(s, g)
	for l != nil && !l.complete(g) && l.latestGap(g).before(settled) {
		l = s.work.expand(l, s, g)
	}
	if f.undecided = l == nil; f.undecided {
		return
	}
	f.rebase(g, l)
	keep := f.waiting[:0]
	for _, w := range f.waiting {
		if !w.done || !w.at.add(skew).before(now) {
			keep = append(keep, w)
		}
	}
	f.waiting = keep
}

// rebase marks as done what is in all down-sets, and counts without it. A
// group without events is dropped.
func (f *front) rebase(g *groups, l *layer) {
	width := len(g.events)
	kept := &layer{keys: slices.Clone(l.keys), states: slices.Clone(l.states)} // l may be overwritten
	var columns []int
	least := make([]uint16, width)
	for i := range width {
		least[i] = l.counts[i]
		for at := i; at < len(l.counts); at += width {
			least[i] = min(least[i], l.counts[at])
		}
		for _, w := range g.events[i][:least[i]] {
			f.waiting[w].done = true
		}
		if int(least[i]) < len(g.events[i]) {
			columns = append(columns, i)
			kept.names = append(kept.names, g.names[i])
		}
	}
	for at := 0; at < len(l.counts); at += width {
		for _, i := range columns {
			kept.counts = append(kept.counts, l.counts[at+i]-least[i])
		}
	}
	f.layer = kept
}

// spread returns the states that a letter leads to from some states.
func (s *store) spread(states uint64, letter uint32) (to uint64) {
	row := s.table[int(letter)*len(s.dead):]
	if s.covering {
		s.takeAll(letter, states)
	}
	for ; states != 0; states &= states - 1 {
		to |= 1 << row[bits.TrailingZeros64(states)]
	}
	return to
}
