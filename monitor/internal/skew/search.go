package skew

import (
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/props"
)

// What is possible is explained by an order: of the events of a slice, given by
// time, the places in an order in which they may have happened.
//
// Which order is found is always the same: the first pause-free part of the
// slice that reaches what is wanted, the least number of events, the first
// down-set; then, from its end back, the first group and the least state that
// lead there. It must not hang on how configurations are numbered: the parts
// of a stream number them differently.

// Passing stands in an order for a deadline, and Ending for the end that is
// judged; see Leaving too.
const (
	Passing = -1
	Ending  = -2
)

// maxCounter bounds the down-sets that a counter-order is read from.
const maxCounter = 1 << 20

// past is a pause-free part of a slice, with the layers that an order can be
// read back from.
type past struct {
	groups *groups
	layers []*layer
	first  int    // where the part's events stand in the slice
	start  uint64 // the states before it
}

// searched is a slice with all down-sets up to one that is looked for, or to
// the end.
type searched struct {
	history []past
	states  uint64 // at the end
	found   bool
	at      int // the down-set of the last layer that was found
}

// search looks for a down-set among all orders of a slice; nil if more than a
// bound of them are seen.
func (s *Judge) search(slice []Pending, skew time.Duration, bound int, wanted func(states uint64) bool) *searched {
	f := NewFront()
	x := &searched{}
	for from := 0; from < len(slice); {
		to := pause(slice, from, skew)
		f.Waiting = s.chainedAll(f, slice[from:to], skew)
		g := f.groups(skew, func(*Pending) bool { return true })
		w := past{groups: g, first: from, start: f.States}
		for l := f.layerOver(s, g); ; l = l.expand(s, g) {
			if l == nil {
				return nil
			}
			w.layers = append(w.layers, l)
			if d := slices.IndexFunc(l.states, wanted); d >= 0 {
				x.history, x.found, x.at = append(x.history, w), true, d
				return x
			}
			if bound -= len(l.keys); bound < 0 {
				return nil
			}
			if l.complete(g) {
				f.States = l.states[0]
				break
			}
		}
		x.history, from = append(x.history, w), to
	}
	x.states = f.States
	return x
}

func never(uint64) bool { return false }

// pause returns where the next pause of more than E ends.
func pause(slice []Pending, from int, skew time.Duration) int {
	for i := from + 1; i < len(slice); i++ {
		if slice[i-1].At.Add(skew).Before(slice[i].At) {
			return i
		}
	}
	return len(slice)
}

// chainedAll copies events, and notes which of them must keep their place in
// their source.
func (s *Judge) chainedAll(f *Front, slice []Pending, skew time.Duration) []Pending {
	all := make([]Pending, len(slice))
	for i, e := range slice {
		all[i] = Pending{At: e.At, Letter: e.Letter, Source: e.Source}
		for j := i - 1; j >= 0 && !all[j].At.Add(skew).Before(e.At); j-- {
			if all[j].Source == e.Source {
				all[i].chained, all[j].chained = true, true
			}
		}
	}
	if s.Configs != nil {
		for i := range all {
			var chained bool
			chained, f.armed = s.chained(all[i], f.armed)
			all[i].chained = all[i].chained || chained
		}
	}
	return all
}

// OrderTo returns an order of some events of a slice that are closed under
// what must precede them, as short as there is one, that violates. nil if there
// is none within the bound. end says what is at the end.
func (s *Judge) OrderTo(slice []Pending, skew time.Duration, end End) []int {
	x := s.search(slice, skew, math.MaxInt, s.MayBeViolated)
	switch {
	case x == nil:
		return nil
	case x.found:
		return s.readBack(x.history, x.at, props.ViolatedState)
	}
	return s.orderToEnd(x, end, func(state uint32) bool { return state == props.ViolatedState })
}

// OrderElse returns an order of all events of a slice that does not violate;
// nil if there is none within the bound.
func (s *Judge) OrderElse(slice []Pending, skew time.Duration, end End) []int {
	x := s.search(slice, skew, maxCounter, never)
	if x == nil {
		return nil
	}
	return s.orderToEnd(x, end, func(state uint32) bool { return state != props.ViolatedState })
}

// orderToEnd returns an order after which, with what passes at the end, an
// instance is in a configuration that is wanted.
func (s *Judge) orderToEnd(x *searched, end End, wanted func(state uint32) bool) []int {
	tried := map[uint32]bool{}
	for _, first := range s.ordered(x.states) {
		if s.Configs != nil && s.Configs.Several() {
			if more, ok := s.endOfValues(first, end, wanted, tried); ok {
				return append(s.readBack(x.history, 0, first), more...)
			}
			continue
		}
		if more, ok := s.endOf(first, end, wanted); ok {
			return append(s.readBack(x.history, 0, first), more...)
		}
	}
	return nil
}

// ordered returns the states of a set, in an order that is always the same.
func (s *Judge) ordered(set uint64) (all []uint32) {
	if s.Configs != nil {
		return s.Configs.Ordered(set)
	}
	for ; set != 0; set &= set - 1 {
		all = append(all, uint32(bits.TrailingZeros64(set)))
	}
	return all
}

// endOf returns what passes at the end so that a wanted configuration is
// reached.
func (s *Judge) endOf(state uint32, end End, wanted func(state uint32) bool) (more []int, ok bool) {
	for {
		r := machine.Running{}
		if s.Configs != nil {
			r = s.Configs.All[state].Running
		}
		must := r.On() && s.must(state, end)
		switch {
		case r.On() && s.Configs.Circles(state):
			return more, wanted(state) // it leads nowhere
		case must:
		case end.Judged && s.Auto.AtEnd[s.Base(state)]:
			if wanted(props.ViolatedState) {
				return append(more, Ending), true
			}
		case wanted(state):
			return more, true
		}
		if !must && (!r.On() || !end.May(r)) {
			return nil, false
		}
		state, more = s.Configs.Expire(state), append(more, Passing)
	}
}

// endOfValues is endOf, with several deadlines. What was tried leads nowhere.
func (s *Judge) endOfValues(state uint32, end End, wanted func(state uint32) bool, tried map[uint32]bool) (more []int, ok bool) {
	if tried[state] {
		return nil, false
	}
	tried[state] = true
	which, must := s.passingAtEnd(state, end)
	switch {
	case must:
	case end.Judged && s.Auto.AtEnd[s.Base(state)]:
		if wanted(props.ViolatedState) {
			return []int{Ending}, true
		}
	case wanted(state):
		return nil, true
	}
	for _, i := range which {
		if more, ok := s.endOfValues(s.Configs.ExpireThe(i, state), end, wanted, tried); ok {
			return append([]int{passingThe(i)}, more...), true
		}
	}
	return nil, false
}

// readBack walks from a down-set and a state back to the start.
func (s *Judge) readBack(history []past, d int, state uint32) (order []int) {
	if s.Configs != nil {
		return s.readBackInTime(history, d, state)
	}
	for _, w := range slices.Backward(history) {
		width := len(w.groups.events)
		for at := len(w.layers) - 1; at > 0; at-- {
			l := w.layers[at]
			d, state = w.groups.step(s, w.layers[at-1], l.counts[d*width:(d+1)*width], state, func(x int) {
				order = append(order, w.first+x)
			})
		}
		d = 0
	}
	slices.Reverse(order)
	return order
}

// step finds a down-set with one event less, and a state, that lead to a
// down-set and a state.
func (g *groups) step(s *Judge, before *layer, counts []uint16, state uint32, took func(int)) (int, uint32) {
	width := len(g.events)
	for d := range before.keys {
		was := before.counts[d*width : (d+1)*width]
		i := differsByOne(was, counts)
		if i < 0 {
			continue
		}
		x := g.events[i][was[i]]
		for states := before.states[d]; states != 0; states &= states - 1 {
			from := uint32(bits.TrailingZeros64(states))
			if s.Next(g.all[x].Letter, from, nil) == state && g.allowed(was, x) {
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
	return ok && !gap.Add(g.skew).Before(g.all[x].At)
}

// readBackInTime is readBack with deadlines among the events.
func (s *Judge) readBackInTime(history []past, d int, state uint32) (order []int) {
	for _, w := range slices.Backward(history) {
		for at := len(w.layers) - 1; ; {
			if at == 0 && slices.Contains(s.Configs.Sets.All[w.start], state) {
				break
			}
			var x int
			before, from, ok := 0, uint32(0), false
			if at > 0 {
				before, from, x, ok = s.eventBefore(&w, at, d, state)
			}
			if ok {
				order = append(order, w.first+x)
				d, state, at = before, from, at-1
				continue
			}
			var step int
			state, step = s.passingBefore(&w, at, d, state)
			order = append(order, step)
		}
		d = 0
	}
	slices.Reverse(order)
	return order
}

// eventBefore finds a down-set with one event less, and a configuration, that
// lead to a down-set and a configuration.
func (s *Judge) eventBefore(w *past, at, d int, state uint32) (before int, from uint32, x int, ok bool) {
	c, g, l, less := s.Configs, w.groups, w.layers[at], w.layers[at-1]
	width := len(g.events)
	counts := l.counts[d*width : (d+1)*width]
	for before = range less.keys {
		was := less.counts[before*width : (before+1)*width]
		i := differsByOne(was, counts)
		if i < 0 {
			continue
		}
		x = g.events[i][was[i]]
		if !g.allowed(was, x) {
			continue
		}
		for _, from = range c.Ordered(less.states[before]) {
			if s.mustPass(from, &g.all[x], g.skew) || s.mustLeave(from, &g.all[x], g.skew) {
				continue
			}
			if c.Next(g.all[x].Letter, from, nil) == state {
				return before, from, x, true
			}
		}
	}
	return 0, 0, 0, false
}

// passingBefore finds a configuration of the same down-set whose deadline leads
// to another, or what leaves its windows.
func (s *Judge) passingBefore(w *past, at, d int, state uint32) (uint32, int) {
	c, g, l := s.Configs, w.groups, w.layers[at]
	width := len(g.events)
	counts := l.counts[d*width : (d+1)*width]
	gap, _ := g.gap(counts)
	for _, from := range c.Ordered(l.states[d]) {
		if step, ok := s.valuesPassing(from, gap, counts, g, state); ok {
			return from, step
		}
		if r := &c.All[from].Running; r.On() && !c.Several() && s.mayPass(r, gap, counts, g) {
			if to, rounds := c.Pass(from, g.over(gap)); to == state {
				return from, passing(rounds)
			}
		}
		step := 0
		s.eachLeft(from, gap, counts, g, func(left int, to uint32) {
			if to == state && step == 0 {
				step = left
			}
		})
		if step != 0 {
			return from, step
		}
	}
	panic("monitor: a configuration has one before it, or it would not be there")
}

// valuesPassing finds which of several deadlines leads to a configuration.
func (s *Judge) valuesPassing(from uint32, gap order.Instant, counts []uint16, g *groups, to uint32) (step int, ok bool) {
	if !s.Configs.Several() {
		return 0, false
	}
	s.eachPassing(from, gap, counts, g, func(which int) {
		if !ok && s.Configs.ExpireThe(which, from) == to {
			step, ok = passingThe(which), true
		}
	})
	return step, ok
}

// horizon is how far around a violation flips are looked for.
func horizon(skew time.Duration) time.Duration {
	if skew > math.MaxInt64/2 {
		return math.MaxInt64
	}
	return 2 * skew
}

// onlyViolated is the set of the violated state alone, also as a number of
// configSets.
const onlyViolated = 1 << props.ViolatedState

// CeasesAt returns the least skew at which a violation that is certain with
// one is only possible, up to twice that; 0 if there is none, or it is not
// known.
func (s *Judge) CeasesAt(slice []Pending, skew time.Duration) time.Duration {
	return s.flipsBetween(slice, skew, horizon(skew), func(states uint64) bool { return states != onlyViolated })
}

// BeginsAt returns the least skew at which a violation is possible that is
// with one, and whether it is certain with less; 0 if it is possible with
// any, or that is not known.
func (s *Judge) BeginsAt(slice []Pending, skew time.Duration) (at time.Duration, certain bool) {
	ties, ok := s.statesWith(slice, 0)
	possible := func(states uint64) bool { return s.MayBeViolated(states) && states != onlyViolated }
	if !ok || possible(ties) {
		return 0, false
	}
	return s.flipsBetween(slice, 0, skew, possible), ties == onlyViolated
}

// flipsBetween returns the least skew above low, up to high, at which what
// is asked for holds. It does not hold at low, and once it holds it holds
// for all that is greater. 0 is none, or not known.
func (s *Judge) flipsBetween(slice []Pending, low, high time.Duration, holds func(states uint64) bool) time.Duration {
	states, known := s.statesWith(slice, high)
	if known && !holds(states) {
		return 0
	}
	for high-low > 1 {
		middle := low + (high-low)/2
		states, ok := s.statesWith(slice, middle)
		switch {
		case !ok:
			high, known = middle, false
		case holds(states):
			high, known = middle, true
		default:
			low = middle
		}
	}
	if !known {
		return 0
	}
	return high
}

// StatesWithMissing returns the states that all orders of a slice lead to if
// events may be missing; missing are, by state, those that what is missing may
// lead to. There are no registers.
func (s *Judge) StatesWithMissing(slice []Pending, skew time.Duration, missing []uint64) (states uint64, ok bool) {
	with := *s
	m := *s.Machine
	m.Covering = false // what is tried here did not happen
	with.Machine, with.missing = &m, missing
	return with.statesWith(slice, skew)
}

// withMissing adds what may be missing to the states of an instance.
func (s *Judge) withMissing(states uint64) (to uint64) {
	if s.missing == nil {
		return states
	}
	for ; states != 0; states &= states - 1 {
		to |= s.missing[bits.TrailingZeros64(states)]
	}
	return to
}

// statesWith returns the states that all orders of a slice lead to, with
// another skew. With none, events of equal times still have no order.
func (s *Judge) statesWith(slice []Pending, skew time.Duration) (states uint64, ok bool) {
	f := NewFront()
	f.States = s.withMissing(f.States)
	for _, e := range slice {
		f.Add(s, e, skew)
	}
	if !f.Undecided && len(f.Waiting) > 0 {
		f.Finish(s, skew)
	}
	return f.States, !f.Undecided
}
