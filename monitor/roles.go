package monitor

import (
	"slices"
	"strings"

	"github.com/wtsim/wtsim/props"
)

// Events with several roles in a property: they have one binding a role. In
// exact order an event is applied once a role, in the order of the roles: an
// instance that contains several bindings takes them all, as the machine would
// take events in a row, between which nothing can be. What is violated is told
// once all are applied. In slices and fronts, where others can come between
// events, what an instance takes at once is one letter ([machine.Machine.Both]).

func hasRoles(a *props.Automaton) bool {
	for i := range a.Events {
		if i > 0 && a.Events[i-1].Type == a.Events[i].Type {
			return true
		}
	}
	return false
}

// withoutRoles takes back what an event is to a property for which it turns out
// to be malformed.
func withoutRoles(all []routed, plan int) []routed {
	for len(all) > 0 && int(all[len(all)-1].plan) == plan {
		all = all[:len(all)-1]
	}
	return all
}

// joined makes one note of those of one event, in a slice.
func (s *store) joined(all []note) []note {
	if !s.roles {
		return all
	}
	slices.SortStableFunc(all, func(a, b note) int {
		if a.record != b.record {
			return int(a.record) - int(b.record)
		}
		return s.Fates[a.letter].Letter - s.Fates[b.letter].Letter
	})
	kept := all[:0]
	for _, n := range all {
		if last := len(kept) - 1; last >= 0 && kept[last].record == n.record {
			kept[last].letter = s.Both(kept[last].letter, n.letter)
			continue
		}
		kept = append(kept, n)
	}
	return kept
}

// name is the type of an event, with its role if there are several.
func (s *store) name(letter int) string {
	t := s.letters[letter].EventType
	same := func(other int) bool {
		return other >= 0 && other < len(s.letters) && other != letter && s.letters[other].Type == t.Type
	}
	if !same(letter-1) && !same(letter+1) {
		return t.Type
	}
	var binds []string
	for _, b := range t.Binds {
		binds = append(binds, s.Auto.Variables[b.Variable])
	}
	for i, b := range t.Some {
		if b != nil {
			binds = append(binds, s.Auto.Some.Variables[i])
		}
	}
	return t.Type + "(" + strings.Join(binds, ", ") + ")"
}
