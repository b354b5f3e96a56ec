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
	ended     bool            // or the end
	why       string          // of an undecided one
}

// maxStatesOfSkew is the width of a front's set of states.
const maxStatesOfSkew = 64

// fuzzyEvent is the event as fronts see it.
func (x *step) fuzzyEvent() skew.Pending {
	return skew.Pending{At: x.now.At, Letter: x.fate, Source: x.now.Source, Event: x.applied}
}

// advanceFuzzy moves a stored instance by the event, in all orders. Its state
// is that of the order by time.
func (x *step) advanceFuzzy(domain int, c cell) {
	p := &x.pools[domain]
	f := p.fuzzy[c]
	if f.Reach(&x.judge, x.now.At, x.options.skew); f.Over(&x.judge) && !f.Lingers(&x.judge, x.now.At, x.options.skew) {
		x.conclude(domain, c, &endOfTime{})
		x.settle(domain, c)
		return
	}
	f.Add(&x.judge, x.fuzzyEvent(), x.options.skew)
	if x.Configs == nil {
		p.all[c].state = x.Next(x.fate, p.all[c].state, nil)
	}
}

// conceiveFuzzy begins an instance with the slices of its parts.
func (x *step) conceiveFuzzy(b birth) birth {
	var room [8]values.Symbol
	b.in = instance{state: x.stateOf(b.domain)}
	b.fuzzy = skew.NewFront()
	for _, n := range x.slice(b.domain, pick(room[:0], x.plain, x.domains[b.domain].list)) {
		r := x.trails.records.at(n.record)
		b.fuzzy.Add(&x.judge, skew.Pending{At: r.at(), Letter: n.letter, Source: r.source}, x.options.skew)
	}
	return b
}

// with moves a newborn by the event. What it continues may turn out to be
// over: then it is dead, and reported with what it continues.
func (b *birth) with(x *step) {
	if b.fuzzy.Reach(&x.judge, x.now.At, x.options.skew); b.fuzzy.Over(&x.judge) {
		b.in.dead, b.fuzzy = true, nil
		return
	}
	b.fuzzy.Add(&x.judge, x.fuzzyEvent(), x.options.skew)
	if x.Configs == nil {
		b.in.state = x.Next(x.fate, b.in.state, nil)
	}
}

// conclude says what is known of an instance whose front is over, or at the
// end; end says which deadlines have passed then.
func (s *store) conclude(domain int, c cell, end *endOfTime) {
	p := &s.pools[domain]
	f := p.fuzzy[c]
	p.fuzzy[c] = nil
	const violated = 1 << props.ViolatedState
	if !f.Undecided && !s.MayBeViolated(f.States) {
		return
	}
	v := verdict{domain: domain, key: slices.Clone(p.key(c)), violation: Violation{
		Property: s.property.Name(), Binding: s.binding(domain, c), Certainty: Possible}}
	if f.Undecided {
		v.why = "too many events of it are concurrent"
		s.settled = append(s.settled, v)
		return
	}
	if f.States == violated {
		v.violation.Certainty = Certain
	}
	if v.violation.Forgotten = p.lacks(c); v.violation.Forgotten {
		v.violation.Certainty = Possible
	}
	slice := s.slice(domain, p.key(c))
	a, last := account{s, slice}, s.endOf(domain, p.key(c), end)
	order := a.violatingOrder(last)
	if order == nil {
		v.why = "too many events of it are concurrent to find a witness"
		s.settled = append(s.settled, v)
		return
	}
	a.tellOrder(&v, order, end.newest)
	if s.mayLack() {
		if a.weighOrder(&v, order); v.why != "" {
			v.record = 0 // as of all that are undecided: it is not kept
			s.settled = append(s.settled, v)
			return
		}
	}
	a.explain(&v.violation, last)
	s.settled = append(s.settled, v)
}

// finish concludes all instances, and returns what is to be reported, by time
// of the violating event, then by property and binding; undecided ones among
// them. owed are those that something is owed of.
func (m *engine) finish(end *endOfTime) (all []verdict, owed int) {
	for i := range m.stores {
		s := &m.stores[i]
		for d := range s.pools {
			p := &s.pools[d]
			for c := range p.fuzzy {
				if f := p.fuzzy[c]; f != nil {
					if !f.Undecided && len(f.Waiting) > 0 {
						f.Finish(&s.judge, m.options.skew)
					}
					if !f.Undecided && (s.Timed() || end.judged) {
						f.AtEnd(&s.judge, s.endOf(d, p.key(cell(c)), end))
					}
					if s.owes(d, cell(c)) {
						owed++
					}
					s.conclude(d, cell(c), end)
				}
			}
		}
		kept := s.minimalVerdicts()
		all = append(all, kept...)
	}
	slices.SortStableFunc(all, compareVerdicts)
	return all, owed
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
		ended  bool
	}
	byEvent := map[key][]int{}
	for i, v := range s.settled {
		k := key{v.record, v.passed, v.ended}
		byEvent[k] = append(byEvent[k], i)
	}
	var kept []verdict
	for _, v := range s.settled {
		hidden := v.why == "" && slices.ContainsFunc(byEvent[key{v.record, v.passed, v.ended}], func(j int) bool {
			w := &s.settled[j]
			return w.why == "" && (w.violation.Certainty == Certain || v.violation.Certainty == Possible) && s.contains(v, *w)
		})
		if !hidden && s.pools[v.domain].owned {
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
