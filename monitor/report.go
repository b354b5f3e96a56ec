package monitor

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/props"
)

// unsettled returns what is violated if the run ends here.
func (m *engine) unsettled(s *store) []Violation {
	return (&step{store: s, shared: &m.shared}).report(s.unsettled(), nil)
}

// report returns the violations of the minimal instances among those that
// are violated at once, and lets go of the slices of the dead. firing is the
// deadline that violates, if one does.
func (x *step) report(violated []hit, firing *machine.Running) (found []Violation) {
	told, doubtful := []hit(nil), []hit(nil)
	if x.mayLack() {
		told, doubtful = x.weigh(violated)
	} else {
		told = x.minimal(violated)
	}
	for _, h := range told {
		found = x.tell(found, h, firing)
	}
	for _, h := range doubtful {
		for _, v := range x.tell(nil, h, firing) {
			v.doubt = doubtOf(&v)
			found = append(found, v)
		}
	}
	for _, h := range violated {
		switch p := &x.pools[h.domain]; {
		case !p.all[h.cell].dead:
		case !p.event && h.domain != 0:
			x.drop(h.domain, h.cell)
		case p.top:
			p.forgetTrail(h.cell)
		}
	}
	return found
}

// tell appends the violation of an instance, unless another part tells it.
func (x *step) tell(found []Violation, h hit, firing *machine.Running) []Violation {
	p := &x.pools[h.domain]
	if !p.owned {
		return found
	}
	v := Violation{Property: x.property.Name(), Binding: x.binding(h.domain, h.cell), Certainty: Certain}
	if v.Forgotten = p.lacks(h.cell); v.Forgotten {
		v.Certainty = Possible
	}
	if !x.options.noWitness {
		slice := x.slice(h.domain, p.key(h.cell))
		v.Witness = account{x.store, slice}.witness(firing)
	}
	switch state := p.all[h.cell].state; {
	case x.ended != nil:
		x.tellEnd(&v, account{x.store, x.slice(h.domain, p.key(h.cell))})
	case state != props.ViolatedState:
		v.Detail = fmt.Sprintf("the run ended in state %q", x.Auto.States[x.Base(state)])
	case x.whole != nil:
		v.Event = *x.whole
	default:
		v.Event = event.Event{ID: x.now.id, Source: x.sources.Name(x.now.Source), Type: cmp.Or(x.other, x.letter.Type), Time: x.now.Time.Time()}
	}
	return append(found, v)
}

// minimal leaves out the instances that properly contain another which is
// violated with the same or stronger certainty.
func (s *store) minimal(all []hit) []hit {
	if len(all) < 2 {
		return all
	}
	var kept []hit
	hits := places(all)
	for _, h := range all {
		if !s.containsAny(h, hits) {
			kept = append(kept, h)
		}
	}
	return kept
}

// places are the instances of hits.
func places(all []hit) map[hit]bool {
	hits := make(map[hit]bool, len(all))
	for _, h := range all {
		hits[hit{domain: h.domain, cell: h.cell}] = true
	}
	return hits
}

// containsAny tells whether an instance properly contains one of others that is
// of the same or stronger certainty.
func (s *store) containsAny(h hit, hits map[hit]bool) bool {
	return slices.ContainsFunc(s.domains[h.domain].parts, func(part int) bool {
		c := s.partOf(part, h.domain, s.pools[h.domain].key(h.cell))
		return c != none && hits[hit{domain: part, cell: c}] && (!s.pools[part].lacks(c) || s.pools[h.domain].lacks(h.cell))
	})
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
