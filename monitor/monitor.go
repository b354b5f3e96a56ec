package monitor

import (
	"errors"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// Options say how to monitor. The zero value keeps everything.
type Options struct {
	// NoWitness leaves out the witnesses of violations, and with them the
	// memory of every event that a live instance has seen.
	NoWitness bool
	// Coverage keeps track of the states and transitions that events use; it
	// needs witnesses. See [Monitor.Coverage].
	Coverage bool

	limits *limits // nil are the usual ones
}

// Monitor judges events that are in exact order already, as in a simulated
// run. It is used by one goroutine.
type Monitor struct {
	engine   engine
	position Position
	one      [1]event.Event // the memory of Observe's argument
}

// Monitor returns a monitor that has seen nothing.
func (p *Program) Monitor(o Options) *Monitor {
	m := &Monitor{}
	m.engine.start(p, settings{noWitness: o.NoWitness, coverage: o.Coverage, limits: o.limits.or(usual())})
	return m
}

// Observe takes the next event. What it violates comes by property name, then
// by binding as compact JSON; before that, what deadlines violate that have
// passed by then.
//
// Events come in exact order: by effective time; at equal times in the order
// of the input, events of one source in their source's order. The caller sees
// to that, and drops duplicates; the monitor looks at no time but for
// deadlines. See [Stream] for events as they come.
func (m *Monitor) Observe(e event.Event) (j Judgement) {
	m.one[0] = e
	m.observe(m.one[:], &j)
	return j
}

// ObserveAll is Observe for events in a row. Of many events it takes less
// time. What is malformed may be told before what earlier events violate.
func (m *Monitor) ObserveAll(events []event.Event) (j Judgement) {
	for group := range slices.Chunk(events, m.engine.options.limits.together) {
		m.observe(group, &j)
	}
	return j
}

// observe adds what some events come to.
func (m *Monitor) observe(events []event.Event, j *Judgement) {
	found, misfits := m.engine.observe(events)
	for i := range misfits {
		x := &misfits[i]
		j.Findings = append(j.Findings, Finding{
			Kind: FoundMalformed, Violation: Violation{Property: x.Property}, Source: x.Source, Event: x.ID, Why: x.Why})
		if i == 0 || x.ID != misfits[i-1].ID || x.Source != misfits[i-1].Source {
			j.Lost.Malformed++
		}
	}
	for i := range found {
		j.Findings = append(j.Findings, findingOf(found[i]))
	}
	if m.engine.options.coverage {
		j.Used = append(j.Used, m.engine.used()...)
	}
	m.position.Inputs += len(events)
	m.position.Watermark = events[len(events)-1].Time
	j.Position = m.position
}

// findingOf is a violation, or an undecided one.
func findingOf(v Violation) Finding {
	if v.doubt != "" {
		return Finding{Kind: FoundUndecided, Violation: v, Why: v.doubt}
	}
	return Finding{Kind: FoundViolation, Violation: v}
}

// Quiesce returns what is violated if the run ends here: instances in a state
// that must not be the last, and checks of what the stores hold. They come by
// property name, then by binding; behind them, in the order of the properties,
// checks that could not say whether theirs holds. The run may be nil if no
// property looks at it.
//
// It changes nothing; events may follow.
func (m *Monitor) Quiesce(run props.Run) Judgement {
	j := Judgement{Position: m.position}
	var found []Violation
	var undecided []Finding
	for i := range m.engine.stores {
		s := &m.engine.stores[i]
		check := s.property.Check()
		if check == nil {
			found = append(found, m.engine.unsettled(s)...)
			continue
		}
		v := Violation{Property: s.property.Name(), Certainty: Certain}
		switch err := check(run); {
		case errors.Is(err, props.ErrUndecided):
			undecided = append(undecided, Finding{Kind: FoundUndecided, Violation: Violation{Property: v.Property}, Why: err.Error()})
		case err != nil:
			v.Detail = err.Error()
			found = append(found, v)
		}
	}
	sortViolations(found)
	for i := range found {
		j.Findings = append(j.Findings, findingOf(found[i]))
	}
	j.Findings = append(j.Findings, undecided...)
	return j
}

// Stats returns the counts up to now.
func (m *Monitor) Stats() Stats {
	c := &m.engine.counts
	return Stats{Events: m.position.Inputs, Malformed: c.malformed, Reasons: slices.Clip(c.reasons), Properties: m.engine.stats()}
}

// Coverage returns what was used up to now, in the order given to Compile;
// nothing for checks at quiescence. The monitor must have been started with
// Options.Coverage.
func (m *Monitor) Coverage() []Coverage { return m.engine.coverage() }
