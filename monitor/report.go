package monitor

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// Quiesce returns what is violated if the run ends here: instances in a state
// that must not be the last, and checks of what the stores hold. They come by
// property name, then by binding. The stores may be nil if no property looks
// at them.
//
// It changes nothing; events may follow.
func (m *Monitor) Quiesce(stores props.State) []Violation {
	m.event = event.Event{}
	var found []Violation
	for i := range m.stores {
		s := &m.stores[i]
		if check := s.property.Check(); check != nil {
			if err := check(stores); err != nil {
				found = append(found, Violation{Property: s.property.Name(), Certainty: Certain, Detail: err.Error()})
			}
			continue
		}
		found = append(found, m.report(s, s.unsettled())...)
	}
	sortViolations(found)
	return found
}

// unsettled returns the instances that must not end in their state.
func (s *store) unsettled() []*instance {
	if !slices.Contains(s.auto.AtEnd, true) {
		return nil
	}
	var all []*instance
	if s.auto.AtEnd[s.root.state] {
		all = append(all, &s.root)
	}
	for _, t := range s.tables {
		for _, in := range t { //wtsim:order reports are sorted by binding
			if !in.dead && s.auto.AtEnd[in.state] {
				all = append(all, in)
			}
		}
	}
	return all
}

// report returns the violations of the minimal instances among those that
// are violated at once, and lets go of the slices of the dead.
func (m *Monitor) report(s *store, violated []*instance) []Violation {
	var found []Violation
	for _, in := range m.minimal(s, violated) {
		v := Violation{
			Property:  s.property.Name(),
			Binding:   s.binding(in),
			Certainty: Certain,
			Event:     m.event,
			Witness:   s.witness(in.trail),
		}
		if in.state != props.ViolatedState {
			v.Detail = fmt.Sprintf("the run ended in state %q", s.auto.States[in.state])
		}
		found = append(found, v)
	}
	for _, in := range violated {
		if in.dead {
			in.trail = nil
		}
	}
	return found
}

// minimal leaves out the instances that properly contain another.
func (m *Monitor) minimal(s *store, all []*instance) []*instance {
	if len(all) < 2 {
		return all
	}
	name := func(domain int, in *instance) string {
		return string(binary.AppendUvarint(m.keyOf(s, in, s.domains[domain].vars), uint64(domain)))
	}
	names := make(map[string]bool, len(all))
	for _, in := range all {
		names[name(in.domain, in)] = true
	}
	var kept []*instance
	for _, in := range all {
		inside := func(part int) bool { return names[name(part, in)] }
		if !slices.ContainsFunc(s.domains[in.domain].parts, inside) {
			kept = append(kept, in)
		}
	}
	return kept
}

func (s *store) binding(in *instance) Binding {
	b := make(Binding, 0, len(in.values))
	vars := s.domains[in.domain].vars
	for _, value := range in.values {
		var v int
		v, vars = vars.first()
		b = append(b, event.Field{Name: s.auto.Variables[v], Value: value})
	}
	slices.SortFunc(b, func(x, y event.Field) int { return strings.Compare(x.Name, y.Name) })
	return b
}

func (s *store) witness(t *trail) []Step {
	n := 0
	for x := t; x != nil; x = x.before {
		n++
	}
	if n == 0 {
		return nil
	}
	steps := make([]Step, n)
	for ; t != nil; t = t.before {
		n--
		steps[n] = Step{t.event.source, t.event.id, t.event.eventType, s.auto.States[t.state]}
	}
	return steps
}

// sortViolations sorts by property, then by binding as compact JSON.
func sortViolations(vs []Violation) {
	if len(vs) < 2 {
		return
	}
	type keyed struct {
		violation Violation
		binding   []byte
	}
	all := make([]keyed, len(vs))
	for i, v := range vs {
		all[i] = keyed{v, event.Data(v.Binding).AppendJSON(nil)}
	}
	slices.SortFunc(all, func(a, b keyed) int {
		if c := strings.Compare(a.violation.Property, b.violation.Property); c != 0 {
			return c
		}
		return bytes.Compare(a.binding, b.binding)
	})
	for i, k := range all {
		vs[i] = k.violation
	}
}
