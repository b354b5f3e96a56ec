package monitor

import (
	"bytes"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// verdict is what is known of an instance when it is settled, with skew.
type verdict struct {
	domain    int
	key       []symbol
	violation Violation
	at        instant // effective time of the violating event
	record    uint32  // the violating event
	passed    running // or the deadline
	why       string  // of an undecided one
}

// maxStatesOfSkew is the width of a front's set of states.
const maxStatesOfSkew = 64

// fuzzyEvent is the event as fronts see it.
func (m *engine) fuzzyEvent() pending {
	return pending{at: m.now.at, letter: m.fate, source: m.now.source}
}

// deadStates are the states that a settled instance may be in.
func (s *store) deadStates() (mask uint64) {
	for i, dead := range s.dead {
		if dead {
			mask |= 1 << i
		}
	}
	return mask
}

// over tells whether nothing can change an instance any more.
func (f *front) over(s *store) bool {
	return f.undecided || len(f.waiting) == 0 && s.allDead(f.states)
}

// advanceFuzzy moves a stored instance by the event, in all orders. Its state
// is that of the order by time.
func (m *engine) advanceFuzzy(s *store, domain int, c cell) {
	p := &s.pools[domain]
	f := p.fuzzy[c]
	if f.reach(s, m.now.at, m.options.skew); f.over(s) && !f.lingers(s, m.now.at, m.options.skew) {
		m.conclude(s, domain, c)
		m.settle(s, domain, c)
		return
	}
	f.add(s, m.fuzzyEvent(), m.options.skew)
	if s.configs == nil {
		p.all[c].state = s.next(m.fate, p.all[c].state)
	}
}

// conceiveFuzzy begins an instance with the slices of its parts.
func (m *engine) conceiveFuzzy(s *store, b birth) birth {
	var room [8]symbol
	b.in = instance{state: m.stateOf(s, b.domain)}
	b.fuzzy = newFront()
	for _, n := range m.slice(s, b.domain, pick(room[:0], m.plain, s.domains[b.domain].list)) {
		r := m.trails.records.at(n.record)
		b.fuzzy.add(s, pending{at: r.at(), letter: n.letter, source: r.source}, m.options.skew)
	}
	return b
}

// with moves a newborn by the event. What it continues may turn out to be
// over: then it is dead, and reported with what it continues.
func (b *birth) with(m *engine, s *store) {
	if b.fuzzy.reach(s, m.now.at, m.options.skew); b.fuzzy.over(s) {
		b.in.dead, b.fuzzy = true, nil
		return
	}
	b.fuzzy.add(s, m.fuzzyEvent(), m.options.skew)
	if s.configs == nil {
		b.in.state = s.next(m.fate, b.in.state)
	}
}

// conclude says what is known of an instance whose front is over, or at the
// end.
func (m *engine) conclude(s *store, domain int, c cell) {
	p := &s.pools[domain]
	f := p.fuzzy[c]
	p.fuzzy[c] = nil
	const violated = 1 << props.ViolatedState
	if !f.undecided && !s.mayBeViolated(f.states) {
		return
	}
	v := verdict{domain: domain, key: slices.Clone(p.key(c)), violation: Violation{
		Property: s.property.Name(), Binding: m.binding(s, domain, c), Certainty: Possible}}
	if f.undecided {
		v.why = "too many events of it are concurrent"
		s.settled = append(s.settled, v)
		return
	}
	if f.states == violated {
		v.violation.Certainty = Certain
	}
	slice := m.slice(s, domain, p.key(c))
	order := m.violatingOrder(s, slice)
	if order == nil {
		v.why = "too many events of it are concurrent to find a witness"
		s.settled = append(s.settled, v)
		return
	}
	if s.configs != nil {
		m.tellInTime(s, &v, order)
	} else {
		last := order[len(order)-1]
		v.record, v.at = last.record, m.trails.records.at(last.record).at()
		v.violation.Event = m.eventOf(s, last)
		v.violation.Witness = m.witness(s, order)
	}
	m.explain(s, &v.violation, slice)
	s.settled = append(s.settled, v)
}

// violatingOrder returns a slice up to the event that violates it: by time if
// that violates, else in the first order that is found to.
func (m *engine) violatingOrder(s *store, slice []note) []note {
	if s.configs != nil {
		return m.violatingOrderInTime(s, slice)
	}
	state := uint32(startState)
	for i, n := range slice {
		if state = s.next(n.letter, state); state == props.ViolatedState {
			return slice[:i+1]
		}
	}
	return m.orderTo(s, slice, props.ViolatedState)
}

// finish concludes all instances, and returns what is to be reported, by time
// of the violating event, then by property and binding; undecided ones among
// them.
func (m *engine) finish() (all []verdict) {
	for i := range m.stores {
		s := &m.stores[i]
		for d := range s.pools {
			p := &s.pools[d]
			for c := range p.fuzzy {
				if f := p.fuzzy[c]; f != nil {
					if !f.undecided && len(f.waiting) > 0 {
						f.finish(s, m.options.skew)
					}
					if s.timed() && !f.undecided {
						f.states = s.configs.atEnd(f.states, m)
					}
					m.conclude(s, d, cell(c))
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
	if c := a.at.compare(b.at); c != 0 {
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
		passed running
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
