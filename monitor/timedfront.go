package monitor

import (
	"slices"
	"time"

	"github.com/wtsim/wtsim/monitor/internal/order"
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
//     not certainly follow (spreadInTime). Of the others, the one after the deadline
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
func precedes(r *running, e *pending, skew time.Duration) bool {
	return r.at.Add(skew).Before(e.at) || r.source == e.source && r.at.Before(e.at)
}

// follows tells whether an event certainly precedes a deadline.
func follows(r *running, at order.Instant, source int32, skew time.Duration) bool {
	return at.Add(skew).Before(r.at) || r.source == source && !r.at.Before(at)
}

// chained tells whether an event must keep its place in its source, and notes
// sources that begin deadlines.
func (s *judge) chained(e pending, armed []int32) (bool, []int32) {
	c := s.configs
	known := slices.Contains(armed, e.source)
	if !known && c.arms[c.store.fates[e.letter].letter] {
		return true, append(slices.Clip(armed), e.source)
	}
	return known, armed
}

// closed adds to each down-set of a layer what deadlines lead to; nil if that
// is too much. Of a property without deadlines, or where there is no layer,
// the layer is returned as it is.
func (s *judge) closed(l *layer, g *groups) *layer {
	c := s.configs
	if c == nil || l == nil {
		return l
	}
	width, size := len(g.events), 0
	if c.timed {
		l.states = slices.Clone(l.states) // fronts share it
	}
	for d := range l.states {
		if c.timed {
			l.states[d] = s.close(l.states[d], l.counts[d*width:(d+1)*width], g)
		}
		size += len(c.sets.all[l.states[d]])
	}
	if size > s.maxLayer {
		return nil
	}
	return l
}

// close adds what deadlines lead to in a down-set.
func (s *judge) close(set uint64, counts []uint16, g *groups) uint64 {
	c := s.configs
	gap, ok := g.gap(counts)
	if !ok {
		return set
	}
	members := c.sets.all[set]
	all := members
	for i := 0; i < len(all); i++ {
		if r := &c.all[all[i]].running; r.on() && s.mayPass(r, gap, counts, g) {
			all = append(slices.Clip(all), c.expired(all[i]))
		}
	}
	if len(all) == len(members) {
		return set
	}
	return c.sets.of(slices.Clone(all))
}

// mayPass is rule 1.
func (s *judge) mayPass(r *running, gap order.Instant, counts []uint16, g *groups) bool {
	if gap.Add(g.skew).Before(r.at) || g.bounded && !r.at.Before(g.until) {
		return false
	}
	for i, n := range counts {
		if name := g.names[i]; !name.chain || name.of != int64(r.source) || int(n) == len(g.events[i]) {
			continue
		}
		if e := &g.all[g.events[i][n]]; follows(r, e.at, e.source, g.skew) {
			return false
		}
	}
	return true
}

// atEnd is rule 5.
func (s *judge) atEnd(set uint64, passed func(running) bool) uint64 {
	c := s.configs
	var all []uint32
	for _, state := range c.sets.all[set] {
		for c.all[state].running.on() && passed(c.all[state].running) {
			state = c.expired(state)
		}
		all = append(all, state)
	}
	return c.sets.of(all)
}

// spreadInTime returns where an event leads from a set. Configurations whose
// deadline certainly precedes the event are not among those that it finds:
// there the deadline has passed before, see closed.
func (s *judge) spreadInTime(set uint64, e *pending, skew time.Duration) uint64 {
	c := s.configs
	var to []uint32
	for _, from := range c.sets.all[set] {
		if r := &c.all[from].running; r.on() && precedes(r, e, skew) {
			continue
		}
		to = append(to, c.move(e.letter, from, nil))
	}
	return c.sets.of(to)
}
