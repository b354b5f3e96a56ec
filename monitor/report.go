package monitor

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// unsettled returns what is violated if the run ends here.
func (m *engine) unsettled(s *store) []Violation {
	m.now = occurrence{}
	return m.report(s, s.unsettled())
}

// report returns the violations of the minimal instances among those that
// are violated at once, and lets go of the slices of the dead.
func (m *engine) report(s *store, violated []hit) []Violation {
	var found []Violation
	for _, h := range m.minimal(s, violated) {
		p := &s.pools[h.domain]
		v := Violation{Property: s.property.Name(), Binding: m.binding(s, h.domain, h.cell), Certainty: Certain}
		if !m.options.noWitness {
			slice := m.slice(s, h.domain, p.key(h.cell))
			v.Witness = m.witness(s, slice)
		}
		switch state := p.all[h.cell].state; {
		case state != props.ViolatedState:
			v.Detail = fmt.Sprintf("the run ended in state %q", s.auto.States[s.base(state)])
		case m.now.whole:
			v.Event = *m.whole
		default:
			v.Event = event.Event{ID: m.now.id, Source: m.sources.name(m.now.source), Type: m.letter.Type, Time: m.now.time.time()}
		}
		found = append(found, v)
	}
	for _, h := range violated {
		switch p := &s.pools[h.domain]; {
		case !p.all[h.cell].dead:
		case !p.event && h.domain != 0:
			m.drop(s, h.domain, h.cell)
		case p.top:
			p.forgetTrail(h.cell)
		}
	}
	return found
}

// minimal leaves out the instances that properly contain another.
func (m *engine) minimal(s *store, all []hit) []hit {
	if len(all) < 2 {
		return all
	}
	hits := make(map[hit]bool, len(all))
	for _, h := range all {
		hits[h] = true
	}
	var kept []hit
	for _, h := range all {
		inside := func(part int) bool {
			c := m.partOf(s, part, h.domain, s.pools[h.domain].key(h.cell))
			return c != none && hits[hit{part, c}]
		}
		if !slices.ContainsFunc(s.domains[h.domain].parts, inside) {
			kept = append(kept, h)
		}
	}
	return kept
}

func sortBinding(b Binding) {
	slices.SortFunc(b, func(x, y event.Field) int { return strings.Compare(x.Name, y.Name) })
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
