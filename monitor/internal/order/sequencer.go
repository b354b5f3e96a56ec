package order

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/monitor/internal/codec"
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

// Moment is where and when an event happened.
type Moment struct {
	Source int32
	At     Instant // effective
	Time   Instant // by its source's clock
}

// Waiter is an event that waits until no earlier one can come, with what its
// judge needs of it.
type Waiter[T any] struct {
	Moment
	Rank  rank
	Moved bool // stands in the queue a second time, where it belongs
	Item  T
}

// Origin is a source: its events that wait, in its order.
type Origin[T any] struct {
	anchor  place // of the last event that came
	waiting []*Waiter[T]
	gone    rank    // of the last that was released
	goneAt  Instant // its effective time
	any     bool    // one was released
	Last    string  // whatever the judge notes of the last that was released
}

// Sequencer brings events into exact order.
//
// Calling order: place, then release until it returns nothing.
type Sequencer[T any] struct {
	Origins  []Origin[T] // by source
	inOrder  queue[T]
	stray    straggler[T]
	arrivals uint64
	free     []*Waiter[T]
}

// Take returns a waiter to be filled in and placed.
func (q *Sequencer[T]) Take() *Waiter[T] {
	if n := len(q.free); n > 0 {
		w := q.free[n-1]
		q.free = q.free[:n-1]
		return w
	}
	return &Waiter[T]{}
}

func (q *Sequencer[T]) Origin(source int32) *Origin[T] {
	for int(source) >= len(q.Origins) {
		q.Origins = append(q.Origins, Origin[T]{})
	}
	return &q.Origins[source]
}

// RankOf gives the next event of a source its place.
func (q *Sequencer[T]) RankOf(o *Origin[T], sequence string) rank {
	if sequence != "" {
		o.anchor = placeOf(sequence)
	}
	q.arrivals++
	return rank{o.anchor, q.arrivals}
}

// Effective returns when an event happened, given what is known of its
// source; settled means that a later one of its source was released already.
func (o *Origin[T]) Effective(r rank, at Instant) (effective Instant, settled bool) {
	i := o.position(r)
	switch {
	case i > 0:
		return Later(at, o.waiting[i-1].At), false
	case !o.any:
		return at, false
	}
	return Later(at, o.goneAt), r.compare(o.gone) < 0
}

// position is where a rank stands among those that wait: nearly always last.
func (o *Origin[T]) position(r rank) int {
	i := len(o.waiting)
	for i > 0 && o.waiting[i-1].Rank.compare(r) > 0 {
		i--
	}
	return i
}

// Place lets an event wait. Those after it in its source cannot be earlier.
func (q *Sequencer[T]) Place(w *Waiter[T]) {
	o := &q.Origins[w.Source]
	i := o.position(w.Rank)
	o.waiting = slices.Insert(o.waiting, i, w)
	q.push(w)
	for i++; i < len(o.waiting) && o.waiting[i].At.Before(w.At); i++ {
		old := o.waiting[i]
		moved := *old
		moved.At = w.At
		old.Moved = true
		o.waiting[i] = &moved
		q.push(&moved)
	}
}

func (q *Sequencer[T]) push(w *Waiter[T]) {
	if last := q.inOrder.last(); last == nil || !before(w, last) {
		q.inOrder.push(w)
	} else {
		heap.Push(&q.stray, w)
	}
}

// before is exact order, save for sources whose events hold several places at
// one time.
func before[T any](a, b *Waiter[T]) bool {
	if c := a.At.Compare(b.At); c != 0 {
		return c < 0
	}
	return a.Rank.arrival < b.Rank.arrival
}

// first returns the earliest event that waits.
func (q *Sequencer[T]) first() *Waiter[T] {
	for {
		a, b := q.inOrder.first(), q.stray.first()
		w := a
		if a == nil || b != nil && before(b, a) {
			w = b
		}
		if w == nil || !w.Moved {
			return w
		}
		q.pop(w) // not given back: its memory is that of its second self
	}
}

// Earliest returns the time of the earliest event that waits.
func (q *Sequencer[T]) Earliest() (at Instant, ok bool) {
	if w := q.first(); w != nil {
		return w.At, true
	}
	return at, false
}

func (q *Sequencer[T]) pop(w *Waiter[T]) {
	if w == q.inOrder.first() {
		q.inOrder.pop()
	} else {
		heap.Pop(&q.stray)
	}
}

// GiveBack takes a waiter that was released, for the next one: its item is
// overwritten then.
func (q *Sequencer[T]) GiveBack(w *Waiter[T]) {
	*w = Waiter[T]{Item: w.Item}
	q.free = append(q.free, w)
}

// Next returns how many stand in the queue that is nearly all, from its first.
func (q *Sequencer[T]) Next() []*Waiter[T] { return q.inOrder.all[q.inOrder.head:] }

// EachItem visits what waits, each once. What was moved in its source shares
// its item's memory with its second self.
func (q *Sequencer[T]) EachItem(visit func(*T)) {
	for i := range q.Origins {
		for _, w := range q.Origins[i].waiting {
			visit(&w.Item)
		}
	}
}

// EachSource visits and replaces the sources of what waits.
func (q *Sequencer[T]) EachSource(visit func(int32) int32) {
	for i := range q.Origins {
		for _, w := range q.Origins[i].waiting {
			w.Source = visit(w.Source)
		}
	}
}

// Release appends the events of the earliest time, in exact order, if it is
// before the limit; nil means no limit.
func (q *Sequencer[T]) Release(group []*Waiter[T], limit *Instant) []*Waiter[T] {
	first := q.first()
	if first == nil || limit != nil && !first.At.Before(*limit) {
		return group
	}
	from, at, alike := len(group), first.At, false
	for w := first; w != nil && w.At == at; w = q.first() {
		q.pop(w)
		group = append(group, w)
		alike = alike || len(group) > from+1
	}
	if alike {
		inPlaces(group[from:])
	}
	for _, w := range group[from:] {
		o := &q.Origins[w.Source]
		o.waiting[0] = nil
		o.waiting = o.waiting[1:]
		o.gone, o.goneAt, o.any = w.Rank, w.At, true
	}
	return group
}

// inPlaces puts the events of each source in its order, in the places that
// they hold together.
func inPlaces[T any](group []*Waiter[T]) {
	bySource := slices.Clone(group)
	slices.SortStableFunc(bySource, func(a, b *Waiter[T]) int {
		if a.Source != b.Source {
			return int(a.Source) - int(b.Source)
		}
		return a.Rank.compare(b.Rank)
	})
	next := map[int32]int{}
	for i := len(bySource) - 1; i >= 0; i-- {
		next[bySource[i].Source] = i
	}
	for i, w := range slices.Clone(group) {
		group[i] = bySource[next[w.Source]]
		next[w.Source]++
	}
}

// queue is first in, first out.
type queue[T any] struct {
	all  []*Waiter[T]
	head int
}

func (q *queue[T]) push(w *Waiter[T]) {
	if q.head > 1024 && 2*q.head > len(q.all) {
		n := copy(q.all, q.all[q.head:])
		clear(q.all[n:])
		q.all, q.head = q.all[:n], 0
	}
	q.all = append(q.all, w)
}

func (q *queue[T]) first() *Waiter[T] {
	if q.head == len(q.all) {
		return nil
	}
	return q.all[q.head]
}

func (q *queue[T]) last() *Waiter[T] {
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
type straggler[T any] []*Waiter[T]

func (h straggler[T]) Len() int           { return len(h) }
func (h straggler[T]) Less(i, j int) bool { return before(h[i], h[j]) }
func (h straggler[T]) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is for package heap.
func (h *straggler[T]) Push(x any) { *h = append(*h, x.(*Waiter[T])) }

// Pop is for package heap.
func (h *straggler[T]) Pop() any {
	old := *h
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return w
}

func (h straggler[T]) first() *Waiter[T] {
	if len(h) == 0 {
		return nil
	}
	return h[0]
}

// Silent tells whether nothing of a source waits, and all of it was before a
// time.
func (o *Origin[T]) Silent(before Instant) bool {
	return len(o.waiting) == 0 && o.any && o.goneAt.Before(before)
}

// Newest returns the time of a source's last event that was released.
func (o *Origin[T]) Newest() (at Instant, any bool) { return o.goneAt, o.any }

// Keep forgets all sources but the live ones, and numbers these anew.
func (q *Sequencer[T]) Keep(live []bool) {
	var origins []Origin[T]
	for n := range live {
		if live[n] {
			origins = append(origins, *q.Origin(int32(n)))
		}
	}
	q.Origins = origins
}

// Encode writes what is known of sources but for what waits.
func (q *Sequencer[T]) Encode(e *codec.Encoder, from *Sources) {
	e.Uint(q.arrivals)
	e.Count(len(from.Names))
	for i, name := range from.Names {
		e.Text(name)
		o := q.Origin(int32(i))
		o.anchor.encode(e)
		o.gone.encode(e)
		o.goneAt.Encode(e)
		e.Bool(o.any)
		e.Text(o.Last)
	}
}

func (q *Sequencer[T]) Decode(d *codec.Decoder, into *Sources) {
	q.arrivals = d.Uint()
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		name := d.Text()
		known := len(into.Names)
		if i := into.Number(name); int(i) < known {
			d.Fail("a source occurs twice")
			return
		}
		o := q.Origin(int32(known))
		o.anchor, o.gone, o.goneAt, o.any, o.Last = decodePlace(d), decodeRank(d), DecodeInstant(d), d.Bool(), d.Text()
	}
}

// EncodeWaiting writes what waits, in exact order but for places that sources
// hold together.
func (q *Sequencer[T]) EncodeWaiting(e *codec.Encoder, item func(*T)) {
	for i := range q.Origins {
		e.Count(len(q.Origins[i].waiting))
		for _, w := range q.Origins[i].waiting {
			w.At.Encode(e)
			w.Time.Encode(e)
			w.Rank.encode(e)
			item(&w.Item)
		}
	}
}

func (q *Sequencer[T]) DecodeWaiting(d *codec.Decoder, item func(*T)) {
	var all []*Waiter[T]
	for i := range q.Origins {
		for n := d.Count(); n > 0 && d.Err == nil; n-- {
			w := &Waiter[T]{Moment: Moment{int32(i), DecodeInstant(d), DecodeInstant(d)}, Rank: decodeRank(d)}
			item(&w.Item)
			q.Origins[i].waiting = append(q.Origins[i].waiting, w)
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b *Waiter[T]) int {
		if before(a, b) {
			return -1
		}
		return 1
	})
	for _, w := range all {
		q.inOrder.push(w)
	}
}

func (p place) encode(e *codec.Encoder) {
	e.Uint(p.short)
	e.Text(p.long)
}

func decodePlace(d *codec.Decoder) place { return place{d.Uint(), d.Text()} }

func (r rank) encode(e *codec.Encoder) {
	r.anchor.encode(e)
	e.Uint(r.arrival)
}

func decodeRank(d *codec.Decoder) rank { return rank{decodePlace(d), d.Uint()} }
