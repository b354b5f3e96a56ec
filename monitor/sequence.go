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

// moment is where and when an event happened.
type moment struct {
	source int32
	at     instant // effective
	time   instant // by its source's clock
}

// waiter is an event that waits until no earlier one can come, with what its
// judge needs of it.
type waiter[T any] struct {
	moment
	rank  rank
	moved bool // stands in the queue a second time, where it belongs
	item  T
}

// origin is a source: its events that wait, in its order.
type origin[T any] struct {
	anchor  place // of the last event that came
	waiting []*waiter[T]
	gone    rank    // of the last that was released
	goneAt  instant // its effective time
	any     bool    // one was released
}

// sequencer brings events into exact order.
//
// Calling order: place, then release until it returns nothing.
type sequencer[T any] struct {
	origins  []origin[T] // by source
	inOrder  queue[T]
	stray    straggler[T]
	arrivals uint64
	free     []*waiter[T]
}

// take returns a waiter to be filled in and placed.
func (q *sequencer[T]) take() *waiter[T] {
	if n := len(q.free); n > 0 {
		w := q.free[n-1]
		q.free = q.free[:n-1]
		return w
	}
	return &waiter[T]{}
}

func (q *sequencer[T]) origin(source int32) *origin[T] {
	for int(source) >= len(q.origins) {
		q.origins = append(q.origins, origin[T]{})
	}
	return &q.origins[source]
}

// rankOf gives the next event of a source its place.
func (q *sequencer[T]) rankOf(o *origin[T], sequence string) rank {
	if sequence != "" {
		o.anchor = placeOf(sequence)
	}
	q.arrivals++
	return rank{o.anchor, q.arrivals}
}

// effective returns when an event happened, given what is known of its
// source; settled means that a later one of its source was released already.
func (o *origin[T]) effective(r rank, at instant) (effective instant, settled bool) {
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
func (o *origin[T]) position(r rank) int {
	i := len(o.waiting)
	for i > 0 && o.waiting[i-1].rank.compare(r) > 0 {
		i--
	}
	return i
}

// place lets an event wait. Those after it in its source cannot be earlier.
func (q *sequencer[T]) place(w *waiter[T]) {
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

func (q *sequencer[T]) push(w *waiter[T]) {
	if last := q.inOrder.last(); last == nil || !before(w, last) {
		q.inOrder.push(w)
	} else {
		heap.Push(&q.stray, w)
	}
}

// before is exact order, save for sources whose events hold several places at
// one time.
func before[T any](a, b *waiter[T]) bool {
	if c := a.at.compare(b.at); c != 0 {
		return c < 0
	}
	return a.rank.arrival < b.rank.arrival
}

// first returns the earliest event that waits.
func (q *sequencer[T]) first() *waiter[T] {
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

func (q *sequencer[T]) pop(w *waiter[T]) {
	if w == q.inOrder.first() {
		q.inOrder.pop()
	} else {
		heap.Pop(&q.stray)
	}
}

// giveBack takes a waiter that was released, for the next one: its item is
// overwritten then.
func (q *sequencer[T]) giveBack(w *waiter[T]) {
	*w = waiter[T]{item: w.item}
	q.free = append(q.free, w)
}

// next returns how many stand in the queue that is nearly all, from its first.
func (q *sequencer[T]) next() []*waiter[T] { return q.inOrder.all[q.inOrder.head:] }

// eachItem visits what waits, each once. What was moved in its source shares
// its item's memory with its second self.
func (q *sequencer[T]) eachItem(visit func(*T)) {
	for i := range q.origins {
		for _, w := range q.origins[i].waiting {
			visit(&w.item)
		}
	}
}

// eachSource visits and replaces the sources of what waits.
func (q *sequencer[T]) eachSource(visit func(int32) int32) {
	for i := range q.origins {
		for _, w := range q.origins[i].waiting {
			w.source = visit(w.source)
		}
	}
}

// release appends the events of the earliest time, in exact order, if it is
// before the limit; nil means no limit.
func (q *sequencer[T]) release(group []*waiter[T], limit *instant) []*waiter[T] {
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
func inPlaces[T any](group []*waiter[T]) {
	bySource := slices.Clone(group)
	slices.SortStableFunc(bySource, func(a, b *waiter[T]) int {
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
type queue[T any] struct {
	all  []*waiter[T]
	head int
}

func (q *queue[T]) push(w *waiter[T]) {
	if q.head > 1024 && 2*q.head > len(q.all) {
		n := copy(q.all, q.all[q.head:])
		clear(q.all[n:])
		q.all, q.head = q.all[:n], 0
	}
	q.all = append(q.all, w)
}

func (q *queue[T]) first() *waiter[T] {
	if q.head == len(q.all) {
		return nil
	}
	return q.all[q.head]
}

func (q *queue[T]) last() *waiter[T] {
	if q.head == len(q.all) {
		return nil
	}
	return q.all[len(q.all)-1]
}

func (q *queue[T]) pop() {
	q.all[q.head] = nil
	if q.head++; q.head == len(q.all) {
		q.all, q.head = q.all[:0], 0
	}
}

// straggler is a heap of the events that came behind later ones.
type straggler[T any] []*waiter[T]

func (h straggler[T]) Len() int           { return len(h) }
func (h straggler[T]) Less(i, j int) bool { return before(h[i], h[j]) }
func (h straggler[T]) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is for package heap.
func (h *straggler[T]) Push(x any) { *h = append(*h, x.(*waiter[T])) }

// Pop is for package heap.
func (h *straggler[T]) Pop() any {
	old := *h
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return w
}

func (h straggler[T]) first() *waiter[T] {
	if len(h) == 0 {
		return nil
	}
	return h[0]
}

// silent tells whether nothing of a source waits, and all of it was before a
// time.
func (o *origin[T]) silent(before instant) bool {
	return len(o.waiting) == 0 && o.any && o.goneAt.before(before)
}

// newest returns the time of a source's last event that was released.
func (o *origin[T]) newest() (at instant, any bool) { return o.goneAt, o.any }

// keep forgets all sources but the live ones, and numbers these anew.
func (q *sequencer[T]) keep(live []bool) {
	var origins []origin[T]
	for n := range live {
		if live[n] {
			origins = append(origins, *q.origin(int32(n)))
		}
	}
	q.origins = origins
}

// encode writes what is known of sources but for what waits.
func (q *sequencer[T]) encode(e *encoder, from *sources) {
	e.uint(q.arrivals)
	e.count(len(from.names))
	for i, name := range from.names {
		e.text(name)
		o := q.origin(int32(i))
		o.anchor.encode(e)
		o.gone.encode(e)
		o.goneAt.encode(e)
		e.bool(o.any)
	}
}

func (q *sequencer[T]) decode(d *decoder, into *sources) {
	q.arrivals = d.uint()
	for n := d.count(); n > 0 && d.err == nil; n-- {
		name := d.text()
		known := len(into.names)
		if i := into.number(name); int(i) < known {
			d.fail("a source occurs twice")
			return
		}
		o := q.origin(int32(known))
		o.anchor, o.gone, o.goneAt, o.any = decodePlace(d), decodeRank(d), decodeInstant(d), d.bool()
	}
}

// encodeWaiting writes what waits, in exact order but for places that sources
// hold together.
func (q *sequencer[T]) encodeWaiting(e *encoder, item func(*T)) {
	for i := range q.origins {
		e.count(len(q.origins[i].waiting))
		for _, w := range q.origins[i].waiting {
			w.at.encode(e)
			w.time.encode(e)
			w.rank.encode(e)
			item(&w.item)
		}
	}
}

func (q *sequencer[T]) decodeWaiting(d *decoder, item func(*T)) {
	var all []*waiter[T]
	for i := range q.origins {
		for n := d.count(); n > 0 && d.err == nil; n-- {
			w := &waiter[T]{moment: moment{int32(i), decodeInstant(d), decodeInstant(d)}, rank: decodeRank(d)}
			item(&w.item)
			q.origins[i].waiting = append(q.origins[i].waiting, w)
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b *waiter[T]) int {
		if before(a, b) {
			return -1
		}
		return 1
	})
	for _, w := range all {
		q.inOrder.push(w)
	}
}

func (p place) encode(e *encoder) {
	e.uint(p.short)
	e.text(p.long)
}

func decodePlace(d *decoder) place { return place{d.uint(), d.text()} }

func (r rank) encode(e *encoder) {
	r.anchor.encode(e)
	e.uint(r.arrival)
}

func decodeRank(d *decoder) rank { return rank{decodePlace(d), d.uint()} }
