package skew

import (
	"slices"
	"time"

	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/order"
)

// Windows, with skew. That an occurrence leaves a window is an event of its
// source, at its time plus the window's length: the distance between two events
// of one source is known, that of others to E. It follows what certainly is less
// than the length after the occurrence, and precedes what certainly is not. It
// belongs to a configuration, as a deadline does, and the same rules hold
// (deadline.go): both configurations are there once no event outside of the
// down-set certainly precedes it, and an event is added to those only out of
// which all has left that certainly precedes it.
//
// That every order of events and leavings is possible which has these relations
// is what package props calls as well known as the clocks are: what has left
// does not come back.

// Leaving stands in an order, with what it is: see leavingOf.
const Leaving = -3

// leaving is how what leaves a window stands in an order.
func leaving(register int, n uint32) int { return Leaving - (int(n)<<16 | register) }

// LeavingOf returns which occurrence leaves which window where an order has
// something that is at most Leaving.
func LeavingOf(step int) (register int, n uint32) {
	code := Leaving - step
	return code & (1<<16 - 1), uint32(code >> 16)
}

// passing is how a deadline stands in an order, or so many whole rounds of one:
// as if that many left a window that there is not.
func passing(rounds uint32) int {
	if rounds == 0 {
		return Passing
	}
	return leaving(noRegister, rounds)
}

// passingThe is how one of several deadlines that run stands in an order: as if it
// left a window that there is not.
func passingThe(which int) int {
	if which == 0 {
		return Passing
	}
	return leaving(noRegister-1, uint32(which))
}

// PassingOf returns which of the deadlines that run passes where an order has
// something that is at most Leaving.
func PassingOf(step int) (which uint32, ok bool) {
	register, n := LeavingOf(step)
	return n, register == noRegister-1
}

// RoundsOf returns how many rounds pass where an order has something that is at
// most Leaving; 0 is none.
func RoundsOf(step int) uint32 {
	if register, n := LeavingOf(step); register == noRegister {
		return n
	}
	return 0
}

// noRegister is the number of no register.
const noRegister = 1<<16 - 1

// leavesBefore tells whether an occurrence has certainly left before an event.
func leavesBefore(o *machine.Occurrence, leaves order.Instant, e *Pending, skew time.Duration) bool {
	return !e.At.Before(leaves.Add(skew)) || o.Source == e.Source && !e.At.Before(leaves)
}

// leavesAfter tells whether an event certainly comes before an occurrence leaves.
func leavesAfter(o *machine.Occurrence, leaves order.Instant, e *Pending, skew time.Duration) bool {
	return e.At.Add(skew).Before(leaves) || o.Source == e.Source && e.At.Before(leaves)
}

// mustLeave tells whether something in the windows of a configuration has
// certainly left before an event.
func (s *Judge) mustLeave(state uint32, e *Pending, skew time.Duration) (must bool) {
	s.Configs.EachLeaving(state, func(_ int, _ uint32, o *machine.Occurrence, leaves order.Instant) bool {
		must = must || leavesBefore(o, leaves, e, skew)
		return !must && !e.At.Before(leaves)
	})
	return must
}

// eachLeft visits the configurations that a configuration of a down-set comes to
// when something leaves its windows. Not all need be looked at:
//
//  1. What is of one source leaves in its order, whatever the windows.
//  2. Of occurrences a and b that are worth the same, a not the younger one, b
//     need not leave the only window before a: a might have left in its place,
//     since what is not certainly before b leaves is not before a does; and from
//     then on b might stay as long as a did, since it must not leave before,
//     unless an event of its own source says so. That is: one that is not before
//     b leaves, and before which a need not have left.
func (s *Judge) eachLeft(state uint32, gap order.Instant, counts []uint16, g *groups, visit func(step int, to uint32)) {
	var next []leaver
	s.Configs.EachLeaving(state, func(register int, n uint32, o *machine.Occurrence, leaves order.Instant) bool {
		if gap.Add(g.skew).Before(leaves) || g.bounded && !leaves.Before(g.until) {
			return false
		}
		next = nextOfSource(next, leaver{Occurrence: o, register: register, number: n, leaves: leaves})
		return true
	})
	for i := range next {
		x := &next[i]
		if x.may = s.mayLeave(x.Occurrence, x.leaves, counts, g); !x.may {
			continue
		}
		if s.Configs.OneWindow() && slices.ContainsFunc(next[:i], func(a leaver) bool { return a.may && g.inPlaceOf(a, *x, counts) }) {
			continue
		}
		visit(leaving(x.register, x.number), s.Configs.Leave(state, x.register, x.number))
	}
}

// leaver is what leaves next of its source.
type leaver struct {
	*machine.Occurrence
	register int
	number   uint32
	leaves   order.Instant
	more     bool // with others
	may      bool // now
}

func nextOfSource(all []leaver, x leaver) []leaver {
	i := slices.IndexFunc(all, func(y leaver) bool { return y.Source == x.Source })
	switch {
	case i < 0:
		return append(all, x)
	case x.leaves.Before(all[i].leaves):
		all[i] = x
	case x.leaves == all[i].leaves:
		all[i].more = true
	}
	return all
}

// inPlaceOf is rule 2 of eachLeft.
func (g *groups) inPlaceOf(a, b leaver, counts []uint16) bool {
	gone := a.leaves.Add(g.skew)
	last := g.all[len(g.all)-1].At.Add(g.skew)
	if g.bounded {
		last = g.until.Add(g.skew)
	}
	if last.Before(gone) || !a.Worth(b.Occurrence) || a.more || b.more { // what is not known yet may come before
		return false
	}
	i := slices.Index(g.names, groupName{true, int64(b.Source)})
	return i < 0 || !slices.ContainsFunc(g.events[i][counts[i]:], func(e int) bool {
		at := g.all[e].At
		return !at.Before(b.leaves) && at.Before(gone)
	})
}

// mayLeave tells whether no event of the occurrence's source outside of the
// down-set comes before it leaves.
func (s *Judge) mayLeave(o *machine.Occurrence, leaves order.Instant, counts []uint16, g *groups) bool {
	for i, n := range counts {
		if name := g.names[i]; !name.chain || name.of != int64(o.Source) || int(n) == len(g.events[i]) {
			continue
		}
		if e := &g.all[g.events[i][n]]; leavesAfter(o, leaves, e, g.skew) {
			return false
		}
	}
	return true
}
