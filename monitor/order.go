package monitor

import (
	"math/bits"
	"slices"
)

// past is the layers that an order can be read back from.
type past struct {
	groups *groups
	layers []*layer
	first  int // where the group's events stand in the slice
}

// orderTo returns an order of some events of a slice that are closed under
// what must precede them, as short as there is one, after which the automaton
// is in a state. nil if there is none within the bound.
//
// The rule that the search follows is always the same: the first pause-free
// part of the slice that reaches the state, the least number of events, the
// first down-set; then, from its end back, the first group and the least
// state that lead there.
func (m *engine) orderTo(s *store, slice []note, state int) []note {
	f := newFront()
	var history []past
	for from := 0; from < len(slice); {
		to := m.pause(slice, from)
		f.waiting = m.pendingOf(slice[from:to])
		g := f.groups(m.options.skew, func(*pending) bool { return true })
		l := f.layerOver(s, g)
		w := past{groups: g, first: from}
		for l != nil {
			w.layers = append(w.layers, l)
			if d := reaches(l, state); d >= 0 {
				return readBack(s, slice, append(history, w), d, state)
			}
			if l.complete(g) {
				break
			}
			l = l.expand(s, g)
		}
		if l == nil {
			return nil
		}
		history = append(history, w)
		f.states, from = l.states[0], to
	}
	return nil
}

// pause returns where the next pause of more than E ends.
func (m *engine) pause(slice []note, from int) int {
	for i := from + 1; i < len(slice); i++ {
		if m.trails.records.at(slice[i-1].record).at().add(m.options.skew).before(m.trails.records.at(slice[i].record).at()) {
			return i
		}
	}
	return len(slice)
}

func (m *engine) pendingOf(slice []note) []pending {
	all := make([]pending, len(slice))
	for i, n := range slice {
		r := m.trails.records.at(n.record)
		all[i] = pending{at: r.at(), letter: n.letter, source: r.source}
		for j := i - 1; j >= 0 && !all[j].at.add(m.options.skew).before(r.at()); j-- {
			if all[j].source == r.source {
				all[i].chained, all[j].chained = true, true
			}
		}
	}
	return all
}

func reaches(l *layer, state int) int {
	return slices.IndexFunc(l.states, func(states uint64) bool { return states&(1<<state) != 0 })
}

// readBack walks from a down-set and a state back to the start.
func readBack(s *store, slice []note, history []past, d, state int) []note {
	var order []note
	for _, w := range slices.Backward(history) {
		width := len(w.groups.events)
		for at := len(w.layers) - 1; at > 0; at-- {
			l := w.layers[at]
			d, state = w.groups.step(s, w.layers[at-1], l.counts[d*width:(d+1)*width], state, func(x int) {
				order = append(order, slice[w.first+x])
			})
		}
		d = 0
	}
	slices.Reverse(order)
	return order
}

// step finds a down-set with one event less, and a state, that lead to a
// down-set and a state.
func (g *groups) step(s *store, before *layer, counts []uint16, state int, took func(int)) (int, int) {
	width := len(g.events)
	for d := range before.keys {
		was := before.counts[d*width : (d+1)*width]
		i := differsByOne(was, counts)
		if i < 0 {
			continue
		}
		x := g.events[i][was[i]]
		for states := before.states[d]; states != 0; states &= states - 1 {
			from := bits.TrailingZeros64(states)
			if s.next(g.all[x].letter, uint32(from)) == uint32(state) && g.allowed(was, x) {
				took(x)
				return d, from
			}
		}
	}
	panic("monitor: a down-set has one before it, or it would not be there")
}

// differsByOne returns the group of which one down-set has one event less
// than another; -1 if there is another difference.
func differsByOne(less, more []uint16) int {
	found := -1
	for i, n := range less {
		switch {
		case n == more[i]:
		case n+1 == more[i] && found < 0:
			found = i
		default:
			return -1
		}
	}
	return found
}

// allowed is rule 3: no event outside of the down-set certainly precedes x.
func (g *groups) allowed(counts []uint16, x int) bool {
	gap, ok := g.gap(counts)
	return ok && !gap.add(g.skew).before(g.all[x].at)
}
