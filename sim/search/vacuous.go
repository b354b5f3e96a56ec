package search

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// A search that finds nothing proves nothing where nothing could have been
// found. What makes it so is told by name, and [sim.Scenario.Meant] says that it
// is meant.

// Vacuity is something because of which a search that holds proves less than
// it seems to.
type Vacuity struct {
	Name string `json:"name"` // as Scenario.Meant has it
	Says string `json:"says"` // a sentence
	// Fails says that a search does not hold because of it. Others are told: a
	// rule may be for what has not happened yet.
	Fails bool `json:"fails,omitempty"`
}

// String is the sentence, and what to do.
func (v *Vacuity) String() string {
	return fmt.Sprintf("%s; if this is meant, say so: Meant: []string{%q}", v.Says, v.Name)
}

// Empty returns the first thing because of which the scenario proves nothing,
// whatever schedules are run: what its properties are, or what happens in the
// benign run, which is run for it. It is nil if there is none.
func (s Subject) Empty() *Vacuity {
	scenario := s.Scenario()
	for _, v := range slices.Concat(impossible(&scenario), unserved(s.Run(scheduler.Benign{}))) {
		if !slices.Contains(scenario.Meant, v.Name) {
			return &v
		}
	}
	return nil
}

// impossible is what can be seen of the properties alone.
func impossible(s *sim.Scenario) (all []Vacuity) {
	if len(s.Properties) == 0 {
		all = append(all, Vacuity{sim.MeantNoProperties, "the scenario has no properties, wanted what must hold", true})
	}
	for _, p := range s.Properties {
		if !p.CanBeViolated() {
			all = append(all, Vacuity{sim.MeantProperty + p.Name(), fmt.Sprintf("property %q cannot be violated, whatever happens", p.Name()), true})
		}
	}
	return all
}

// unserved is what did not work in a run.
func unserved(r *sim.Result) (all []Vacuity) {
	if r.Verdict != sim.Held {
		return nil // it is told for itself
	}
	for _, f := range r.Reach.Broken {
		all = append(all, Vacuity{sim.MeantConstructor + f.Function,
			fmt.Sprintf("the constructor of %s fails at every cold start of the benign run, at last with %q", f.Function, f.Err), true})
	}
	if n := r.Reach.Asked; len(all) == 0 && n > 0 && n == r.Reach.Failed {
		all = append(all, Vacuity{sim.MeantRequests,
			fmt.Sprintf("every request of the benign run (%d) is answered with a server's error, at last %d %q", n, r.Reach.Status, clip(r.Reach.Answer)), true})
	}
	return all
}

func clip(text string) string {
	if text = strings.TrimSpace(text); len(text) > 80 {
		return text[:80] + "..."
	}
	return text
}

// Reached is what the runs of a search have reached of what its scenario
// speaks of: rules and events. The zero value knows of nothing.
type Reached struct {
	rules []reachedRule
	open  []string // event types that properties are about, not seen yet
	found map[string]bool
}

type reachedRule struct {
	rule  probe.Rule
	alone *probe.Rules
}

// NewReached returns what is to be reached of a scenario.
func NewReached(s *sim.Simulation) *Reached {
	scenario := s.Scenario()
	r := &Reached{found: map[string]bool{}}
	for _, p := range scenario.Properties {
		r.open = append(r.open, about(p)...)
	}
	slices.Sort(r.open)
	r.open = slices.Compact(r.open)
	for _, rule := range scenario.Rules {
		alone, err := probe.CompileRules([]probe.Rule{rule})
		if err != nil {
			continue // cannot happen: the scenario was compiled
		}
		r.rules = append(r.rules, reachedRule{rule, alone})
	}
	return r
}

// about are the event types that a property names, in order.
func about(p *props.Property) (types []string) {
	a := p.Automaton()
	if a == nil {
		return nil
	}
	for i := range a.Events {
		if !a.Events[i].Other {
			types = append(types, a.Events[i].Type)
		}
	}
	return types
}

// nearly begins the name of an operation that a rule might have been for.
const nearly = "nearly "

// Add takes in a run, and returns what it is the first to reach, by name.
func (r *Reached) Add(run *sim.Result) (names []string) {
	for i := range run.Steps {
		step := &run.Steps[i]
		for _, e := range step.Events {
			names = append(names, r.rest(e.Type)...)
			if n := slices.Index(r.open, e.Type); n >= 0 {
				r.open = slices.Delete(r.open, n, n+1)
				names = append(names, sim.MeantEvent+e.Type)
			}
		}
		if step.Operation != nil && len(r.rules) > 0 {
			names = append(names, r.operation(step.Operation)...)
		}
	}
	return names
}

// rest takes in an event: rules for what stores hold in the end have no
// operation to be seen by.
func (r *Reached) rest(eventType string) (names []string) {
	r.rules = slices.DeleteFunc(r.rules, func(x reachedRule) bool {
		_, rests := sim.RestOf(x.rule.Service)
		if rests = rests && x.rule.Emit == eventType; rests {
			names = append(names, ruleName(&x.rule))
		}
		return rests
	})
	return names
}

// operation takes in one: rules that it matches are reached. Those that it
// might have matched, had its resource been another, are told if no rule is for
// it.
func (r *Reached) operation(op *event.Operation) (names []string) {
	if !op.Result.OK {
		return nil
	}
	matched := false
	r.rules = slices.DeleteFunc(r.rules, func(x reachedRule) bool {
		if len(x.alone.Apply(op)) == 0 {
			return false
		}
		matched = true
		names = append(names, ruleName(&x.rule))
		return true
	})
	for _, x := range r.rules {
		if name := nearly + ruleName(&x.rule); !matched && !r.found[name] && x.rule.Service == op.Service && hasMethod(x.rule.Method, op.Method) {
			r.found[name] = true
			names = append(names, name+"\x00"+cloud.Mask(op.Resource))
		}
	}
	return names
}

func hasMethod(methods, method string) bool {
	return methods == "" || slices.Contains(strings.Split(methods, "|"), method)
}

func ruleName(r *probe.Rule) string { return sim.MeantRule + r.Emit }

// Tally is what the schedules of a search have reached, by name, each with the
// first schedule that did.
type Tally struct {
	First   map[string]int
	reached *Reached
}

// NewTally returns the tally of a search that begins; nil of one whose runs are
// made elsewhere.
func NewTally(s *sim.Simulation) *Tally {
	t := &Tally{First: map[string]int{}}
	if s != nil {
		t.reached = NewReached(s)
	}
	return t
}

// After takes in a schedule, see [Options].
func (t *Tally) After(schedule scheduler.Schedule, r *sim.Result) {
	if !r.Abandoned {
		t.Note(t.reached.Add(r), schedule.Number)
	}
}

// Note takes in what a schedule is the first of its process to reach.
func (t *Tally) Note(names []string, number int) {
	for _, name := range names {
		if old := t.First[name]; old == 0 || number < old {
			t.First[name] = number
		}
	}
}

// like is the rest of the first name that begins so.
func (t *Tally) like(prefix string) string {
	for _, name := range slices.Sorted(maps.Keys(t.First)) {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return rest
		}
	}
	return ""
}

// LongSearch is how many schedules make a search long enough to say that what
// it has not reached cannot be reached, likely.
const LongSearch = 100

// Unreached is what none of a search's schedules has reached, in
// order. It fails a search only where that was long, or exhaustive, and
// something is likely wrong: no rule emits the event, or the rule's service was
// called as it says, but for the resource.
func (s Subject) Unreached(t *Tally, long bool) (all []Vacuity) {
	scenario := s.Scenario()
	note := func(v Vacuity) {
		known := func(o Vacuity) bool { return o.Name == v.Name }
		if t.First[v.Name] == 0 && !slices.Contains(scenario.Meant, v.Name) && !slices.ContainsFunc(all, known) {
			all = append(all, v)
		}
	}
	for i := range scenario.Rules {
		r := &scenario.Rules[i]
		v := Vacuity{Name: ruleName(r), Says: fmt.Sprintf("the rule for %s matches nothing in any schedule (%s)", r.Emit, strings.TrimSpace(r.Service+" "+r.Method+" "+r.Resource))}
		if near := t.like(nearly + v.Name + "\x00"); near != "" {
			v.Says += fmt.Sprintf(", and no rule is for %s %s", strings.TrimSpace(r.Service+" "+r.Method), near)
			v.Fails = long
		}
		note(v)
	}
	for _, p := range scenario.Properties {
		for _, e := range about(p) {
			if !slices.ContainsFunc(scenario.Rules, func(r probe.Rule) bool { return r.Emit == e }) {
				note(Vacuity{sim.MeantEvent + e, fmt.Sprintf("property %q is about %s, which no rule emits and no schedule has seen", p.Name(), e), long})
			}
		}
	}
	for _, v := range t.unasked(&scenario, long) {
		note(v)
	}
	return all
}

// unasked tells of properties that have seen none of their events, where that is
// not all that they ask for, and of a scenario all of whose properties have seen
// none. What is explained by something else that is meant is not told again.
func (t *Tally) unasked(s *sim.Scenario, long bool) (all []Vacuity) {
	if slices.ContainsFunc(s.Meant, func(m string) bool { return m == sim.MeantRequests || strings.HasPrefix(m, sim.MeantConstructor) }) {
		return nil
	}
	meant := func(e string) bool {
		return slices.Contains(s.Meant, sim.MeantEvent+e) || slices.Contains(s.Meant, sim.MeantRule+e)
	}
	blind := 0
	for _, p := range s.Properties {
		types := about(p)
		if !t.blind(p, types) || slices.ContainsFunc(types, meant) {
			continue
		}
		if blind++; !p.OnlyForbids() {
			all = append(all, Vacuity{sim.MeantProperty + p.Name(),
				fmt.Sprintf("property %q has seen no event that it is about (%s) in any schedule: nothing was asked of it", p.Name(), strings.Join(types, ", ")), long})
		}
	}
	if n := len(s.Properties); n > 0 && blind == n && len(all) == 0 {
		all = append(all, Vacuity{sim.MeantNoEvents, "no schedule has seen any event that a property of the scenario is about", long})
	}
	return all
}

// blind reports whether no schedule has seen an event that a property is about.
func (t *Tally) blind(p *props.Property, types []string) bool {
	other := func(e props.EventType) bool { return e.Other }
	return p.Automaton() != nil && !slices.ContainsFunc(p.Automaton().Events, other) &&
		!slices.ContainsFunc(types, func(e string) bool { return t.First[sim.MeantEvent+e] > 0 })
}
