package skew

import (
	"math/bits"
	"slices"
	"time"

	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/order"
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
type Front struct {
	States    uint64    // before the events that wait
	Waiting   []Pending // in order of time
	layer     *layer    // the down-sets of one size of those that wait; nil if none was taken
	Undecided bool
	armed     []int32       // the sources of events that may have begun a deadline
	last      order.Instant // of the events that were added
	event     int           // the one that was added last, while more of it may come
}

// Judge runs fronts over the machine of one property.
type Judge struct {
	*machine.Machine
	SlideAt  int // how many events wait before a front takes a part of them although there was no pause of E
	MaxLayer int // bounds the down-sets of one size
	work     workspace
	missing  []uint64 // see StatesWithMissing; nil where nothing is
}

// Pending is an event whose place is not certain yet.
type Pending struct {
	At      order.Instant
	Letter  uint32
	Source  int32
	Event   int  // which one it is, of those that are added; 0 is not told
	chained bool // has another event of its source within E
	done    bool // in all down-sets of the layer
}

func NewFront() *Front { return &Front{States: 1 << machine.StartState} }

func (f *Front) Clone() *Front {
	if f == nil {
		return NewFront()
	}
	g := *f
	g.Waiting = slices.Clone(f.Waiting)
	if f.layer != nil {
		l := *f.layer
		g.layer = &l
	}
	return &g
}

// Add takes the next event by time. If it is added again, in another role, both
// are taken at once: nothing was taken since.
func (f *Front) Add(s *Judge, e Pending, skew time.Duration) {
	if n := len(f.Waiting); e.Event != 0 && e.Event == f.event && n > 0 {
		w := &f.Waiting[n-1]
		w.Letter = s.Both(w.Letter, e.Letter)
		if s.Timed() {
			var chained bool
			chained, f.armed = s.chained(*w, f.armed)
			w.chained = w.chained || chained
		}
		return
	}
	f.event = e.Event
	f.Reach(s, e.At, skew)
	if s.Timed() {
		e.chained, f.armed = s.chained(e, f.armed)
	}
	for i := len(f.Waiting) - 1; i >= 0; i-- {
		w := &f.Waiting[i]
		if w.At.Add(skew).Before(e.At) {
			break
		}
		if w.Source == e.Source {
			w.chained, e.chained = true, true
		}
	}
	f.Waiting = append(f.Waiting, e)
	f.last = e.At
}

// Reach takes the events whose place is certain once all events before now
// are known: all of them after a pause of E, else the early ones of many.
func (f *Front) Reach(s *Judge, now order.Instant, skew time.Duration) {
	n := len(f.Waiting)
	switch {
	case n == 0 || f.Undecided:
	case f.Waiting[n-1].At.Add(skew).Before(now):
		f.Finish(s, skew)
	case n >= s.SlideAt && n%(s.SlideAt/4) == 0:
		f.slide(s, now, skew)
	}
	if f.Undecided {
		f.Waiting, f.layer = nil, nil
	}
}

// Finish takes all events that wait.
func (f *Front) Finish(s *Judge, skew time.Duration) {
	if len(f.Waiting) == 1 && f.layer == nil && s.Configs == nil {
		f.States = s.spread(f.States, f.Waiting[0].Letter)
		f.Waiting = f.Waiting[:0]
		return
	}
	g := f.groups(skew, func(*Pending) bool { return true })
	l := f.layerOver(s, g)
	for l != nil && !l.complete(g) {
		l = s.work.expand(l, s, g)
	}
	if f.Undecided = l == nil; !f.Undecided {
		f.States, f.layer = l.states[0], nil
		f.Waiting = f.Waiting[:0]
	}
}

// slide takes what can be taken although more events may be close. An event
// is grouped once all within E of it are known.
func (f *Front) slide(s *Judge, now order.Instant, skew time.Duration) {
	g := f.groups(skew, func(p *Pending) bool { return p.At.Add(skew).Before(now) })
	settled := now.Add(-skew).Add(-skew)
	if s.Timed() { // see deadline.go
		settled, g.until, g.bounded = settled.Add(-skew), now.Add(-skew), true
	}
	l := f.layerOver(s, g)
	for l != nil && !l.complete(g) && l.latestGap(g).Before(settled) {
		l = s.work.expand(l, s, g)
	}
	if f.Undecided = l == nil; f.Undecided {
		return
	}
	f.rebase(g, l)
	keep := f.Waiting[:0]
	for _, w := range f.Waiting {
		if !w.done || !w.At.Add(skew).Before(now) {
			keep = append(keep, w)
		}
	}
	f.Waiting = keep
}

// rebase marks as done what is in all down-sets, and counts without it. A
// group without events is dropped.
func (f *Front) rebase(g *groups, l *layer) {
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
			f.Waiting[w].done = true
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
func (s *Judge) spread(states uint64, letter uint32) (to uint64) {
	if first, second, both := s.Parts(letter); both {
		return s.spread(s.spread(states, first), second)
	}
	row := s.Table[int(letter)*len(s.Dead):]
	if s.Covering {
		s.TakeAll(letter, states)
	}
	for ; states != 0; states &= states - 1 {
		to |= 1 << row[bits.TrailingZeros64(states)]
	}
	return s.withMissing(to)
}

// Over tells whether nothing can change an instance any more.
func (f *Front) Over(s *Judge) bool {
	return f.Undecided || len(f.Waiting) == 0 && s.AllDead(f.States)
}

// Lingers tells whether more events belong to what explains a violation that
// is certain.
func (f *Front) Lingers(s *Judge, now order.Instant, skew time.Duration) bool {
	return !s.Timed() && !f.Undecided && f.States == onlyViolated && !f.last.Add(horizon(skew)).Before(now)
}
