package monitor

import (
	"slices"
	"time"

	"github.com/wtsim/wtsim/props"
)

// Deadlines, with skew. A deadline is ordered like all other events: it
// precedes an event of its own source that is later, and all events that are
// more than E later; it follows what is not later in its own source, and what
// is more than E earlier. Whether it runs depends on the order, so that it is
// no member of down-sets: it belongs to a configuration.
//
//  1. In a down-set, the deadline of a configuration may pass if no event
//     outside certainly precedes it. Both configurations are then there:
//     that before it and that after it (closed).
//  2. An event is added to those configurations only whose deadline it does
//     not certainly follow (spread). Of the others, the one after the deadline
//     is there: what precedes the deadline precedes the event too.
//  3. Two events of one letter may change places (rule 1 of front) unless a
//     deadline of the source of one of them could be between them. So events
//     of a source that began a deadline before are kept in their chain, as
//     are the events that may begin one (chained). An event more than E before
//     one that begins a deadline is more than E before the deadline.
//  4. Before all events are known, a deadline passes only if it is earlier
//     than E before what is to come: then no unknown event precedes it. A
//     down-set is extended while its gap is 3 E before what is to come; events
//     that are added are then more than E before the deadlines that cannot
//     pass yet, and precede them.
//  5. At the end a deadline has passed if it certainly precedes an event that
//     was seen, in the slice or not.

// precedes tells whether a deadline certainly precedes an event.
func (r *running) precedes(e *pending, skew time.Duration) bool {
	return r.at.add(skew).before(e.at) || r.source == e.source && r.at.before(e.at)
}

// follows tells whether an event certainly precedes a deadline.
func (r *running) follows(at instant, source int32, skew time.Duration) bool {
	return at.add(skew).before(r.at) || r.source == source && !r.at.before(at)
}

// chained tells whether an event must keep its place in its source, and notes
// sources that begin deadlines.
func (c *configs) chained(e pending, armed []int32) (bool, []int32) {
	known := slices.Contains(armed, e.source)
	if !known && c.arms[c.store.fates[e.letter].letter] {
		return true, append(slices.Clip(armed), e.source)
	}
	return known, armed
}

// closed adds to each down-set of a layer what deadlines lead to; nil if that
// is too much. Of a property without deadlines, or where there is no layer,
// the layer is returned as it is.
func (c *configs) closed(l *layer, g *groups) *layer {
	if c == nil || l == nil {
		return l
	}
	width, size := len(g.events), 0
	if c.timed {
		l.states = slices.Clone(l.states) // fronts share it
	}
	for d := range l.states {
		if c.timed {
			l.states[d] = c.close(l.states[d], l.counts[d*width:(d+1)*width], g)
		}
		size += len(c.sets.all[l.states[d]])
	}
	if size > c.store.limits.maxLayer {
		return nil
	}
	return l
}

// close adds what deadlines lead to in a down-set.
func (c *configs) close(set uint64, counts []uint16, g *groups) uint64 {
	gap, ok := g.gap(counts)
	if !ok {
		return set
	}
	members := c.sets.all[set]
	all := members
	for i := 0; i < len(all); i++ {
		if r := &c.all[all[i]].running; r.on() && c.mayPass(r, gap, counts, g) {
			all = append(slices.Clip(all), c.expired(all[i]))
		}
	}
	if len(all) == len(members) {
		return set
	}
	return c.sets.of(slices.Clone(all))
}

// mayPass is rule 1.
func (c *configs) mayPass(r *running, gap instant, counts []uint16, g *groups) bool {
	if gap.add(g.skew).before(r.at) || g.bounded && !r.at.before(g.until) {
		return false
	}
	for i, n := range counts {
		if name := g.names[i]; !name.chain || name.of != int64(r.source) || int(n) == len(g.events[i]) {
			continue
		}
		if e := &g.all[g.events[i][n]]; r.follows(e.at, e.source, g.skew) {
			return false
		}
	}
	return true
}

// atEnd is rule 5.
func (c *configs) atEnd(set uint64, m *engine) uint64 {
	var all []uint32
	for _, state := range c.sets.all[set] {
		for c.all[state].running.on() && m.deadlines.end.passed(c.all[state].running, m.options.skew) {
			state = c.expired(state)
		}
		all = append(all, state)
	}
	return c.sets.of(all)
}

// violatingOrderInTime is violatingOrder for a stateful property.
func (m *engine) violatingOrderInTime(s *store, slice []note) []note {
	if order, state := m.inTime(s, slice, m.passedAtEnd); state == props.ViolatedState {
		return s.configs.until(order, func(state uint32) bool { return state == props.ViolatedState })
	}
	return m.orderInTime(s, slice)
}

// tellInTime fills in a violation from the order that violates.
func (m *engine) tellInTime(s *store, v *verdict, order []note) {
	v.violation.Witness, v.passed = m.steps(s, order)
	if last := order[len(order)-1]; last.letter == passing {
		v.at, v.violation.Event = v.passed.at, m.eventAfter(v.passed)
		return
	} else {
		v.record, v.at = last.record, m.trails.records.at(last.record).at()
		v.violation.Event = m.eventOf(s, last)
	}
}

// pastInTime is a pause-free part of a slice, to read an order back from.
type pastInTime struct {
	past
	start uint64 // the configurations before it
}

// readBack walks from a down-set and a configuration back to the start.
func (c *configs) readBack(slice []note, history []pastInTime, d int, state uint32) []note {
	var order []note
	for _, w := range slices.Backward(history) {
		for at := len(w.layers) - 1; ; {
			if at == 0 && slices.Contains(c.sets.all[w.start], state) {
				break
			}
			var x int
			before, from, ok := 0, uint32(0), false
			if at > 0 {
				before, from, x, ok = c.eventBefore(&w, at, d, state)
			}
			if ok {
				order = append(order, slice[w.first+x])
				d, state, at = before, from, at-1
				continue
			}
			state = c.deadlineBefore(&w, at, d, state)
			order = append(order, note{letter: passing})
		}
		d = 0
	}
	slices.Reverse(order)
	return order
}

// eventBefore finds a down-set with one event less, and a configuration, that
// lead to a down-set and a configuration.
func (c *configs) eventBefore(w *pastInTime, at, d int, state uint32) (before int, from uint32, x int, ok bool) {
	g, l, less := w.groups, w.layers[at], w.layers[at-1]
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
		for _, from = range c.ordered(less.states[before]) {
			if r := &c.all[from].running; r.on() && r.precedes(&g.all[x], g.skew) {
				continue
			}
			if c.next(g.all[x].letter, from) == state {
				return before, from, x, true
			}
		}
	}
	return 0, 0, 0, false
}

// deadlineBefore finds a configuration of the same down-set whose deadline
// leads to another.
func (c *configs) deadlineBefore(w *pastInTime, at, d int, state uint32) uint32 {
	g, l := w.groups, w.layers[at]
	width := len(g.events)
	counts := l.counts[d*width : (d+1)*width]
	gap, _ := g.gap(counts)
	for _, from := range c.ordered(l.states[d]) {
		if r := &c.all[from].running; r.on() && c.mayPass(r, gap, counts, g) && c.expire(from) == state {
			return from
		}
	}
	panic("monitor: a configuration has one before it, or it would not be there")
}
