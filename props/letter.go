package props

import (
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// Letter is an event type as a property sees it: with the parameters that
// bind variables, and the guards that an event must pass. It is a value; its
// methods return changed copies, so that one letter can be the root of many.
type Letter struct {
	event  string
	binds  []bind
	wants  []string
	guards []*guard
}

// bind says which parameter gives a variable its value.
type bind struct{ variable, param string }

// guard is compared by its address: a letter that is used in several places
// has one guard, evaluated once per event.
type guard struct {
	desc string
	pass func(event.Data) bool
}

// On returns the letter of an event type. Each variable is bound by the
// parameter of the same name; for another name see [Letter.Binding].
func On(eventType string, variables ...string) Letter {
	l := Letter{event: eventType}
	for _, v := range variables {
		l.binds = append(l.binds, bind{v, v})
	}
	return l
}

// Binding adds a variable that is bound by the parameter of another name.
func (l Letter) Binding(variable, param string) Letter {
	l.binds = append(slices.Clip(l.binds), bind{variable, param})
	return l
}

// Wanting adds parameters that an event must have although they bind nothing,
// say because a guard looks at them. An event without them is malformed for
// the property.
func (l Letter) Wanting(params ...string) Letter {
	l.wants = append(slices.Clip(l.wants), params...)
	return l
}

// When restricts the letter to events whose parameters pass; desc says it to
// people, as in "when the amount is negative". The function must depend on
// nothing but its argument. Of several guards all must pass. An event that
// does not pass still belongs to the slice, and changes nothing there.
func (l Letter) When(desc string, pass func(event.Data) bool) Letter {
	l.guards = append(slices.Clip(l.guards), &guard{desc, pass})
	return l
}

// String returns the letter for people, such as
// CHARGED(order=order_id) when the amount is negative.
func (l Letter) String() string {
	var b strings.Builder
	b.WriteString(l.event)
	if len(l.binds) > 0 {
		b.WriteByte('(')
		for i, p := range l.binds {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(p.variable)
			if p.param != p.variable {
				b.WriteString("=" + p.param)
			}
		}
		b.WriteByte(')')
	}
	for i, g := range l.guards {
		b.WriteString([]string{" when ", " and "}[min(i, 1)] + g.desc)
	}
	return b.String()
}

// variables returns what the letter binds, in order.
func (l Letter) variables() []string {
	vs := make([]string, len(l.binds))
	for i, b := range l.binds {
		vs[i] = b.variable
	}
	return vs
}

// union returns the variables of the letters, each once, in order of
// appearance.
func union(letters ...Letter) []string {
	var all []string
	for _, l := range letters {
		for _, v := range l.variables() {
			if !slices.Contains(all, v) {
				all = append(all, v)
			}
		}
	}
	return all
}
