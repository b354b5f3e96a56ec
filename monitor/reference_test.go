package monitor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// model is a property in a form that the reference understands without the
// packages under test. States 0 and 1 are violated and satisfied, 2 is the
// start.
type model struct {
	vars  int
	types []modelType
	next  [][][2]int // by state, event type, and whether the flag is set
	atEnd []bool     // by state
}

// modelType is an event type: for each variable that it binds, by the
// parameter p0, p1, ...
type modelType struct {
	binds []int
	sure  bool // none is missing, though a source is lossy
}

// happening is an event as the reference sees it: an index into forms for
// each variable that its type binds.
type happening struct {
	kind   int
	values []int
	flag   bool
}

// forms are the values that events have. Those of one class are the same
// value, written differently; class -1 cannot bind.
var forms = []struct {
	class int
	value event.Value
}{
	{0, num("1")}, {0, num("1.0")}, {0, num("10e-1")}, {1, event.Str("1")}, {1, event.Str("1")},
	{2, event.Boolean(true)}, {3, event.Str("true")}, {4, event.Str("")}, {5, event.Str("\x02a")}, {6, event.Str("n1")},
	{-1, event.Value{}}, {-1, mustOf([]int{1})}, {-1, mustOf(map[string]int{"a": 1})},
}

func num(s string) event.Value {
	v, err := event.Num(s)
	if err != nil {
		panic(err)
	}
	return v
}

func mustOf(x any) event.Value {
	v, err := event.Of(x)
	if err != nil {
		panic(err)
	}
	return v
}

// missing stands for a parameter that is not there.
const missing = -1

func class(form int) int {
	if form == missing {
		return -1
	}
	return forms[form].class
}

// bound is a binding: a class for each variable, -1 where it is not bound.
type bound []int

// within reports whether every value of b is also in c.
func (b bound) within(c bound) bool {
	for v := range b {
		if b[v] >= 0 && b[v] != c[v] {
			return false
		}
	}
	return true
}

// join returns the union of compatible bindings.
func (b bound) join(c bound) (bound, bool) {
	u := slices.Clone(b)
	for v := range c {
		if b[v] >= 0 && c[v] >= 0 && b[v] != c[v] {
			return nil, false
		}
		u[v] = max(b[v], c[v])
	}
	return u, true
}

// binding is rule 1.
func (mo *model) binding(o happening) (b bound, ok bool) {
	b = slices.Repeat(bound{-1}, mo.vars)
	for i, v := range mo.types[o.kind].binds {
		if b[v] = class(o.values[i]); b[v] < 0 {
			return nil, false
		}
	}
	return b, true
}

// flaw is a mistake that an engine could make; the reference makes it on
// demand, to show that the comparison would find it.
type flaw int

const (
	sound           flaw = iota
	allReported          // rule 5 forgotten
	noJoins              // instances are the bindings of events alone
	sinceOwnBirth        // an instance does not see what came before it existed
	notAbsorbing         // violated and satisfied can be left
	skewOffByOne         // events exactly E apart are taken to be ordered
	chainsForgotten      // with skew, the order of a source is not known
)

// verdicts is the reference: semantics rules 1 to 5 as they stand, for every
// prefix of the trace, then the end of the run. Each line is one event's
// reports.
func (mo *model) verdicts(trace []happening, f flaw) (lines []string, malformed int) {
	instances := map[string]bound{}
	born := map[string]int{}
	enter := func(b bound, at int) {
		if _, ok := instances[fmt.Sprint(b)]; !ok {
			instances[fmt.Sprint(b)], born[fmt.Sprint(b)] = b, at
		}
	}
	enter(slices.Repeat(bound{-1}, mo.vars), 0)
	for at, o := range trace {
		b, ok := mo.binding(o)
		if !ok {
			malformed++
			lines = append(lines, "")
			continue
		}
		for _, in := range slices.Collect(maps.Values(instances)) {
			if u, ok := in.join(b); ok && (f != noJoins || u.within(b)) {
				enter(u, at)
			}
		}
		var violated []report
		for key, in := range instances {
			from := 0
			if f == sinceOwnBirth {
				from = born[key]
			}
			if witness, states := mo.run(trace[:at+1], from, in, f); b.within(in) && entersLast(states) {
				violated = append(violated, report{in, witness})
			}
		}
		lines = append(lines, render(violated, f))
	}
	var violated []report
	for _, in := range instances {
		if witness, states := mo.run(trace, 0, in, f); mo.atEnd[states[len(states)-1]] {
			violated = append(violated, report{in, witness})
		}
	}
	return append(lines, render(violated, f)), malformed
}

// run is rule 3 and the automaton: the slice, as event numbers with the state
// after each, and the states passed.
func (mo *model) run(trace []happening, from int, in bound, f flaw) (witness string, states []int) {
	states = []int{2}
	for at := from; at < len(trace); at++ {
		b, ok := mo.binding(trace[at])
		if !ok || !b.within(in) {
			continue
		}
		state := states[len(states)-1]
		if state > 1 || f == notAbsorbing && state == 1 {
			flag := 0
			if trace[at].flag {
				flag = 1
			}
			state = mo.next[max(state, 2)][trace[at].kind][flag]
		}
		states = append(states, state)
		witness += fmt.Sprintf(" %d:%s", at, stateName(state))
	}
	return witness, states
}

func entersLast(states []int) bool {
	n := len(states)
	return n > 1 && states[n-1] == 0 && states[n-2] != 0
}

type report struct {
	in      bound
	witness string
}

// render is rule 5: the minimal ones, as text.
func render(violated []report, f flaw) string {
	var out []string
	for _, r := range violated {
		minimal := true
		for _, other := range violated {
			if other.in.within(r.in) && !r.in.within(other.in) {
				minimal = false
			}
		}
		if minimal || f == allReported {
			out = append(out, fmt.Sprintf("%v by%s", r.in, r.witness))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

func stateName(s int) string {
	return []string{props.Violated, props.Satisfied, "s2", "s3", "s4", "s5"}[s]
}
