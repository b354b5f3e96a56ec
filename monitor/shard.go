package monitor

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/wtsim/wtsim/event"
)

// Several streams can share the work: each is given all events, in the same
// order, and judges a part of the instances.
//
//  1. Where all events of a property bind one variable, its value decides
//     which part an event is of. Events of different values are in no slice
//     together, but for that of the empty binding, which has none.
//  2. A property without such a variable is in one part.
//  3. Order, lateness and duplicates are the same for all parts; the first
//     one tells of what is malformed and late.
//
// So what all parts tell, merged, is what one stream would tell.

// Shardable reports whether several parts would share the work: whether there
// is more than one property, or one with a variable that all its events bind.
func (p *Program) Shardable() bool {
	return len(p.plans) > 1 || len(p.plans) == 1 && p.plans[0].common >= 0
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

// shardKey is the same in all processes: parts must agree.
var shardKey = hashKey{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9, 0x27d4eb2f165667c5}

// shard is a part of the instances.
type shard struct {
	number, of int
	buffer     []byte
}

// has tells whether an event is of this part, for one property.
func (x *shard) has(plan int, common int, l *letter, e *event.Event) bool {
	if x.of < 2 {
		return true
	}
	if common < 0 {
		return plan%x.of == x.number
	}
	for _, b := range l.Binds {
		if b.Variable == common {
			v, _ := e.Data.Get(b.Param)
			x.buffer = append(append(x.buffer[:0], byte(v.Kind())), v.Canonical().Text()...)
			hash, _ := shardKey.sum(x.buffer)
			return int(hash%uint64(x.of)) == x.number
		}
	}
	panic("monitor: a common variable is bound by all letters")
}

// MergeFindings puts what the parts of a sharded stream told of the same
// events into the order in which one stream would have told it.
func MergeFindings(parts ...[]Finding) []Finding {
	all := slices.Concat(parts...)
	if len(all) < 2 {
		return all
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		if c := cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.Kind.place(), b.Kind.place()), a.at.compare(b.at)); c != 0 {
			return c
		}
		if c := cmp.Compare(a.Violation.Property, b.Violation.Property); c != 0 {
			return c
		}
		return bytes.Compare(event.Data(a.Violation.Binding).AppendJSON(nil), event.Data(b.Violation.Binding).AppendJSON(nil))
	})
	return all
}

// place is the order of kinds at one event, and at the end.
func (k FindingKind) place() int {
	switch k {
	case FoundViolation:
		return 1
	case FoundUndecided:
		return 2
	}
	return 0
}

// MergeSummaries adds up the summaries of the parts of a sharded stream.
func MergeSummaries(parts ...Summary) Summary {
	sum := parts[0]
	for _, p := range parts[1:] {
		sum.Violations += p.Violations
		sum.Expired += p.Expired
		sum.Instances += p.Instances
		sum.Undecided += p.Undecided
	}
	sum.Verdict = sum.verdict()
	return sum
}
