package monitor

import (
	"slices"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/skew"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// What is known at the end of the input. By itself it lets nothing pass: what
// is owed then is counted. Where it is declared that nothing comes after it,
// all deadlines have passed, and states that must not be the last are violated
// by an event of no source that is named "end". It is at the newest time seen,
// or at that of the last deadline of the instance if that is later.

// theEnd is the type and the id of that event.
const theEnd = "end"

// farEnd is later than all deadlines.
var farEnd = order.Instant{Sec: 1 << 62}

// endOfTime is the last that was seen, of all sources and of each.
type endOfTime struct {
	any    bool
	near   bool // something was seen of which only the time is known
	judged bool // nothing comes after
	newest order.Instant
	of     []order.Instant // by source; long ago if it had no event
	last   []lastSeen      // of each source, the latest first; only with skew and deadlines
}

// lastSeen is the last event of a source.
type lastSeen struct {
	source int32
	at     order.Instant
	id     string // empty if no property wants it
}

func endAt(at order.Instant) event.Event {
	return event.Event{ID: theEnd, Type: theEnd, Time: at.Time()}
}

// timeOfEnd is when the end of an instance is, after a deadline that may have
// passed last.
func timeOfEnd(newest order.Instant, passed machine.Running) order.Instant {
	if passed.On() {
		return order.Later(newest, passed.At)
	}
	return newest
}

// endOfTime is what was seen up to now.
func (s *Stream) endOfTime(judged bool) endOfTime {
	e := endOfTime{any: s.any, judged: judged, newest: s.newest, of: make([]order.Instant, len(s.events.Origins))}
	for i := range s.events.Origins {
		o := &s.events.Origins[i]
		at, any := o.Newest()
		if !any {
			at = order.Instant{Sec: -1 << 62}
		} else if s.engine.program.timed {
			e.last = append(e.last, lastSeen{int32(i), at, o.Last})
		}
		e.of[i] = at
	}
	slices.SortFunc(e.last, func(a, b lastSeen) int { return b.at.Compare(a.at) })
	return e
}

// passed tells whether a deadline certainly precedes an event that was seen.
func (e *endOfTime) passed(r machine.Running, skew time.Duration) bool {
	return e.any && (r.At.Add(skew).Before(e.newest) || int(r.Source) < len(e.of) && r.At.Before(e.of[r.Source]))
}

// endOf is what passes at the end of an instance.
func (s *store) endOf(domain int, key []values.Symbol, e *endOfTime) skew.End {
	bound := s.options.skew
	var slice []note
	known := false
	must := func(r machine.Running) bool { return e.passed(r, bound) }
	inTime := func(r machine.Running) bool { return e.judged || e.any && r.At.Before(e.newest) }
	return skew.End{Skew: bound, Judged: e.judged, Must: must, InTime: inTime, May: func(r machine.Running) bool {
		switch {
		case must(r):
			return true
		case !e.any || e.newest.Add(bound).Before(r.At):
			return false
		case e.near:
			return true
		}
		if !known {
			slice, known = s.slice(domain, key), true
		}
		return s.mayPrecedeOther(r, slice, e)
	}}
}

// mayPrecedeOther tells whether a deadline that runs after all events of a
// slice may precede an event that is not in it: the last one of its source, for
// any other stands before that.
func (s *store) mayPrecedeOther(r machine.Running, slice []note, e *endOfTime) bool {
	bound := s.options.skew
	var latest order.Instant
	if n := len(slice); n > 0 {
		latest = s.trails.records.at(slice[n-1].record).at()
	}
	for _, x := range e.last {
		if until := x.at.Add(bound); until.Before(r.At) || len(slice) > 0 && until.Before(latest) {
			return false
		}
		if x.source != r.Source && !s.endsWith(slice, x) {
			return true
		}
	}
	return false
}

// endsWith tells whether the last event of a source is in a slice.
func (s *store) endsWith(slice []note, x lastSeen) bool {
	for _, n := range slices.Backward(slice) {
		if y := s.trails.records.at(n.record); y.source == x.source {
			return y.at() == x.at && y.id == x.id
		}
	}
	return false
}

// tellEnd makes a violation one by the end.
func (x *step) tellEnd(v *Violation, a account) {
	all, _ := a.inTimeToEnd()
	told, last := a.tell(append(slices.Clip(all), note{letter: endingLetter}))
	v.Witness, v.Event = told, endAt(timeOfEnd(*x.ended, last))
}

// inTimeToEnd is inTime, where all deadlines pass.
func (a account) inTimeToEnd() ([]note, uint32) {
	if a.Configs == nil {
		return a.slice, 0
	}
	return a.inTime(func(machine.Running) bool { return true })
}

// end lets all deadlines pass, in exact order, and returns what is violated by
// them and by the end.
func (m *engine) end(newest order.Instant) (found []Violation) {
	if m.program.timed {
		m.deadlines.over = true
		found = m.pass(farEnd, true)
	}
	for i := range m.stores {
		if s := &m.stores[i]; s.Auto != nil {
			found = append(found, (&step{store: s, shared: &m.shared, ended: &newest}).report(s.unsettled(), nil)...)
		}
	}
	sortViolations(found)
	slices.SortStableFunc(found, func(a, b Violation) int { return a.Event.Time.Compare(b.Event.Time) })
	return found
}

// owed counts the instances that have a deadline ahead of them that is not one
// in a circle, or are in a state that must not be the last.
func (m *engine) owed() (n int) {
	for i := range m.stores {
		s := &m.stores[i]
		if s.Auto == nil || !s.Timed() && !slices.Contains(s.Auto.AtEnd, true) {
			continue
		}
		for d := range s.pools {
			for c := range s.pools[d].all {
				if s.owes(d, cell(c)) {
					n++
				}
			}
		}
	}
	return n
}

func (s *store) owes(domain int, c cell) bool {
	in := &s.pools[domain].all[c]
	switch {
	case in.unused || in.dead || !s.pools[domain].owned:
		return false
	case s.options.skew == 0:
		return s.owesIn(in.state)
	}
	f := s.pools[domain].fuzzy[c]
	return f != nil && !f.Undecided && s.judge.Some(f.States, s.owesIn)
}

func (s *store) owesIn(state uint32) bool {
	return state != props.ViolatedState && (s.Auto.AtEnd[s.Base(state)] || s.Timed() && s.Configs.All[state].Running.On() && !s.Configs.Circles(state))
}
