package props

import (
	"fmt"
	"slices"
	"strings"
)

// Edge is a transition as it is written, for people.
type Edge struct {
	From string   `json:"from"`
	On   string   `json:"on"`           // an event with its guards, or the passing of a time, or the end
	Do   []string `json:"do,omitempty"` // what it does to registers
	To   string   `json:"to"`
}

// StartsIn is the name of the state in which instances of a valid state machine
// begin.
func (p *Property) StartsIn() string { return p.written().States[StartState] }

// AtEnd is what [Edge.On] is at quiescence.
const AtEnd = "the end of the run"

// Edges returns the transitions of a valid state machine, in order of state;
// those that change nothing are left out.
func (p *Property) Edges() []Edge {
	if p.machine == nil || p.err != nil {
		return nil
	}
	var all []Edge
	for s := StartState; s < len(p.written().States); s++ {
		state := p.written().States[s]
		var own []string
		for _, r := range p.machine.rules {
			if r.any || r.from != state {
				continue
			}
			all = append(all, r.edges(state, nil)...)
			for _, t := range r.steps {
				own = append(own, t.letter.role())
			}
		}
		for _, r := range p.machine.rules {
			if r.any {
				all = append(all, r.edges(state, own)...)
			}
		}
		all = append(all, p.timeEdges(s)...)
	}
	return all
}

// edges returns the transitions of a rule from a state, but for events that
// others hide.
func (r Rule) edges(state string, hidden []string) (all []Edge) {
	for _, t := range r.steps {
		if slices.Contains(hidden, t.letter.role()) || t.stay && len(t.updates) == 0 {
			continue
		}
		e := Edge{From: state, On: t.letter.String(), To: t.to}
		if t.stay {
			e.To = state
		}
		e.Do = saidAll(t.updates)
		all = append(all, e)
	}
	return all
}

// saidAll says updates to people.
func saidAll(updates []Update) (all []string) {
	for _, u := range updates {
		all = append(all, u.String())
	}
	return all
}

func (p *Property) timeEdges(s int) (all []Edge) {
	a := p.written()
	for _, r := range p.machine.rules {
		if r.any || r.from != a.States[s] {
			continue
		}
		for _, d := range r.limits {
			all = append(all, Edge{From: r.from, On: "after " + d.says(), Do: saidAll(d.updates), To: d.to})
		}
	}
	if a.AtEnd[s] {
		all = append(all, Edge{From: a.States[s], On: AtEnd, To: a.States[ViolatedState]})
	}
	return all
}

// Warnings returns what is probably not meant, a sentence each: states that
// are never reached, events that never matter, variables that no event binds
// or binds together, and a property that cannot be violated. Guards are taken
// to hold in any combination.
func (p *Property) Warnings() []string {
	a := p.AsWritten()
	if a == nil {
		return nil
	}
	reached := a.reached()
	all := p.someWarnings()
	if !p.CanBeViolated() && len(all) == 0 {
		all = append(all, "the property cannot be violated: no transition that can be taken leads to "+quoted(a.States[ViolatedState]))
	}
	for s := StartState; s < len(a.States); s++ {
		if !reached[s] {
			all = append(all, fmt.Sprintf("state %q is never reached", a.States[s]))
		}
	}
	for i := range a.Events {
		if t := &a.Events[i]; !a.matters(t, reached) && !a.bindsItself(t.Type) {
			all = append(all, fmt.Sprintf("event %q never matters: it changes nothing in any state that is reached", t.Type))
		}
	}
	instances := len(a.Variables)
	if some := p.automaton.Some; some != nil {
		instances = some.first()
	}
	return append(append(all, a.unbound()...), a.halfRoles(instances)...)
}

// CanBeViolated reports whether some events, or the end of a run, violate the
// property. Guards are taken to hold in any combination.
func (p *Property) CanBeViolated() bool {
	a := p.Automaton()
	if a == nil {
		return true // it asks a function
	}
	reached := a.reached()
	return reached[ViolatedState] || slices.ContainsFunc(a.reachedStates(reached), func(s int) bool { return a.AtEnd[s] })
}

// OnlyAtEnd reports whether nothing but the end of a run violates the property:
// no event, and no deadline, leads to violated. A recording whose end is not
// declared cannot violate it.
func (p *Property) OnlyAtEnd() bool {
	a := p.Automaton()
	if a == nil {
		return false
	}
	reached := a.reached()
	return !reached[ViolatedState] && slices.ContainsFunc(a.reachedStates(reached), func(s int) bool { return a.AtEnd[s] })
}

// OnlyForbids reports whether every event that the property is about violates it
// at once where it is the first: that none is seen is all it asks for. Of another
// property that has seen none nothing was asked.
func (p *Property) OnlyForbids() bool {
	a := p.Automaton()
	return a != nil && !slices.ContainsFunc(a.Events, func(t EventType) bool {
		return slices.ContainsFunc(t.next[StartState], func(b branch) bool { return b.To != ViolatedState })
	})
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// reached returns which states can be reached.
func (a *Automaton) reached() []bool {
	reached := make([]bool, len(a.States))
	reached[StartState] = true
	for open := []int{StartState}; len(open) > 0; {
		s := open[0]
		open = open[1:]
		if s < StartState {
			continue
		}
		for _, to := range a.Successors(s) {
			if !reached[to] {
				reached[to] = true
				open = append(open, to)
			}
		}
	}
	return reached
}

func (a *Automaton) reachedStates(reached []bool) (all []int) {
	for s := StartState; s < len(reached); s++ {
		if reached[s] {
			all = append(all, s)
		}
	}
	return all
}

// matters tells whether an event can change an instance.
func (a *Automaton) matters(t *EventType, reached []bool) bool {
	for _, s := range a.reachedStates(reached) {
		for _, b := range t.next[s] {
			if b.To != s || len(b.Writes) > 0 || b.Entered && a.Deadlines[s].After > 0 {
				return true
			}
		}
	}
	return false
}

// unbound finds variables that no event binds, or binds together.
func (a *Automaton) unbound() (all []string) {
	binds := func(vars ...int) bool {
		return slices.ContainsFunc(a.Events, func(t EventType) bool {
			for _, v := range vars {
				if !slices.ContainsFunc(t.Binds, func(b Bind) bool { return b.Variable == v }) {
					return false
				}
			}
			return true
		})
	}
	for v, name := range a.Variables {
		if !binds(v) {
			all = append(all, fmt.Sprintf("variable %q is bound by no event", name))
			continue
		}
		for w := range v {
			if binds(w) && !binds(v, w) && !a.inRoles(v, w) {
				all = append(all, fmt.Sprintf("no event binds %q and %q together: each value of one is taken with each of the other", a.Variables[w], name))
			}
		}
	}
	return all
}

// halfRoles finds events with two roles of which one is a part of the other: a
// variable that was forgotten, more often than not. Of the variables, so many are
// those of instances; of the others, to speak of all values is what one is left
// out for.
func (a *Automaton) halfRoles(instances int) (all []string) {
	for i, t := range a.Events {
		for j, u := range a.Events {
			missing := slices.IndexFunc(u.Binds, func(b Bind) bool { return !slices.Contains(t.Binds, b) })
			part := !slices.ContainsFunc(t.Binds, func(b Bind) bool { return !slices.Contains(u.Binds, b) })
			if i != j && t.Type == u.Type && part && missing >= 0 && u.Binds[missing].Variable < instances && !a.bindsItself(t.Type) {
				all = append(all, fmt.Sprintf("event %q stands with %q and without it: where it is without, it is taken by all instances", t.Type, a.Variables[u.Binds[missing].Variable]))
			}
		}
	}
	return all
}

// bindsItself tells whether events of a type are bound by which event they are:
// they stand in another role too, by which they may do nothing.
func (a *Automaton) bindsItself(eventType string) bool {
	return slices.ContainsFunc(a.Events, func(t EventType) bool {
		return t.Type == eventType && slices.ContainsFunc(t.Binds, func(b Bind) bool { return b.Param == contextEvent })
	})
}

// inRoles tells whether events of one type bind one variable in one role and
// another in another.
func (a *Automaton) inRoles(v, w int) bool {
	binds := func(t EventType, v int) bool {
		return slices.ContainsFunc(t.Binds, func(b Bind) bool { return b.Variable == v })
	}
	return slices.ContainsFunc(a.Events, func(t EventType) bool {
		return binds(t, v) && slices.ContainsFunc(a.Events, func(u EventType) bool { return u.Type == t.Type && binds(u, w) })
	})
}

// Text returns the state machine for a terminal, indented by two.
func (p *Property) Text() string {
	var b strings.Builder
	if p.automaton == nil {
		return ""
	}
	edges := p.Edges()
	for s := StartState; s < len(p.written().States); s++ {
		state := p.written().States[s]
		b.WriteString("  " + state)
		if s == StartState {
			b.WriteString(" (start)")
		}
		b.WriteByte('\n')
		for _, e := range edges {
			if e.From == state {
				b.WriteString("    " + e.label(", ") + " -> " + e.To + "\n")
			}
		}
	}
	return b.String()
}

// label says what an edge is taken by, and what it does.
func (e Edge) label(separator string) string {
	return strings.Join(append([]string{e.On}, e.Do...), separator)
}

// Mermaid returns the state machine as a state diagram of Mermaid.
func (p *Property) Mermaid() string {
	if p.automaton == nil {
		return ""
	}
	escape := strings.NewReplacer("#", "#35;", ";", "#59;", ":", "#58;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", " ", "%", "#37;", "{", "#123;", "}", "#125;")
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	number := p.numbers()
	for s, name := range p.written().States {
		if s >= StartState || p.hasEdgeTo(name) {
			fmt.Fprintf(&b, "  s%d : %s\n", s, escape.Replace(name))
		}
	}
	fmt.Fprintf(&b, "  [*] --> s%d\n", StartState)
	for _, e := range p.Edges() {
		label := escape.Replace(e.On)
		for _, d := range e.Do {
			label += "<br/>" + escape.Replace(d)
		}
		fmt.Fprintf(&b, "  s%d --> s%d : %s\n", number[e.From], number[e.To], label)
	}
	return b.String()
}

// Dot returns the state machine as a graph of Graphviz.
func (p *Property) Dot() string {
	if p.automaton == nil {
		return ""
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ")
	var b strings.Builder
	fmt.Fprintf(&b, "digraph \"%s\" {\n  rankdir=LR\n  node [shape=box style=rounded]\n  start [shape=point]\n", escape.Replace(p.name))
	number := p.numbers()
	for s, name := range p.written().States {
		if s >= StartState || p.hasEdgeTo(name) {
			style := map[bool]string{true: "", false: " peripheries=2"}[s >= StartState]
			fmt.Fprintf(&b, "  s%d [label=\"%s\"%s]\n", s, escape.Replace(name), style)
		}
	}
	fmt.Fprintf(&b, "  start -> s%d\n", StartState)
	for _, e := range p.Edges() {
		label := escape.Replace(e.On)
		for _, d := range e.Do {
			label += `\n` + escape.Replace(d)
		}
		fmt.Fprintf(&b, "  s%d -> s%d [label=\"%s\"]\n", number[e.From], number[e.To], label)
	}
	b.WriteString("}\n")
	return b.String()
}

func (p *Property) numbers() map[string]int {
	number := map[string]int{}
	for s, name := range p.written().States {
		number[name] = s
	}
	return number
}

func (p *Property) hasEdgeTo(state string) bool {
	return slices.ContainsFunc(p.Edges(), func(e Edge) bool { return e.To == state })
}
