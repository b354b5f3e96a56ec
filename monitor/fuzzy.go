package monitor

import (
	"bytes"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/skew"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// verdict is what is known of an instance when it is settled, with skew.
type verdict struct {
	domain    int
	key       []values.Symbol
	violation Violation
	at        order.Instant   // effective time of the violating event
	record    uint32          // the violating event
	passed    machine.Running // or the deadline
	why       string          // of an undecided one
}

// maxStatesOfSkew is the width of a front's set of states.
const maxStatesOfSkew = 64

// fuzzyEvent is the event as fronts see it.
func (m *engine) fuzzyEvent() skew.Pending {
	return skew.Pending{At: m.now.At, Letter: m.fate, Source: m.now.Source}
}

// advanceFuzzy moves a stored instance by the event, in all orders. Its state
// is that of the order by time.
func (m *engine) advanceFuzzy(s *store, domain int, c cell) {
	p := &s.pools[domain]
	f := p.fuzzy[c]
	if f.Reach(s.judge, m.now.At, m.options.skew); f.Over(s.judge) && !f.Lingers(s.judge, m.now.At, m.options.skew) {
		m.conclude(s, domain, c, &endOfTime{})
		m.settle(s, domain, c)
		return
	}
	f.Add(s.judge, m.fuzzyEvent(), m.options.skew)
	if s.Configs == nil {
		p.all[c].state = s.Next(m.fate, p.all[c].state, nil)
	}
}

// conceiveFuzzy begins an instance with the slices of its parts.
func (m *engine) conceiveFuzzy(s *store, b birth) birth {
	var room [8]values.Symbol
	b.in = instance{state: m.stateOf(s, b.domain)}
	b.fuzzy = skew.NewFront()
	for _, n := range m.slice(s, b.domain, pick(room[:0], m.plain, s.domains[b.domain].list)) {
		r := m.trails.records.at(n.record)
		b.fuzzy.Add(s.judge, skew.Pending{At: r.at(), Letter: n.letter, Source: r.source}, m.options.skew)
	}
	return b
}

// with moves a newborn by the event. What it continues may turn out to be
// over: then it is dead, and reported with what it continues.
func (b *birth) with(m *engine, s *store) {
	if b.fuzzy.Reach(s.judge, m.now.At, m.options.skew); b.fuzzy.Over(s.judge) {
		b.in.dead, b.fuzzy = true, nil
		return
	}
	b.fuzzy.Add(s.judge, m.fuzzyEvent(), m.options.skew)
	if s.Configs == nil {
		b.in.state = s.Next(m.fate, b.in.state, nil)
	}
}

// conclude says what is known of an instance whose front is over, or at the
// end; end says which deadlines have passed then.
func (m *engine) conclude(s *store, domain int, c cell, end *endOfTime) {
	p := &s.pools[domain]
	f := p.fuzzy[c]
	p.fuzzy[c] = nil
	const violated = 1 << props.ViolatedState
	if !f.Undecided && !s.MayBeViolated(f.States) {
		return
	}
	v := verdict{domain: domain, key: slices.Clone(p.key(c)), violation: Violation{
		Property: s.property.Name(), Binding: m.binding(s, domain, c), Certainty: Possible}}
	if f.Undecided {
		v.why = "too many events of it are concurrent"
		s.settled = append(s.settled, v)
		return
	}
	if f.States == violated {
		v.violation.Certainty = Certain
	}
	slice := m.slice(s, domain, p.key(c))
	order := m.violatingOrder(s, slice, end)
	if order == nil {
		v.why = "too many events of it are concurrent to find a witness"
		s.settled = append(s.settled, v)
		return
	}
	m.tellOrder(s, &v, order)
	m.explain(s, &v.violation, slice, end)
	s.settled = append(s.settled, v)
}

// tellOrder fills in a violation from the order that violates.
func (m *engine) tellOrder(s *store, v *verdict, order []note) {
	if s.Configs == nil {
		v.violation.Witness = m.witness(s, order, nil)
	} else {
		v.violation.Witness, v.passed = m.steps(s, order)
	}
	last := order[len(order)-1]
	if last.letter == passingLetter {
		v.at, v.violation.Event = v.passed.At, m.eventAfter(v.passed)
		return
	}
	v.record, v.at = last.record, m.trails.records.at(last.record).at()
	v.violation.Event = m.eventOf(s, last)
}

// finish concludes all instances, and returns what is to be reported, by time
// of the violating event, then by property and binding; undecided ones among
// them.
func (m *engine) finish(end *endOfTime) (all []verdict) {
	for i := range m.stores {
		s := &m.stores[i]
		for d := range s.pools {
			p := &s.pools[d]
			for c := range p.fuzzy {
				if f := p.fuzzy[c]; f != nil {
					if !f.Undecided && len(f.Waiting) > 0 {
						f.Finish(s.judge, m.options.skew)
					}
					if s.Timed() && !f.Undecided {
						f.States = s.judge.AtEnd(f.States, m.passedAt(end))
					}
					m.conclude(s, d, cell(c), end)
				}
			}
		}
		kept := s.minimalVerdicts()
		all = append(all, kept...)
	}
	slices.SortStableFunc(all, compareVerdicts)
	return all
}

func compareVerdicts(a, b verdict) int {
	if c := a.at.Compare(b.at); c != 0 {
		return c
	}
	if c := bytes.Compare([]byte(a.violation.Property), []byte(b.violation.Property)); c != 0 {
		return c
	}
	return bytes.Compare(event.Data(a.violation.Binding).AppendJSON(nil), event.Data(b.violation.Binding).AppendJSON(nil))
}

// minimalVerdicts leaves out the instances that properly contain one that is
// reported with the same or stronger certainty and the same violating event.
func (s *store) minimalVerdicts() []verdict {
	type key struct {
		record uint32
		passed machine.Running
	}
	byEvent := map[key][]int{}
	for i, v := range s.settled {
		byEvent[key{v.record, v.passed}] = append(byEvent[key{v.record, v.passed}], i)
	}
	var kept []verdict
	for _, v := range s.settled {
		hidden := v.why == "" && slices.ContainsFunc(byEvent[key{v.record, v.passed}], func(j int) bool {
			w := &s.settled[j]
			return w.why == "" && (w.violation.Certainty == Certain || v.violation.Certainty == Possible) && s.contains(v, *w)
		})
		if !hidden {
			kept = append(kept, v)
		}
	}
	return kept
}

// contains tells whether v's binding properly contains w's.
func (s *store) contains(v, w verdict) bool {
	large, small := &s.domains[v.domain], &s.domains[w.domain]
	if v.domain == w.domain || !small.vars.within(large.vars) {
		return false
	}
	for i, x := range small.list {
		if v.key[slices.Index(large.list, x)] != w.key[i] {
			return false
		}
	}
	return true
}
