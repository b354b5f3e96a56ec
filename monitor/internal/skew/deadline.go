package skew

import (
	"slices"
	"time"

	"github.com/wtsim/wtsim/monitor/internal/machine"
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
func precedes(r *machine.Running, e *Pending, skew time.Duration) bool {
	return r.At.Add(skew).Before(e.At) || r.Source == e.Source && r.At.Before(e.At)
}

// follows tells whether an event certainly precedes a deadline.
func follows(r *machine.Running, at order.Instant, source int32, skew time.Duration) bool {
	return at.Add(skew).Before(r.At) || r.Source == source && !r.At.Before(at)
}

// chained tells whether an event must keep its place in its source, and notes
// sources that begin deadlines.
func (s *Judge) chained(e Pending, armed []int32) (bool, []int32) {
	c := s.Configs
	known := slices.Contains(armed, e.Source)
	if !known && c.Arms[c.Store.Fates[e.Letter].Letter] {
		return true, append(slices.Clip(armed), e.Source)
	}
	return known, armed
}

// closed adds to each down-set of a layer what deadlines lead to; nil if that
// is too much. Of a property without deadlines, or where there is no layer,
// the layer is returned as it is.
func (s *Judge) closed(l *layer, g *groups) *layer {
	c := s.Configs
	if c == nil || l == nil {
		return l
	}
	width, size := len(g.events), 0
	if c.Timed {
		l.states = slices.Clone(l.states) // fronts share it
	}
	for d := range l.states {
		if c.Timed {
			l.states[d] = s.close(l.states[d], l.counts[d*width:(d+1)*width], g)
		}
		size += len(c.Sets.All[l.states[d]])
	}
	if size > s.MaxLayer {
		return nil
	}
	return l
}

// close adds what deadlines lead to in a down-set.
func (s *Judge) close(set uint64, counts []uint16, g *groups) uint64 {
	c := s.Configs
	gap, ok := g.gap(counts)
	if !ok {
		return set
	}
	members := c.Sets.All[set]
	all := members
	for i := 0; i < len(all); i++ {
		if r := &c.All[all[i]].Running; r.On() && s.mayPass(r, gap, counts, g) {
			all = append(slices.Clip(all), c.Expired(all[i]))
		}
	}
	if len(all) == len(members) {
		return set
	}
	return c.Sets.Of(slices.Clone(all))
}

// mayPass is rule 1.
func (s *Judge) mayPass(r *machine.Running, gap order.Instant, counts []uint16, g *groups) bool {
	if gap.Add(g.skew).Before(r.At) || g.bounded && !r.At.Before(g.until) {
		return false
	}
	for i, n := range counts {
		if name := g.names[i]; !name.chain || name.of != int64(r.Source) || int(n) == len(g.events[i]) {
			continue
		}
		if e := &g.all[g.events[i][n]]; follows(r, e.At, e.Source, g.skew) {
			return false
		}
	}
	return true
}

// AtEnd is rule 5.
func (s *Judge) AtEnd(set uint64, passed func(machine.Running) bool) uint64 {
	c := s.Configs
	var all []uint32
	for _, state := range c.Sets.All[set] {
		for c.All[state].Running.On() && passed(c.All[state].Running) {
			state = c.Expired(state)
		}
		all = append(all, state)
	}
	return c.Sets.Of(all)
}

// spreadInTime returns where an event leads from a set. Configurations whose
// deadline certainly precedes the event are not among those that it finds:
// there the deadline has passed before, see closed.
func (s *Judge) spreadInTime(set uint64, e *Pending, skew time.Duration) uint64 {
	c := s.Configs
	var to []uint32
	for _, from := range c.Sets.All[set] {
		if r := &c.All[from].Running; r.On() && precedes(r, e, skew) {
			continue
		}
		to = append(to, c.Move(e.Letter, from, nil))
	}
	return c.Sets.Of(to)
}
