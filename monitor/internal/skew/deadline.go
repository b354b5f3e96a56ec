package skew

import (
	"math/bits"
	"slices"
	"time"

	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/order"
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
//     was seen, in the slice or not, and may have passed if it may precede
//     one (End).

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
	if !known && c.Arming(e.Letter) {
		return true, append(slices.Clip(armed), e.Source)
	}
	return known, armed
}

// closed adds to each down-set of a layer what deadlines lead to, and what
// leaves windows; nil if that is too much. Of a property without, or where there is no layer,
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

// close adds what deadlines and what leaves windows lead to in a down-set.
func (s *Judge) close(set uint64, counts []uint16, g *groups) uint64 {
	c := s.Configs
	gap, ok := g.gap(counts)
	if !ok {
		return set
	}
	members := c.Sets.All[set]
	all := slices.Clip(members)
	var known *keyed // all; nil before there is more
	add := func(to uint32) {
		if known == nil {
			known = newKeyed(0)
			for _, n := range members {
				known.put(uint64(n), 0)
			}
		}
		if _, there := known.put(uint64(to), 0); !there {
			all = append(all, to)
		}
	}
	for i := 0; i < len(all) && len(all) <= s.MaxLayer; i++ {
		if c.Several() {
			s.eachPassing(all[i], gap, counts, g, func(which int) { add(c.ExpiredThe(which, all[i])) })
		} else if r := &c.All[all[i]].Running; r.On() && s.mayPass(r, gap, counts, g) {
			add(c.Passed(all[i], g.over(gap)))
		}
		s.eachLeft(all[i], gap, counts, g, func(_ int, to uint32) { add(to) })
	}
	if len(all) == len(members) {
		return set
	}
	return c.Sets.Of(all)
}

// eachPassing visits which of several deadlines of a configuration may pass next
// in a down-set: rule 1, and that none of the others certainly precedes it.
func (s *Judge) eachPassing(state uint32, gap order.Instant, counts []uint16, g *groups, visit func(which int)) {
	all := s.Configs.Runnings(state)
	for i := range all {
		if s.mayPass(&all[i], gap, counts, g) && !preceded(all, i, g.skew) {
			visit(i)
		}
	}
}

// preceded tells whether one of several deadlines certainly precedes another.
func preceded(all []machine.Running, which int, skew time.Duration) bool {
	r := &all[which]
	return slices.ContainsFunc(all, func(o machine.Running) bool {
		return o.At.Add(skew).Before(r.At) || o.Source == r.Source && o.At.Before(r.At)
	})
}

// mustPass tells whether a deadline of a configuration certainly precedes an
// event.
func (s *Judge) mustPass(state uint32, e *Pending, skew time.Duration) bool {
	r := &s.Configs.All[state].Running
	if !r.On() || !s.Configs.Several() {
		return r.On() && precedes(r, e, skew)
	}
	return slices.ContainsFunc(s.Configs.Runnings(state), func(r machine.Running) bool { return precedes(&r, e, skew) })
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

// over is a time before which deadlines in a circle pass in whole rounds, given
// the earliest event outside of a down-set: they certainly precede all that is
// outside, so that no event is added to the configurations that are left out.
func (g *groups) over(gap order.Instant) order.Instant {
	over := gap.Add(-g.skew)
	if g.bounded && g.until.Before(over) {
		return g.until
	}
	return over
}

// End says what is at the end of the events of an instance.
type End struct {
	Must   func(machine.Running) bool // the deadline has passed in every order, given what was seen
	May    func(machine.Running) bool // it has in some
	InTime func(machine.Running) bool // it has in the order by time
	Skew   time.Duration
	Judged bool // nothing comes after: all deadlines pass, states that must not be the last are violated
}

// must tells whether the deadline of a configuration has passed at the end in
// every order.
func (s *Judge) must(state uint32, end End) bool {
	c := s.Configs
	return end.Must(c.All[state].Running) || end.Judged && !c.Circles(state)
}

// AtEnd is rule 5.
func (f *Front) AtEnd(s *Judge, end End) {
	if s.Configs != nil && s.Configs.Several() {
		all, ok := s.valuesAtEnd(f.States, end)
		if f.Undecided = !ok; !ok {
			return
		}
		f.States = s.Configs.Sets.Of(all)
	}
	f.States = s.atEnd(f.States, end)
}

// valuesAtEnd are the configurations in which several deadlines have passed, or
// may have; not ok if they are too many. One that has passed in every order is let
// pass before others: what it does hangs on its own values alone.
func (s *Judge) valuesAtEnd(set uint64, end End) (all []uint32, ok bool) {
	c, known := s.Configs, map[uint32]bool{}
	for open := slices.Clone(c.Sets.All[set]); len(open) > 0; open = open[1:] {
		state := open[0]
		if known[state] {
			continue
		}
		if known[state] = true; len(known) > s.MaxLayer {
			return nil, false
		}
		which, must := s.passingAtEnd(state, end)
		if !must {
			all = append(all, state)
		}
		for _, i := range which {
			open = append(open, c.ExpiredThe(i, state))
		}
	}
	return all, true
}

// passingAtEnd returns which deadlines may pass next at the end: the first that
// must, if one must, else those that may.
func (s *Judge) passingAtEnd(state uint32, end End) (which []int, must bool) {
	all := s.Configs.Runnings(state)
	for i, r := range all {
		switch {
		case preceded(all, i, end.Skew):
		case end.Judged || end.Must(r):
			return []int{i}, true
		case end.May(r):
			which = append(which, i)
		}
	}
	return which, false
}

func (s *Judge) atEnd(set uint64, end End) uint64 {
	if s.Timed() && !s.Configs.Several() {
		c := s.Configs
		var all []uint32
		for _, state := range c.Sets.All[set] {
			for around := 0; c.All[state].Running.On(); {
				r := c.All[state].Running
				if c.Circles(state) {
					if around++; around > len(s.Auto.States) {
						break // a round later nothing is new
					}
				}
				if !s.must(state, end) {
					if all = append(all, state); !end.May(r) {
						break
					}
				}
				state = c.Expired(state)
			}
			if !c.All[state].Running.On() || c.Circles(state) {
				all = append(all, state)
			}
		}
		set = c.Sets.Of(all)
	}
	if !end.Judged {
		return set
	}
	return s.each(set, func(state uint32) uint32 {
		if s.Auto.AtEnd[s.Base(state)] {
			return props.ViolatedState
		}
		return state
	})
}

// Some tells whether one of the states of a set is asked for.
func (s *Judge) Some(set uint64, ask func(uint32) bool) bool {
	return slices.ContainsFunc(s.ordered(set), ask)
}

// each replaces the states of a set.
func (s *Judge) each(set uint64, by func(uint32) uint32) (to uint64) {
	if s.Configs != nil {
		var all []uint32
		for _, state := range s.Configs.Sets.All[set] {
			all = append(all, by(state))
		}
		return s.Configs.Sets.Of(all)
	}
	for ; set != 0; set &= set - 1 {
		to |= 1 << by(uint32(bits.TrailingZeros64(set)))
	}
	return to
}

// spreadInTime returns where an event leads from a set. Configurations whose
// deadline certainly precedes the event are not among those that it finds:
// there the deadline has passed before, see closed; nor are those whose windows
// hold what has certainly left.
func (s *Judge) spreadInTime(set uint64, e *Pending, skew time.Duration) uint64 {
	c := s.Configs
	var to []uint32
	for _, from := range c.Sets.All[set] {
		if s.mustPass(from, e, skew) || s.mustLeave(from, e, skew) {
			continue
		}
		to = append(to, c.Move(e.Letter, from, nil))
	}
	return c.Sets.Of(to)
}
