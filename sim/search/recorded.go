package search

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

// Recorded is a violation in recorded events, to be shown again by a run. A run
// shows it if it violates the same property with the same slice, up to the
// names of values: the same types in the same order, leading to the same states,
// and one renaming, of no two values into one, makes of what the property reads
// in the one what it reads in the other.
type Recorded struct {
	Violation monitor.Violation
	Events    []event.Event // its slice
	property  *props.Property
	states    []string // after each of them
	told      bool     // it was told, without its events: no more is known of them than their types, and what is bound
}

// RecordedOptions say what is looked for in recorded events.
type RecordedOptions struct {
	Property string        // empty is any: the first violation
	Lateness time.Duration // see [monitor.StreamOptions]
	End      bool          // nothing comes after the events
}

// NewRecorded finds a violation of one of the scenario's properties in recorded
// events, as the engine of `wtsim check` does. Properties that are checks of a
// run's end cannot be judged on events, and are left out.
func NewRecorded(s *sim.Simulation, all []event.Event, o RecordedOptions) (*Recorded, error) {
	judged, err := judgedBy(s, o.Property)
	if err != nil {
		return nil, err
	}
	program, err := monitor.Compile(judged...)
	if err != nil {
		return nil, err
	}
	stream, err := program.Stream(monitor.StreamOptions{Lateness: o.Lateness})
	if err != nil {
		return nil, err
	}
	found := firstOf(stream, all, o.End)
	if found == nil {
		return nil, errors.New("the events violate none of the scenario's properties, wanted a recorded violation (with --end, also of what is owed at the end)")
	}
	at := slices.IndexFunc(judged, func(p *props.Property) bool { return p.Name() == found.Property })
	r := &Recorded{Violation: *found, property: judged[at]}
	r.Events, r.states = sliceOf(found, all)
	return r, nil
}

// TellRecorded takes the first of violations that were told, as `wtsim monitor`
// and `wtsim check` tell them, of one of the scenario's properties. Their events are
// not there, so that a run shows it whose slice has the same types, states and
// values of the property's variables, up to the names of these.
func TellRecorded(s *sim.Simulation, all []monitor.Violation, o RecordedOptions) (*Recorded, error) {
	judged, err := judgedBy(s, o.Property)
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		for _, p := range judged {
			if p.Name() != v.Property {
				continue
			}
			if len(v.Witness) == 0 {
				return nil, fmt.Errorf("the violation of %q has no witness, wanted the events that led to it", v.Property)
			}
			r := &Recorded{Violation: v, property: p, told: true}
			r.Events, r.states = sliceOf(&v, nil)
			for i := range r.Events {
				r.Events[i].Data = boundBy(p.Automaton(), r.Events[i].Type, v.Binding)
			}
			return r, nil
		}
	}
	return nil, fmt.Errorf("none of the violations is of a property of the scenario %s that events can be judged by", s.Scenario().Name)
}

// boundBy are the parameters of an event of an instance, as far as its binding
// says them.
func boundBy(a *props.Automaton, typ string, b monitor.Binding) (d event.Data) {
	for i := range a.Events {
		if a.Events[i].Type != typ {
			continue
		}
		for j := range a.Events[i].Binds {
			bind := &a.Events[i].Binds[j]
			if v, ok := b.Get(a.Variables[bind.Variable]); ok && plain(bind) {
				d = d.With(bind.Param, v)
			}
		}
	}
	return d
}

// plain tells whether a variable is bound by a parameter, as it is.
func plain(b *props.Bind) bool { return !b.Nested && b.Shown() == b.Param }

// judgedBy are the properties that events can be judged by: all of the scenario's,
// or the one that is named.
func judgedBy(s *sim.Simulation, name string) (judged []*props.Property, err error) {
	for _, p := range s.Scenario().Properties {
		if p.Automaton() != nil && (name == "" || name == p.Name()) {
			judged = append(judged, p)
		}
	}
	switch {
	case len(judged) > 0:
		return judged, nil
	case name != "":
		return nil, fmt.Errorf("the scenario %s has no property %q that events can be judged by", s.Scenario().Name, name)
	}
	return nil, fmt.Errorf("the scenario %s has no property that events can be judged by: all are checks of how a run ends", s.Scenario().Name)
}

// firstOf is the first violation that a stream finds.
func firstOf(stream *monitor.Stream, all []event.Event, end bool) *monitor.Violation {
	for i := range all {
		j := stream.Push([]monitor.Input{{Event: all[i]}})
		if v := j.Violations(); len(v) > 0 {
			return &v[0]
		}
	}
	closing := stream.Close
	if end {
		closing = stream.End
	}
	j := closing()
	if v := j.Violations(); len(v) > 0 {
		return &v[0]
	}
	return nil
}

// sliceOf are the events of a violation's witness, and the states after them. A
// deadline is none of the events, but stands where it passed; the end, which a
// run has no event for, is left out.
func sliceOf(v *monitor.Violation, all []event.Event) (slice []event.Event, states []string) {
	named := map[[2]string]int{}
	for i := range all {
		named[[2]string{all[i].Source, all[i].ID}] = i
	}
	for _, w := range v.Witness {
		if w.Source == "" && w.Type == theEnd {
			continue
		}
		e := event.Event{Type: w.Type, Source: w.Source, ID: w.ID}
		if i, ok := named[[2]string{w.Source, w.ID}]; ok && all[i].Type == w.Type {
			e = all[i]
		}
		slice, states = append(slice, e), append(states, w.To)
	}
	return slice, states
}

// theEnd is the type that a witness has for the end of the events.
const theEnd = "end"

// Shows tells whether a run shows the violation.
func (r *Recorded) Shows(run *sim.Result) bool {
	if run.Verdict != sim.Violated || run.Violation.Property != r.Violation.Property {
		return false
	}
	slice, states := sliceOf(run.Violation, eventsOf(run))
	if len(slice) != len(r.Events) || !slices.Equal(states, r.states) {
		return false
	}
	names := renaming{}
	for i := range slice {
		if !names.rename(r.reads(&r.Events[i]), r.reads(&slice[i])) {
			return false
		}
	}
	return true
}

// eventsOf are the events of a run.
func eventsOf(run *sim.Result) (all []event.Event) {
	for i := range run.Steps {
		all = append(all, run.Steps[i].Events...)
	}
	return all
}

// reads is what the property reads of an event, its type first.
func (r *Recorded) reads(e *event.Event) []event.Value {
	out := []event.Value{event.Str(e.Type)}
	a := r.property.Automaton()
	for i := range a.Events {
		t := &a.Events[i]
		if t.Type != e.Type && !t.Other {
			continue
		}
		for b := range t.Binds {
			if _, known := r.Violation.Binding.Get(a.Variables[t.Binds[b].Variable]); r.told && !(known && plain(&t.Binds[b])) {
				continue
			}
			v, _ := t.Binds[b].Of(e)
			out = append(out, v)
		}
		if r.told {
			continue
		}
		for _, name := range t.Wants {
			v, _ := e.Data.Get(name)
			out = append(out, v)
		}
	}
	return out
}

// renaming gives values of one slice names in another: both ways, since no two
// have one name.
type renaming map[[2]string]string

// rename takes over what two events need; it reports whether that is possible,
// and changes nothing if it is not. The first values are their types.
func (n renaming) rename(from, to []event.Value) bool {
	if len(from) != len(to) || from[0].Text() != to[0].Text() {
		return false
	}
	var added [][2]string
	for i := 1; i < len(from); i++ {
		for _, x := range [][3]string{{"to", from[i].Key(), to[i].Key()}, {"from", to[i].Key(), from[i].Key()}} {
			key := [2]string{x[0], x[1]}
			name, known := n[key]
			switch {
			case !known:
				n[key], added = x[2], append(added, key)
			case name != x[2]:
				for _, a := range added {
					delete(n, a)
				}
				return false
			}
		}
	}
	return true
}

// mostTried bounds how many ways are tried to find a slice in a run.
const mostTried = 20_000

// Near is how many of the slice's events, from the first on, a run has in their
// order, under one renaming: others may stand between them.
func (r *Recorded) Near(run *sim.Result) int {
	n := near{of: r, run: eventsOf(run), left: mostTried, names: renaming{}}
	for i := range n.run {
		n.reads = append(n.reads, r.reads(&n.run[i]))
	}
	n.look(0, 0)
	return n.most
}

type near struct {
	of    *Recorded
	run   []event.Event
	reads [][]event.Value
	names renaming
	most  int
	left  int
}

// look puts the event of a number, and those behind it, to those of the run from
// a place on.
func (n *near) look(number, from int) {
	if n.most = max(n.most, number); number == len(n.of.Events) || n.left <= 0 {
		return
	}
	want := n.of.reads(&n.of.Events[number])
	for i := from; i < len(n.run) && n.most < len(n.of.Events); i++ {
		if n.left--; n.left <= 0 {
			return
		}
		if before := maps.Clone(n.names); n.names.rename(want, n.reads[i]) {
			n.look(number+1, i+1)
			n.names = before
		}
	}
}
