package monitor

import (
	"cmp"
	"container/heap"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// Deadlines, in exact order. A deadline is an event of the source that began
// it, at that time plus its duration. At one time it comes after all others:
// what had to happen within 5s may happen after exactly 5s. It has passed once
// time moves beyond it.
//
// Those that run stand in a queue; one whose state was left meanwhile is
// found to be void when its turn comes.

// deadlines is what a monitor knows of time.
type deadlines struct {
	now    instant // of the last event observed
	queue  runningQueue
	due    int      // how many may stand in it before it is swept
	firing *running // while one passes
	end    endOfTime
}

// endOfTime is the last that was seen, of all sources and of each.
type endOfTime struct {
	any    bool
	newest instant
	of     []instant // by source; the zero instant if it had no event
}

// runningOf is a deadline of an instance.
type runningOf struct {
	running
	store  *store
	plan   int
	domain int
	cell   cell
}

// begin notes the deadline of an instance, if it is another than it was.
func (m *Monitor) begin(s *store, domain int, c cell, was uint32) {
	r := s.configs.all[s.pools[domain].all[c].state].running
	if !r.on() || m.options.skew > 0 || r == s.configs.all[was].running {
		return
	}
	plan := 0
	for i := range m.stores {
		if &m.stores[i] == s {
			plan = i
		}
	}
	heap.Push(&m.deadlines.queue, runningOf{r, s, plan, domain, c})
}

// tick moves time to an event, which cannot be earlier than the last.
func (m *Monitor) tick(at instant) []Violation {
	m.deadlines.now = later(m.deadlines.now, at)
	return m.pass(m.deadlines.now, false)
}

// pass lets the deadlines before a time pass, or those at it too.
func (m *Monitor) pass(at instant, including bool) (found []Violation) {
	q := &m.deadlines.queue
	for len(*q) > 0 {
		first := (*q)[0].running
		if !first.at.before(at) && (!including || first.at != at) {
			break
		}
		var now []Violation
		for len(*q) > 0 && (*q)[0].at == first.at {
			now = append(now, m.fire()...)
		}
		sortViolations(now)
		found = append(found, now...)
	}
	return found
}

// fire lets the first deadline pass, for all instances of one property for
// which it runs.
func (m *Monitor) fire() []Violation {
	q := &m.deadlines.queue
	first := (*q)[0]
	m.hits = m.hits[:0]
	m.now = occurrence{at: first.at, whole: true}
	if m.options.ttl > 0 {
		m.expire(first.store)
	}
	for len(*q) > 0 && (*q)[0].plan == first.plan && (*q)[0].running == first.running {
		r := heap.Pop(q).(runningOf)
		if !r.runs() {
			continue
		}
		in := &r.store.pools[r.domain].all[r.cell]
		was := in.state
		if in.state = r.store.configs.expired(was); r.store.isDead(in.state) {
			m.settle(r.store, r.domain, r.cell)
		} else {
			m.begin(r.store, r.domain, r.cell, was)
		}
	}
	if len(m.hits) == 0 {
		return nil
	}
	m.whole = m.eventAfter(first.running)
	m.deadlines.firing = &first.running
	found := m.report(first.store, m.hits)
	m.deadlines.firing = nil
	return found
}

// eventAfter is a deadline as an event.
func (m *Monitor) eventAfter(r running) event.Event {
	return event.Event{ID: r.id + "+" + length(r.after), Source: m.sources.name(r.source), Type: "after " + length(r.after), Time: r.at.time()}
}

// length writes a duration without parts that are zero.
func length(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// passing is the letter of a deadline in a slice.
const passing = ^uint32(0)

// inTime returns a slice with the deadlines that pass before its events, and
// the configuration that it leads to. until says of what is still running at
// its end whether it passed.
func (m *Monitor) inTime(s *store, slice []note, until func(running) bool) (all []note, state uint32) {
	state = startState
	running := func() running { return s.configs.all[state].running }
	for _, n := range slice {
		if n.letter != passing {
			for r := m.trails.records.at(n.record); running().on() && running().at.before(r.at()) && state != props.ViolatedState; {
				state, all = s.configs.expire(state), append(all, note{letter: passing})
			}
		}
		if state == props.ViolatedState {
			return all, state
		}
		all = append(all, n)
		if n.letter == passing {
			state = s.configs.expire(state)
		} else {
			state = s.next(n.letter, state)
		}
	}
	for running().on() && until(running()) {
		state, all = s.configs.expire(state), append(all, note{letter: passing})
	}
	return all, state
}

// steps tells an order to people, with the states that it leads to.
func (m *Monitor) steps(s *store, order []note) (steps []Step, last running) {
	state := uint32(startState)
	for _, n := range order {
		var x Step
		if last = s.configs.all[state].running; n.letter == passing {
			e := m.eventAfter(last)
			state = s.configs.expire(state)
			x = Step{Source: e.Source, ID: e.ID, Type: e.Type}
		} else {
			last = running{}
			state = s.next(n.letter, state)
			r := m.trails.records.at(n.record)
			x = Step{Source: m.sources.name(r.source), ID: r.id, Type: s.letterOf(n.letter).Type}
		}
		x.To = s.auto.States[s.base(state)]
		steps = append(steps, x)
	}
	return steps, last
}

// witnessInTime is the witness of a stateful property in exact order.
func (m *Monitor) witnessInTime(s *store, slice []note) []Step {
	if len(slice) == 0 {
		return nil
	}
	order, _ := m.inTime(s, slice, func(r running) bool {
		f := m.deadlines.firing
		return f != nil && !f.at.before(r.at)
	})
	steps, _ := m.steps(s, order)
	return steps
}

// violatedInTime tells whether the deadlines that run would violate if no
// event came any more.
func (c *configs) violatedInTime(state uint32) bool {
	for c.all[state].running.on() {
		state = c.expire(state)
	}
	return state == props.ViolatedState || c.store.auto.AtEnd[c.store.base(state)]
}

// passTo tells what deadlines violate before a limit; nil is the end, where
// those have passed that are older than the newest event.
func (s *Stream) passTo(limit *instant) {
	if limit == nil {
		limit = &s.newest
	}
	for _, v := range s.monitor.pass(*limit, false) {
		s.tell(instantOf(v.Event.Time), v)
	}
}

// timeAtEnd is the newest time of each source.
func (s *Stream) timeAtEnd() endOfTime {
	e := endOfTime{any: s.any, newest: s.newest, of: make([]instant, len(s.origins))}
	for i := range s.origins {
		if o := &s.origins[i]; o.any {
			e.of[i] = o.goneAt
		} else {
			e.of[i] = instant{sec: -1 << 62}
		}
	}
	return e
}

// passed tells whether a deadline certainly precedes an event that was seen.
func (e *endOfTime) passed(r running, skew time.Duration) bool {
	return e.any && (r.at.add(skew).before(e.newest) || int(r.source) < len(e.of) && r.at.before(e.of[r.source]))
}

// runningQueue is a heap, in the order in which deadlines pass.
type runningQueue []runningOf

func (q runningQueue) Len() int      { return len(q) }
func (q runningQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Less is by time, then such that those of one event stand together.
func (q runningQueue) Less(i, j int) bool {
	a, b := &q[i], &q[j]
	if c := a.at.compare(b.at); c != 0 {
		return c < 0
	}
	return cmp.Or(cmp.Compare(a.plan, b.plan), cmp.Compare(a.source, b.source), strings.Compare(a.id, b.id),
		cmp.Compare(a.after, b.after), cmp.Compare(a.domain, b.domain), cmp.Compare(a.cell, b.cell)) < 0
}

// Push is for package heap.
func (q *runningQueue) Push(x any) { *q = append(*q, x.(runningOf)) }

// Pop is for package heap.
func (q *runningQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	old[len(old)-1] = runningOf{}
	*q = old[:len(old)-1]
	return x
}
