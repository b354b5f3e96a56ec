package monitor

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/order"
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
	now    order.Instant // of the last event observed
	lanes  []lane
	strays strays   // those that are earlier than the last of their lane
	n      int      // how many stand in all lanes, and stray
	due    int      // how many may stand there before they are swept
	over   bool     // nothing comes any more: what was not forgotten stays
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
	at     order.Instant
	plan   int32
	domain int32
	cell   cell
}

// strays is a heap; the first one is the next.
type strays []due

func (h strays) Len() int           { return len(h) }
func (h strays) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
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
	machine.Running
	due
}

// begin notes the deadline of an instance, if it is another than it was.
func (s *store) begin(domain int, c cell, was uint32) {
	x := &s.Configs.All[s.pools[domain].all[c].state]
	if !x.Running.On() || s.options.skew > 0 || x.Running == s.Configs.All[was].Running {
		return
	}
	s.deadlines.add(cmp.Or(s.Auto.Deadlines[x.State].After, x.Running.After), due{x.Running.At, int32(s.number), int32(domain), c})
}

func (d *deadlines) add(after time.Duration, x due) {
	i := slices.IndexFunc(d.lanes, func(l lane) bool { return l.after == after })
	if i < 0 {
		i = len(d.lanes)
		d.lanes = append(d.lanes, lane{after: after})
	}
	d.n++
	if l := &d.lanes[i]; len(l.queue) == 0 || !x.at.Before(l.queue[len(l.queue)-1].at) {
		l.queue = append(l.queue, x)
	} else {
		heap.Push(&d.strays, x)
	}
}

// next returns when the next deadline passes.
func (d *deadlines) next() (at order.Instant, any bool) {
	if len(d.strays) > 0 {
		at, any = d.strays[0].at, true
	}
	for i := range d.lanes {
		if l := &d.lanes[i]; l.head < len(l.queue) && (!any || l.queue[l.head].at.Before(at)) {
			at, any = l.queue[l.head].at, true
		}
	}
	return at, any
}

// take removes the deadlines of the next time, and calls each.
func (d *deadlines) take(at order.Instant, each func(due)) {
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

// runs returns the deadline of an instance, if it has one at that time. Where
// nothing comes any more, those in a circle stand still: they have no last one.
func (m *engine) runs(x due) (r machine.Running, ok bool) {
	s := &m.stores[x.plan]
	in := &s.pools[x.domain].all[x.cell]
	if in.unused || in.dead {
		return machine.Running{}, false
	}
	r = s.Configs.All[in.state].Running
	return r, r.On() && r.At == x.at && !(m.deadlines.over && s.Configs.Circles(in.state))
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
					s.begin(domain, cell(c), props.SatisfiedState)
				}
			}
		}
	}
	m.deadlines.due = m.nextSweep(m.deadlines.n)
}

// tick moves time to an event, which cannot be earlier than the last.
func (m *engine) tick(at order.Instant) []Violation {
	m.deadlines.now = order.Later(m.deadlines.now, at)
	return m.pass(m.deadlines.now, false)
}

// pass lets the deadlines before a time pass, or those at it too.
func (m *engine) pass(at order.Instant, including bool) (found []Violation) {
	d := &m.deadlines
	for {
		next, any := d.next()
		if !any || !next.Before(at) && (!including || next != at) {
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
			for n < len(all) && all[n].plan == all[0].plan && all[n].Running == all[0].Running {
				n++
			}
			now = append(now, m.fire(all[:n], at)...)
			all = all[n:]
		}
		sortViolations(now)
		found = append(found, now...)
	}
}

// fire lets a deadline pass, for all instances of one property for which it
// runs; what leads in a circle passes as often as it does before a time.
func (m *engine) fire(all []passes, before order.Instant) []Violation {
	first := all[0].Running
	x := &m.step
	x.passing = occurrence{Moment: order.Moment{At: first.At}}
	x.store, x.now, x.hits = &m.stores[all[0].plan], &x.passing, x.hits[:0]
	if m.options.ttl > 0 && !m.deadlines.over {
		x.expire()
	}
	for _, d := range all {
		if _, ok := m.runs(d.due); !ok {
			continue // expired
		}
		in := &x.pools[d.domain].all[d.cell]
		was := in.state
		if in.state = x.Configs.Passed(was, before); x.IsDead(in.state) {
			x.end(int(d.domain), d.cell, was)
		} else {
			x.begin(int(d.domain), d.cell, was)
		}
	}
	if len(x.hits) == 0 {
		return nil
	}
	e := x.eventAfter(first)
	x.whole = &e
	return x.report(x.hits, &first)
}

// eventAfter is a deadline as an event.
func (s *store) eventAfter(r machine.Running) event.Event {
	return event.Event{ID: r.ID + "+" + length(r.After), Source: s.sources.Name(r.Source), Type: "after " + length(r.After), Time: r.At.Time()}
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

// passTo tells what deadlines violate before a limit; nil is the end, where
// those have passed that are older than the newest event.
func (s *Stream) passTo(limit *order.Instant, j *Judgement) {
	if limit == nil {
		limit = &s.newest
	}
	for _, v := range s.engine.pass(*limit, false) {
		s.tell(j, order.InstantOf(v.Event.Time), v)
	}
}

// comparePasses is the order at one time: such that those of one event stand
// together.
func comparePasses(a, b passes) int {
	return cmp.Or(cmp.Compare(a.plan, b.plan), cmp.Compare(a.Source, b.Source), strings.Compare(a.ID, b.ID),
		cmp.Compare(a.After, b.After), cmp.Compare(a.domain, b.domain), cmp.Compare(a.cell, b.cell))
}
