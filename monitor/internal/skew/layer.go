package skew

import (
	"math/bits"
	"slices"
	"time"

	"github.com/wtsim/wtsim/monitor/internal/order"
)

// groups are the events that down-sets are made of.
type groups struct {
	all    []Pending
	names  []groupName
	events [][]int  // by group: where its events stand in all, by time
	stride []uint64 // of a count in the key of a down-set
	skew   time.Duration
	sound  bool // keys fit

	until   order.Instant // deadlines from here on may come after events not known yet
	bounded bool          // there is such a time
}

// groupName tells groups apart.
type groupName struct {
	chain bool
	of    int64 // the source of a chain, else the letter
}

// groups sorts the events that wait and are ready into groups. Those that a
// layer knows come first, so that its counts stay in place.
func (f *Front) groups(skew time.Duration, ready func(*Pending) bool) *groups {
	g := &groups{all: f.Waiting, skew: skew, sound: true}
	if f.layer != nil {
		g.names = slices.Clone(f.layer.names)
		g.events = make([][]int, len(g.names))
	}
	for i := range f.Waiting {
		w := &f.Waiting[i]
		if w.done || !ready(w) {
			continue
		}
		name := groupName{w.chained, int64(w.Letter)}
		if w.chained {
			name.of = int64(w.Source)
		}
		at := slices.Index(g.names, name)
		if at < 0 {
			at = len(g.names)
			g.names, g.events = append(g.names, name), append(g.events, nil)
		}
		g.events[at] = append(g.events[at], i)
	}
	size := uint64(1)
	for _, events := range g.events {
		g.stride = append(g.stride, size)
		high, low := bits.Mul64(size, uint64(len(events)+1))
		size, g.sound = low, g.sound && high == 0
	}
	return g
}

// layer is the down-sets of one size, with the states that the orders of each
// lead to.
type layer struct {
	names  []groupName
	keys   []uint64
	states []uint64
	counts []uint16 // by down-set, then by group
}

// layerOver returns the layer where the front stands, counted in groups.
func (f *Front) layerOver(s *Judge, g *groups) *layer {
	width := len(g.events)
	if !g.sound || len(f.Waiting) >= 1<<16 {
		return nil
	}
	if f.layer == nil {
		l := &layer{names: g.names, keys: []uint64{0}, states: []uint64{f.States}, counts: make([]uint16, width)}
		return s.closed(l, g)
	}
	old, before := f.layer, len(f.layer.names)
	l := &layer{names: g.names, states: old.states}
	for d := range old.states {
		own := make([]uint16, width)
		copy(own, old.counts[d*before:(d+1)*before])
		l.counts = append(l.counts, own...)
		l.keys = append(l.keys, g.key(own))
	}
	return s.closed(l, g)
}

func (g *groups) key(counts []uint16) (key uint64) {
	for i, n := range counts {
		key += uint64(n) * g.stride[i]
	}
	return key
}

// complete tells whether the layer is the one down-set of all events.
func (l *layer) complete(g *groups) bool {
	if len(l.keys) != 1 {
		return false
	}
	for i, n := range l.counts {
		if int(n) < len(g.events[i]) {
			return false
		}
	}
	return true
}

// gap returns the earliest event outside of a down-set.
func (g *groups) gap(counts []uint16) (earliest order.Instant, any bool) {
	for i, n := range counts {
		if int(n) == len(g.events[i]) {
			continue
		}
		if at := g.all[g.events[i][n]].At; !any || at.Before(earliest) {
			earliest, any = at, true
		}
	}
	return earliest, any
}

// latestGap returns the latest of the gaps of all down-sets.
func (l *layer) latestGap(g *groups) (latest order.Instant) {
	width := len(g.events)
	for d := range l.keys {
		if at, ok := g.gap(l.counts[d*width : (d+1)*width]); ok && (d == 0 || latest.Before(at)) {
			latest = at
		}
	}
	return latest
}

// workspace is memory for layers of which only the last is needed.
type workspace struct {
	layers [2]layer
	seen   keyed
	turn   int
}

// expand is layer.expand; what it returned the time before last is
// overwritten.
func (w *workspace) expand(l *layer, s *Judge, g *groups) *layer {
	w.turn = 1 - w.turn
	next := &w.layers[w.turn]
	*next = layer{names: g.names, keys: next.keys[:0], states: next.states[:0], counts: next.counts[:0]}
	w.seen.reset(2 * len(l.keys))
	return l.expandInto(next, &w.seen, s, g)
}

// expand returns the next layer; nil if it exceeds the bound.
func (l *layer) expand(s *Judge, g *groups) *layer {
	return l.expandInto(&layer{names: g.names}, newKeyed(2*len(l.keys)), s, g)
}

func (l *layer) expandInto(next *layer, seen *keyed, s *Judge, g *groups) *layer {
	width := len(g.events)
	for d, key := range l.keys {
		counts := l.counts[d*width : (d+1)*width]
		gap, ok := g.gap(counts)
		if !ok {
			continue
		}
		limit := gap.Add(g.skew)
		for i, n := range counts {
			if int(n) == len(g.events[i]) {
				continue
			}
			x := &g.all[g.events[i][n]]
			if limit.Before(x.At) {
				continue
			}
			at, there := seen.put(key+g.stride[i], len(next.keys))
			if !there {
				next.keys = append(next.keys, key+g.stride[i])
				next.states = append(next.states, 0)
				next.counts = append(next.counts, counts...)
				next.counts[at*width+i]++
			}
			if s.Configs == nil {
				next.states[at] |= s.spread(l.states[d], x.Letter)
			} else {
				next.states[at] = s.Configs.Union(next.states[at], s.spreadInTime(l.states[d], x, g.skew))
			}
		}
		if len(next.keys) > s.MaxLayer {
			return nil
		}
	}
	return s.closed(next, g)
}

// keyed maps keys to numbers: a table that is cheap to make.
type keyed struct {
	keys    []uint64
	numbers []int32 // + 1
	n       int
}

func newKeyed(hint int) *keyed {
	k := &keyed{}
	k.reset(hint)
	return k
}

// reset empties the table.
func (k *keyed) reset(hint int) {
	size := 1 << bits.Len(uint(2*hint+8))
	if k.n = 0; size > cap(k.numbers) {
		k.keys, k.numbers = make([]uint64, size), make([]int32, size)
		return
	}
	k.keys, k.numbers = k.keys[:size], k.numbers[:size]
	clear(k.numbers)
}

// put returns the number of a key, which is the given one if it is new.
func (k *keyed) put(key uint64, number int) (int, bool) {
	if 2*k.n >= len(k.keys) {
		k.grow()
	}
	mask := uint64(len(k.keys) - 1)
	for i := key * 0x9e3779b97f4a7c15 >> 20 & mask; ; i = (i + 1) & mask {
		switch {
		case k.numbers[i] == 0:
			k.keys[i], k.numbers[i] = key, int32(number)+1
			k.n++
			return number, false
		case k.keys[i] == key:
			return int(k.numbers[i]) - 1, true
		}
	}
}

func (k *keyed) grow() {
	old := *k
	*k = *newKeyed(len(old.keys))
	for i, n := range old.numbers {
		if n != 0 {
			k.put(old.keys[i], int(n)-1)
		}
	}
}
