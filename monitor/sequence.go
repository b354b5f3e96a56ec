package monitor

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"strings"
)

// rank is an event's place in its source: by sequence; one without a sequence
// stands after the event that came before it in the input, which is its
// anchor.
type rank struct {
	anchor  place
	arrival uint64
}

// place is a sequence, of any length; the zero place is before all.
type place struct {
	short uint64 // the number + 1, if it has at most 18 digits
	long  string // else its digits
}

func placeOf(sequence string) place {
	digits := strings.TrimLeft(sequence, "0")
	if len(digits) > 18 {
		return place{math.MaxUint64, strings.Clone(digits)}
	}
	var n uint64
	for _, c := range []byte(digits) {
		n = n*10 + uint64(c-'0')
	}
	return place{short: n + 1}
}

func (r rank) compare(q rank) int {
	if c := cmp.Compare(r.anchor.short, q.anchor.short); c != 0 {
		return c
	}
	if c := cmp.Compare(len(r.anchor.long), len(q.anchor.long)); c != 0 {
		return c
	}
	if c := strings.Compare(r.anchor.long, q.anchor.long); c != 0 {
		return c
	}
	return cmp.Compare(r.arrival, q.arrival)
}

// waiter is an event that waits until no earlier one can come.
type waiter struct {
	occurrence
	rank   rank
	values []symbol // the memory of what is routed
	moved  bool     // stands in the queue a second time, where it belongs
}

// origin is a source: its events that wait, in its order.
type origin struct {
	anchor  place // of the last event that came
	waiting []*waiter
	gone    rank    // of the last that was released
	goneAt  instant // its effective time
	any     bool    // one was released
}

// sequencer brings events into exact order.
//
// Calling order: place, then release until it returns nothing.
type sequencer struct {
	origins  []origin // by source
	inOrder  queue
	stray    straggler
	arrivals uint64
	free     []*waiter
}

// take returns a waiter to be filled in and placed.
func (q *sequencer) take() *waiter {
	if n := len(q.free); n > 0 {
		w := q.free[n-1]
		q.free = q.free[:n-1]
		return w
	}
	return &waiter{}
}

func (q *sequencer) origin(source int32) *origin {
	for int(source) >= len(q.origins) {
		q.origins = append(q.origins, origin{})
	}
	return &q.origins[source]
}

// rankOf gives the next event of a source its place.
func (q *sequencer) rankOf(o *origin, sequence string) rank {
	if sequence != "" {
		o.anchor = placeOf(sequence)
	}
	q.arrivals++
	return rank{o.anchor, q.arrivals}
}

// effective returns when an event happened, given what is known of its
// source; settled means that a later one of its source was released already.
func (o *origin) effective(r rank, at instant) (effective instant, settled bool) {
	i := o.position(r)
	switch {
	case i > 0:
		return later(at, o.waiting[i-1].at), false
	case !o.any:
		return at, false
	}
	return later(at, o.goneAt), r.compare(o.gone) < 0
}

// position is where a rank stands among those that wait: nearly always last.
func (o *origin) position(r rank) int {
	i := len(o.waiting)
	for i > 0 && o.waiting[i-1].rank.compare(r) > 0 {
		i--
	}
	return i
}

func later(a, b instant) instant {
	if a.before(b) {
		return b
	}
	return a
}

// place lets an event wait. Those after it in its source cannot be earlier.
func (q *sequencer) place(w *waiter) {
	o := &q.origins[w.source]
	i := o.position(w.rank)
	o.waiting = slices.Insert(o.waiting, i, w)
	q.push(w)
	for i++; i < len(o.waiting) && o.waiting[i].at.before(w.at); i++ {
		old := o.waiting[i]
		moved := *old
		moved.at = w.at
		old.moved = true
		o.waiting[i] = &moved
		q.push(&moved)
	}
}

func (q *sequencer) push(w *waiter) {
	if last := q.inOrder.last(); last == nil || !before(w, last) {
		q.inOrder.push(w)
	} else {
		heap.Push(&q.stray, w)
	}
}

// before is exact order, save for sources whose events hold several places at
// one time.
func before(a, b *waiter) bool {
	if c := a.at.compare(b.at); c != 0 {
		return c < 0
	}
	return a.rank.arrival < b.rank.arrival
}

// first returns the earliest event that waits.
func (q *sequencer) first() *waiter {
	for {
		a, b := q.inOrder.first(), q.stray.first()
		w := a
		if a == nil || b != nil && before(b, a) {
			w = b
		}
		if w == nil || !w.moved {
			return w
		}
		q.pop(w) // not given back: its memory is that of its second self
	}
}

func (q *sequencer) pop(w *waiter) {
	if w == q.inOrder.first() {
		q.inOrder.pop()
	} else {
		heap.Pop(&q.stray)
	}
}

func (q *sequencer) giveBack(w *waiter) {
	*w = waiter{occurrence: occurrence{routed: w.routed[:0]}, values: w.values[:0]}
	q.free = append(q.free, w)
}

// release appends the events of the earliest time, in exact order, if it is
// before the limit; nil means no limit.
func (q *sequencer) release(group []*waiter, limit *instant) []*waiter {
	first := q.first()
	if first == nil || limit != nil && !first.at.before(*limit) {
		return group
	}
	from, at, alike := len(group), first.at, false
	for w := first; w != nil && w.at == at; w = q.first() {
		q.pop(w)
		group = append(group, w)
		alike = alike || len(group) > from+1
	}
	if alike {
		inPlaces(group[from:])
	}
	for _, w := range group[from:] {
		o := &q.origins[w.source]
		o.waiting[0] = nil
		o.waiting = o.waiting[1:]
		o.gone, o.goneAt, o.any = w.rank, w.at, true
	}
	return group
}

// inPlaces puts the events of each source in its order, in the places that
// they hold together.
func inPlaces(group []*waiter) {
	bySource := slices.Clone(group)
	slices.SortStableFunc(bySource, func(a, b *waiter) int {
		if a.source != b.source {
			return int(a.source) - int(b.source)
		}
		return a.rank.compare(b.rank)
	})
	next := map[int32]int{}
	for i := len(bySource) - 1; i >= 0; i-- {
		next[bySource[i].source] = i
	}
	for i, w := range slices.Clone(group) {
		group[i] = bySource[next[w.source]]
		next[w.source]++
	}
}

// queue is first in, first out.
type queue struct {
	all  []*waiter
	head int
}

func (q *queue) push(w *waiter) {
	if q.head > 1024 && 2*q.head > len(q.all) {
		n := copy(q.all, q.all[q.head:])
		clear(q.all[n:])
		q.all, q.head = q.all[:n], 0
	}
	q.all = append(q.all, w)
}

func (q *queue) first() *waiter {
	if q.head == len(q.all) {
		return nil
	}
	return q.all[q.head]
}

func (q *queue) last() *waiter {
	if q.head == len(q.all) {
		return nil
	}
	return q.all[len(q.all)-1]
}

func (q *queue) pop() {
	q.all[q.head] = nil
	if q.head++; q.head == len(q.all) {
		q.all, q.head = q.all[:0], 0
	}
}

// straggler is a heap of the events that came behind later ones.
type straggler []*waiter

func (h straggler) Len() int           { return len(h) }
func (h straggler) Less(i, j int) bool { return before(h[i], h[j]) }
func (h straggler) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is for package heap.
func (h *straggler) Push(x any) { *h = append(*h, x.(*waiter)) }

// Pop is for package heap.
func (h *straggler) Pop() any {
	old := *h
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return w
}

func (h straggler) first() *waiter {
	if len(h) == 0 {
		return nil
	}
	return h[0]
}
