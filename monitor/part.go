package monitor

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/order"
)

// Several streams can share the work. Each judges a part of the instances and
// is given its own events, and ticks of time:
//
//  1. What a property's parts are is a box ([cube]) that has so many places along
//     each variable; a hash of the value says which. An instance that binds all
//     variables is in one share, and an event in all those that agree with what
//     it binds. So a share has the whole slice of each instance that is in it,
//     and of all that this contains (Schneider, Basin, Krstic, Traytel: shares
//     of a hypercube). Where all events bind one variable, the box is as long as
//     there are parts along that one, and no event is in two shares.
//  2. An instance that binds some variables is in all shares along the others,
//     and belongs to the first of these: that one counts and tells it.
//  3. An event goes to each part that is one of some property's. The first of
//     them is its home: that one counts it, and tells what is malformed or
//     late in it; the others have it as a guest. What lacks a variable goes to
//     the first share.
//  4. Order and lateness are found by each part in what it is given. A part
//     that gets a tick of the source in place of each event of other parts
//     finds what one stream would find (see [Parts.Share]), and merged, what
//     the parts find is what that one would. A part that is given fewer ticks
//     has another order between events of one source whose clock goes back,
//     and settles later.

// Divisible reports whether several parts would share the work, none of it
// twice: whether there is more than one property, or one with a variable that all
// its events bind.
func (p *Program) Divisible() bool {
	return len(p.plans) > 1 || len(p.plans) == 1 && p.plans[0].hasCommon()
}

// Parts is how the instances of a program are shared out. It does not change, and
// is the same in every process: who hands out events needs nothing of those who
// judge them.
type Parts struct {
	program *Program
	n       int
	cubes   []cube // by plan
}

// Parts returns how the instances are shared out among a number of parts.
func (p *Program) Parts(n int) *Parts {
	d := &Parts{p, max(n, 1), make([]cube, len(p.plans))}
	for i := range p.plans {
		d.cubes[i] = p.plans[i].cube(d.n)
	}
	return d
}

// Route appends the parts that an event goes to, ascending, the first of which
// is its home; none if no property has its type in the alphabet.
func (d *Parts) Route(to []int, e *event.Event) []int {
	from := len(to)
	for _, r := range d.program.routesOf(e.Type) {
		d.cubes[r.plan].each(&d.program.plans[r.plan].letters[r.letter], e, func(part int) {
			if at, there := slices.BinarySearch(to[from:], part); !there {
				to = slices.Insert(to, from+at, part)
			}
		})
	}
	return to
}

// Share appends what one of the parts is given of some inputs, so that the
// parts together find what one stream would: its own events, and ticks in
// place of all others. The inputs have been looked at by one stream (see
// [Stream.Look]) for all parts. What no property wants, what came before, and
// what is no event, is the first part's.
func (d *Parts) Share(to []Input, all []Input, part int) []Input {
	for i := range all {
		x := &all[i]
		isEvent := x.Why == "" && !x.Tick && x.sight == order.SeenFirst
		own, home := part == 0, true
		if isEvent {
			own, home = d.has(part, &x.Event)
		}
		if own || x.Tick {
			to = append(to, *x)
			to[len(to)-1].Guest = !home
			continue
		}
		to = append(to, Input{Tick: true, Line: x.Line})
		if tick := &to[len(to)-1].Event; isEvent {
			tick.Source, tick.Sequence, tick.Time, tick.Lossy = x.Event.Source, x.Event.Sequence, x.Event.Time, x.Event.Lossy
		}
	}
	return to
}

// has tells whether an event goes to a part, and whether that is its home.
func (d *Parts) has(part int, e *event.Event) (own, home bool) {
	var room [16]int
	to := d.Route(room[:0], e)
	if len(to) == 0 {
		return part == 0, true
	}
	return slices.Contains(to, part), to[0] == part
}

// homeOf is a number of a property that its name alone decides: what is not
// divided is in the same part whatever other properties there are.
func homeOf(name string) uint64 {
	key := partKey()
	hash, _ := key.Sum([]byte(name))
	return hash
}

// partKey is the same in all processes: parts must agree.
func partKey() order.Key {
	return order.Key{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9, 0x27d4eb2f165667c5}
}

// MergeFindings puts what the parts of a stream found in the same
// inputs into the order in which one stream would have found it.
func MergeFindings(parts ...[]Finding) []Finding {
	all := slices.Concat(parts...)
	if len(all) < 2 {
		return all
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		if c := cmp.Or(cmp.Compare(a.input, b.input), cmp.Compare(a.Kind.place(), b.Kind.place()), a.at.Compare(b.at)); c != 0 {
			return c
		}
		if c := cmp.Compare(a.Violation.Property, b.Violation.Property); c != 0 {
			return c
		}
		return bytes.Compare(event.Data(a.Violation.Binding).AppendJSON(nil), event.Data(b.Violation.Binding).AppendJSON(nil))
	})
	return all
}

// MergeSummaries adds up the summaries of the parts of a stream.
func MergeSummaries(parts ...Summary) Summary {
	sum := parts[0]
	for _, p := range parts[1:] {
		sum.Events += p.Events
		sum.Violations += p.Violations
		sum.Malformed += p.Malformed
		sum.Late += p.Late
		sum.Duplicates += p.Duplicates
		sum.Expired += p.Expired
		sum.Instances += p.Instances
		sum.Undecided += p.Undecided
		sum.Owed += p.Owed
		sum.Lossy = sum.Lossy || p.Lossy
	}
	sum.Verdict = sum.verdict()
	return sum
}
