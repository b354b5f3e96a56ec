package props

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
)

// Letter is an event type as a property sees it: with the parameters that
// bind variables, and the guards that an event must pass. It is a value; its
// methods return changed copies, so that one letter can be the root of many.
type Letter struct {
	event  string
	other  bool // instead of event: what the property does not name
	binds  []bind
	wants  []string
	guards []*guard
}

// bind says which parameter gives a variable its value.
type bind struct {
	variable, param string
	nested          bool // the parameter is a way, with dots between
}

// guard is compared by its address: a letter that is used in several places
// has one guard, evaluated once per event. It is of one of two kinds: over the
// event alone, or over registers too.
type guard struct {
	desc  string
	pass  func(*event.Event) (bool, error)
	clock bool            // pass looks at the event's time
	ages  []time.Duration // of states, that holds looks at
	holds func(Memory) bool
	reads []string // parameters that holds looks at
	wants []string // those of them that an event must have
	asks  []string // parameters that pass cannot do without, as far as is known
}

// overRegisters reports whether the guard must be asked for each instance.
func (g *guard) overRegisters() bool { return g.holds != nil }

// On returns the letter of an event type. Each variable is bound by the
// parameter of the same name; for another name see [Letter.Binding].
func On(eventType string, variables ...string) Letter {
	l := Letter{event: eventType}
	for _, v := range variables {
		l.binds = append(l.binds, bind{v, v, false})
	}
	return l
}

// Other returns the letter of every event type that the property does not name
// otherwise. Of such events nothing can be expected: one that lacks a parameter
// which the letter names is not malformed, but none of the letter's.
func Other(variables ...string) Letter {
	l := On(otherEvents, variables...)
	l.other = true
	return l
}

// otherEvents is how property files call the letter of [Other].
const otherEvents = "other"

// Binding adds a variable that is bound by the parameter of another name.
func (l Letter) Binding(variable, param string) Letter {
	l.binds = append(slices.Clip(l.binds), bind{variable, param, false})
	return l
}

// BindingField adds a variable that is bound by a field of a parameter, given
// the names on the way to it, which have no dots: "request", "user", "id".
func (l Letter) BindingField(variable string, way ...string) Letter {
	l.binds = append(slices.Clip(l.binds), bind{variable, strings.Join(way, "."), len(way) > 1})
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
	g := &guard{desc: desc}
	if pass != nil {
		g.pass = func(e *event.Event) (bool, error) { return pass(e.Data), nil }
	}
	return l.guarded(g)
}

// WhenEvent is [Letter.When] for a guard that looks at more than parameters: the
// event's type, its source, or its time, which is what the source's clock said.
func (l Letter) WhenEvent(desc string, pass func(event.Event) bool) Letter {
	g := &guard{desc: desc, clock: true}
	if pass != nil {
		g.pass = func(e *event.Event) (bool, error) { return pass(*e), nil }
	}
	return l.guarded(g)
}

// Given restricts the letter to events for which the function holds of the
// registers and of the named parameters, which an event must have; of nothing
// else may it depend. It is asked with what the registers hold before the
// event.
func (l Letter) Given(desc string, holds func(Memory) bool, params ...string) Letter {
	wants := slices.DeleteFunc(slices.Clone(params), func(name string) bool { return !isParam(name) })
	return l.guarded(&guard{desc: desc, holds: holds, reads: slices.Clone(params), wants: wants})
}

// GivenIn restricts the letter to events whose parameter has a value that the
// set holds.
func (l Letter) GivenIn(set Register, param string) Letter {
	return l.Given(shownName(param)+" is in "+set.name, func(m Memory) bool {
		v, _ := m.Param(param)
		return m.Has(set.name, v)
	}, param)
}

// GivenNotIn restricts the letter to events whose parameter has a value that
// the set does not hold.
func (l Letter) GivenNotIn(set Register, param string) Letter {
	return l.Given(shownName(param)+" is not in "+set.name, func(m Memory) bool {
		v, _ := m.Param(param)
		return !m.Has(set.name, v)
	}, param)
}

// GivenCount restricts the letter to when a counter passes a test.
func (l Letter) GivenCount(counter Register, desc string, pass func(int64) bool) Letter {
	return l.Given(counter.name+" is "+desc, func(m Memory) bool { return pass(m.Count(counter.name)) })
}

// role is what an event is to the property in a letter: its type, and what it
// binds from where, whatever the order.
func (l Letter) role() string {
	binds := slices.Clone(l.binds)
	slices.SortFunc(binds, func(a, b bind) int { return strings.Compare(a.variable, b.variable) })
	return fmt.Sprintf("%q%v%q", l.event, l.other, fmt.Sprint(binds))
}

// covers reports whether all events that another letter fits, this one fits.
func (l Letter) covers(other Letter) bool {
	return l.role() == other.role() && !slices.ContainsFunc(l.guards, func(g *guard) bool { return !slices.Contains(other.guards, g) })
}

func (l Letter) guarded(g *guard) Letter {
	l.guards = append(slices.Clip(l.guards), g)
	return l
}

// String returns the letter for people, such as
// CHARGED(order=order_id) when the amount is negative.
func (l Letter) String() string {
	var b strings.Builder
	if l.other {
		b.WriteString("any ")
	}
	b.WriteString(l.event)
	if l.other {
		b.WriteString(" event")
	}
	if len(l.binds) > 0 {
		b.WriteByte('(')
		for i, p := range l.binds {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(p.variable)
			switch quoted := !p.nested && isParam(p.param) && strings.ContainsAny(p.param, ".\"(), ="); {
			case quoted:
				b.WriteString("=" + strconv.Quote(p.param))
			case p.param != p.variable:
				b.WriteString("=" + (&Bind{Param: p.param}).Shown())
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
