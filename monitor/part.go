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
//  1. Where all events of a property bind one variable, its value decides
//     which part an event is of. Events of different values are in no slice
//     together, but for that of the empty binding, which has none.
//  2. A property without such a variable is in one part, which its name
//     decides; so is what lacks the variable.
//  3. An event goes to each part that is one of some property's. The first of
//     them is its home: that one counts it, and tells what is malformed or
//     late in it; the others have it as a guest.
//  4. Order and lateness are found by each part in what it is given. A part
//     that gets a tick of the source in place of each event of other parts
//     finds what one stream would find (see [Program.Share]), and merged, what
//     the parts find is what that one would. A part that is given fewer ticks
//     has another order between events of one source whose clock goes back,
//     and settles later.

// Divisible reports whether several parts would share the work: whether there
// is more than one property, or one with a variable that all its events bind.
func (p *Program) Divisible() bool {
	return len(p.plans) > 1 || len(p.plans) == 1 && p.plans[0].common >= 0
}

// Route appends the parts that an event goes to, ascending, the first of which
// is its home; none if no property has its type in the alphabet. It is the
// same in every process: who hands out events needs nothing of those who judge
// them.
func (p *Program) Route(to []int, e *event.Event, parts int) []int {
	from := len(to)
	var room [64]byte
	for _, r := range p.routesOf(e.Type) {
		pl := &p.plans[r.plan]
		n := partOf(parts, pl.home, pl.common, &pl.letters[r.letter], e, room[:0])
		if at, there := slices.BinarySearch(to[from:], n); !there {
			to = slices.Insert(to, from+at, n)
		}
	}
	return to
}

// Share appends what one of several parts is given of some inputs, so that the
// parts together find what one stream would: its own events, and ticks in
// place of all others. The inputs have been looked at by one stream (see
// [Stream.Look]) for all parts. What no property wants, what came before, and
// what is no event, is the first part's.
func (p *Program) Share(to []Input, all []Input, part, parts int) []Input {
	for i := range all {
		x := &all[i]
		isEvent := x.Why == "" && !x.Tick && x.sight == order.SeenFirst
		own, home := part == 0, true
		if isEvent {
			own, home = p.has(part, parts, &x.Event)
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
func (p *Program) has(part, parts int, e *event.Event) (own, home bool) {
	first := parts
	var room [64]byte
	for _, r := range p.routesOf(e.Type) {
		pl := &p.plans[r.plan]
		n := partOf(parts, pl.home, pl.common, &pl.letters[r.letter], e, room[:0])
		own, first = own || n == part, min(first, n)
	}
	if first == parts {
		return part == 0, true
	}
	return own, first == part
}

// commonVariable returns the first variable that all events bind; -1 if there
// is none.
func (pl *plan) commonVariable() int {
	common := ^set(0)
	for i := range pl.letters {
		common &= pl.letters[i].vars
	}
	if len(pl.letters) == 0 || common == 0 {
		return -1
	}
	v, _ := common.first()
	return v
}

// partKey is the same in all processes: parts must agree.
func partKey() order.Key {
	return order.Key{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9, 0x27d4eb2f165667c5}
}

// homeOf is a number of a property that its name alone decides: what is not
// divided is in the same part whatever other properties there are.
func homeOf(name string) uint64 {
	key := partKey()
	hash, _ := key.Sum([]byte(name))
	return hash
}

// part is a part of the instances.
type part struct{ number, of int }

// has tells whether an event is of this part, for one property.
func (x part) has(home uint64, common int, l *letter, e *event.Event) bool {
	var room [64]byte
	return partOf(x.of, home, common, l, e, room[:0]) == x.number
}

// partOf returns the part that an event is of, for one property.
func partOf(parts int, home uint64, common int, l *letter, e *event.Event, buffer []byte) int {
	if parts < 2 {
		return 0
	}
	for _, b := range l.Binds {
		if b.Variable != common {
			continue
		}
		if v, ok := b.Of(e.Data); ok && v.CanBind() {
			buffer = append(append(buffer, byte(v.Kind())), v.Canonical().Text()...)
			key := partKey()
			hash, _ := key.Sum(buffer)
			return int(hash % uint64(parts))
		}
	}
	return int(home % uint64(parts))
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
