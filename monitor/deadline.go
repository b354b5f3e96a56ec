package monitor

import (
	"cmp"
	"container/heap"
	"slices"
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
// Those that run stand in queues; one whose state was left meanwhile is found
// to be void when its turn comes. An instance that is born goes on with the
// deadline of the one whose slice it continues, which may have begun long ago.

// deadlines is what a monitor knows of time.
type deadlines struct {
	now    instant // of the last event observed
	lanes  []lane
	strays strays   // those that are earlier than the last of their lane
	n      int      // how many stand in all lanes, and stray
	due    int      // how many may stand there before they are swept
	firing *running // while one passes
	end    endOfTime
	come   []passes // working memory
}

// lane holds deadlines of one duration. Nearly all begin in the order in which
// they pass, so that the first one is the next.
type lane struct {
	after time.Duration
	queue []due
	head  int
}

// due says that an instance may have a deadline at a time.
type due struct {
	at     instant
	plan   int32
	domain int32
	cell   cell
}

// strays is a heap; the first one is the next.
type strays []due

func (h strays) Len() int           { return len(h) }
func (h strays) Less(i, j int) bool { return h[i].at.before(h[j].at) }
func (h strays) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is for package heap.
func (h *strays) Push(x any) { *h = append(*h, x.(due)) }

// Pop is for package heap.
func (h *strays) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// passes is a deadline whose time has come.
type passes struct {
	running
	due
}

// endOfTime is the last that was seen, of all sources and of each.
type endOfTime struct {
	any    bool
	newest instant
	of     []instant // by source; the zero instant if it had no event
}

// begin notes the deadline of an instance, if it is another than it was.
func (m *engine) begin(s *store, domain int, c cell, was uint32) {
	x := &s.configs.all[s.pools[domain].all[c].state]
	if !x.running.on() || m.options.skew > 0 || x.running == s.configs.all[was].running {
		return
	}
	m.deadlines.add(s.auto.Deadlines[x.state].After, due{x.running.at, int32(s.number), int32(domain), c})
}

func (d *deadlines) add(after time.Duration, x due) {
	i := slices.IndexFunc(d.lanes, func(l lane) bool { return l.after == after })
	if i < 0 {
		i = len(d.lanes)
		d.lanes = append(d.lanes, lane{after: after})
	}
	d.n++
	if l := &d.lanes[i]; len(l.queue) == 0 || !x.at.before(l.queue[len(l.queue)-1].at) {
		l.queue = append(l.queue, x)
	} else {
		heap.Push(&d.strays, x)
	}
}

// next returns when the next deadline passes.
func (d *deadlines) next() (at instant, any bool) {
	if len(d.strays) > 0 {
		at, any = d.strays[0].at, true
	}
	for i := range d.lanes {
		if l := &d.lanes[i]; l.head < len(l.queue) && (!any || l.queue[l.head].at.before(at)) {
			at, any = l.queue[l.head].at, true
		}
	}
	return at, any
}

// take removes the deadlines of the next time, and calls each.
func (d *deadlines) take(at instant, each func(due)) {
	for len(d.strays) > 0 && d.strays[0].at == at {
		each(heap.Pop(&d.strays).(due))
		d.n--
	}
	for i := range d.lanes {
		l := &d.lanes[i]
		for ; l.head < len(l.queue) && l.queue[l.head].at == at; l.head++ {
			each(l.queue[l.head])
			d.n--
		}
		if 2*l.head >= len(l.queue) {
			l.queue, l.head = l.queue[:copy(l.queue, l.queue[l.head:])], 0
		}
	}
}

// runs returns the deadline of an instance, if it has one at that time.
func (m *engine) runs(x due) (r running, ok bool) {
	s := &m.stores[x.plan]
	in := &s.pools[x.domain].all[x.cell]
	if in.unused || in.dead {
		return running{}, false
	}
	r = s.configs.all[in.state].running
	return r, r.on() && r.at == x.at
}

// sweepDeadlines drops those of states that were left.
func (m *engine) sweepDeadlines() {
	d := &m.deadlines
	void := func(x due) bool {
		_, ok := m.runs(x)
		return !ok
	}
	d.strays = slices.DeleteFunc(d.strays, void)
	heap.Init(&d.strays)
	d.n = len(d.strays)
	for i := range d.lanes {
		l := &d.lanes[i]
		l.queue, l.head = l.queue[:copy(l.queue, slices.DeleteFunc(l.queue[l.head:], void))], 0
		d.n += len(l.queue)
	}
	d.due = m.nextSweep(d.n)
}

// restoreDeadlines finds those of all instances.
func (m *engine) restoreDeadlines() {
	for _, plan := range m.stateful {
		s := &m.stores[plan]
		for domain := range s.pools {
			for c, in := range s.pools[domain].all {
				if !in.unused && !in.dead {
					m.begin(s, domain, cell(c), props.SatisfiedState)
				}
			}
		}
	}
	m.deadlines.due = m.nextSweep(m.deadlines.n)
}

// tick moves time to an event, which cannot be earlier than the last.
func (m *engine) tick(at instant) []Violation {
	m.deadlines.now = later(m.deadlines.now, at)
	return m.pass(m.deadlines.now, false)
}

// pass lets the deadlines before a time pass, or those at it too.
func (m *engine) pass(at instant, including bool) (found []Violation) {
	d := &m.deadlines
	for {
		next, any := d.next()
		if !any || !next.before(at) && (!including || next != at) {
			return found
		}
		all := d.come[:0]
		d.take(next, func(x due) {
			if r, ok := m.runs(x); ok {
				all = append(all, passes{r, x})
			}
		})
		slices.SortFunc(all, comparePasses)
		d.come = all
		all = slices.Compact(all) // a state that was entered twice at one time
		var now []Violation
		for len(all) > 0 {
			n := 1
			for n < len(all) && all[n].plan == all[0].plan && all[n].running == all[0].running {
				n++
			}
			now = append(now, m.fire(all[:n])...)
			all = all[n:]
		}
		sortViolations(now)
		found = append(found, now...)
	}
}

// fire lets a deadline pass, for all instances of one property for which it
// runs.
func (m *engine) fire(all []passes) []Violation {
	first := all[0].running
	s := &m.stores[all[0].plan]
	m.hits = m.hits[:0]
	m.now = occurrence{moment: moment{at: first.at}, whole: true}
	if m.options.ttl > 0 {
		m.expire(s)
	}
	for _, x := range all {
		if _, ok := m.runs(x.due); !ok {
			continue // expired
		}
		in := &s.pools[x.domain].all[x.cell]
		was := in.state
		if in.state = s.configs.expired(was); s.isDead(in.state) {
			m.settle(s, int(x.domain), x.cell)
		} else {
			m.begin(s, int(x.domain), x.cell, was)
		}
	}
	if len(m.hits) == 0 {
		return nil
	}
	e := m.eventAfter(first)
	m.whole = &e
	m.deadlines.firing = &first
	found := m.report(s, m.hits)
	m.deadlines.firing = nil
	return found
}

// eventAfter is a deadline as an event.
func (m *engine) eventAfter(r running) event.Event {
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
func (m *engine) inTime(s *store, slice []note, until func(running) bool) (all []note, state uint32) {
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
			state = s.configs.replay(n.letter, m.trails.records.at(n.record), state)
		}
	}
	for running().on() && until(running()) {
		state, all = s.configs.expire(state), append(all, note{letter: passing})
	}
	return all, state
}

// steps tells an order to people, with the states that it leads to.
func (m *engine) steps(s *store, order []note) (steps []WitnessEvent, last running) {
	state := uint32(startState)
	for _, n := range order {
		var x WitnessEvent
		if last = s.configs.all[state].running; n.letter == passing {
			e := m.eventAfter(last)
			state = s.configs.expire(state)
			x = WitnessEvent{Source: e.Source, ID: e.ID, Type: e.Type}
		} else {
			last = running{}
			r := m.trails.records.at(n.record)
			state = s.configs.replay(n.letter, r, state)
			x = WitnessEvent{Source: m.sources.name(r.source), ID: r.id, Type: s.letterOf(n.letter).Type}
		}
		x.To = s.auto.States[s.base(state)]
		steps = append(steps, x)
	}
	return steps, last
}

// witnessInTime is the witness of a stateful property in exact order.
func (m *engine) witnessInTime(s *store, slice []note) []WitnessEvent {
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
func (s *Stream) passTo(limit *instant, j *Judgement) {
	if limit == nil {
		limit = &s.newest
	}
	for _, v := range s.engine.pass(*limit, false) {
		s.tell(j, instantOf(v.Event.Time), v)
	}
}

// timeAtEnd is the newest time of each source.
func (s *Stream) timeAtEnd() endOfTime {
	e := endOfTime{any: s.any, newest: s.newest, of: make([]instant, len(s.origins))}
	for i := range s.origins {
		at, any := s.origins[i].newest()
		if !any {
			at = instant{sec: -1 << 62}
		}
		e.of[i] = at
	}
	return e
}

// passed tells whether a deadline certainly precedes an event that was seen.
func (e *endOfTime) passed(r running, skew time.Duration) bool {
	return e.any && (r.at.add(skew).before(e.newest) || int(r.source) < len(e.of) && r.at.before(e.of[r.source]))
}

// comparePasses is the order at one time: such that those of one event stand
// together.
func comparePasses(a, b passes) int {
	return cmp.Or(cmp.Compare(a.plan, b.plan), cmp.Compare(a.source, b.source), strings.Compare(a.id, b.id),
		cmp.Compare(a.after, b.after), cmp.Compare(a.domain, b.domain), cmp.Compare(a.cell, b.cell))
}
