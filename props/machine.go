package props

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The absorbing states.
const (
	Violated  = "violated"  // the property does not hold
	Satisfied = "satisfied" // the property can no longer be violated
)

// Quantifier holds the variables and registers of a property to be.
type Quantifier struct {
	variables []string
	registers []Register
	inner     []inner // from the first that some value must do for on
	eachTime  bool    // perhaps another one each time
}

// ForAll begins a property that must hold for all values of the variables.
// Without variables it speaks of the run as a whole.
func ForAll(variables ...string) Quantifier {
	return Quantifier{variables: slices.Clone(variables)}
}

// With declares the registers of each instance of the property.
func (q Quantifier) With(registers ...Register) Quantifier {
	q.registers = append(slices.Clip(q.registers), registers...)
	return q
}

// Machine returns the property that the state machine of these rules defines.
// Its start is the state of the first rule; a state is defined by a rule,
// which may be empty.
func (q Quantifier) Machine(name string, rules ...Rule) *Property {
	spec := spec{variables: q.variables, inner: q.inner, eachTime: q.eachTime, registers: q.registers, violated: Violated, satisfied: Satisfied}
	for _, r := range rules {
		r.steps = slices.Clone(r.steps)
		spec.rules = append(spec.rules, r)
	}
	return build(name, spec, spec.sentence())
}

// Rule holds transitions of one state, begun by [From] or [FromAny]:
//
//	props.From("unpaid").On(charged).To("paid").On(cancelled).To(props.Satisfied)
//
// It is a value; its methods return changed copies.
type Rule struct {
	from  string
	any   bool // from every state, instead of from one
	steps []transition
	end   bool // quiescence here is a violation

	limits []deadline // those with guards first
}

type transition struct {
	letter  Letter
	updates []Update
	to      string
	stay    bool // to the state that it is in, instead of to one by name
}

// deadline leads out of a state when time has passed in it.
type deadline struct {
	after   time.Duration
	guard   *guard // over registers; may be nil
	updates []Update
	to      string
}

// says is what the passing is called.
func (d deadline) says() string {
	if d.guard != nil {
		return said(d.after) + " when " + d.guard.desc
	}
	return said(d.after)
}

// transition is what the passing does.
func (d deadline) transition() transition { return transition{updates: d.updates, to: d.to} }

// From begins the rule of a state. Rules of one state add up.
func From(state string) Rule { return Rule{from: state} }

// FromAny begins a rule whose transitions hold in every state that has no
// transition of its own on the same event type. It defines no state.
func FromAny() Rule { return Rule{any: true} }

// On begins a transition on a letter; [Step.To] or [Step.Stay] ends it.
func (r Rule) On(l Letter) Step { return Step{rule: r, letter: l} }

// After leads to a state when a duration has passed since an event led into
// this one, also from itself; an event that stays does not count. The deadline
// is an event of the source of that event, at its time plus the duration; at
// one time it comes after all others. Nothing leads into the state that an
// instance starts in, before an event does.
//
// A state that a deadline leads to begins its own deadline at that instant.
// Deadlines that lead in a circle, or back to their own state, pass again and
// again, in rounds, until an event leads out.
func (r Rule) After(d time.Duration) Deadline { return Deadline{rule: r, after: d} }

// Deadline is a deadline without its target.
type Deadline struct {
	rule    Rule
	after   time.Duration
	guard   *guard
	updates []Update
}

// Given restricts the deadline to when the function holds of the registers as
// they are when the time has passed; of nothing else may it depend. Of the
// deadlines of a state, which all have one duration, the first that holds is
// taken; the last has no guard.
func (d Deadline) Given(desc string, holds func(Memory) bool) Deadline {
	d.guard = &guard{desc: desc, holds: holds}
	return d
}

// Do writes registers when the deadline passes: it clears them, or counts up.
func (d Deadline) Do(updates ...Update) Deadline {
	d.updates = append(slices.Clip(d.updates), updates...)
	return d
}

// To leads to a state: one that has a rule, or [Violated] or [Satisfied].
func (d Deadline) To(state string) Rule {
	d.rule.limits = append(slices.Clip(d.rule.limits), deadline{d.after, d.guard, d.updates, state})
	return d.rule
}

// ViolatedAtEnd makes the property violated if the run is quiescent in this
// state: something that had to come did not.
func (r Rule) ViolatedAtEnd() Rule {
	r.end = true
	return r
}

// Step is a transition without its target.
type Step struct {
	rule    Rule
	letter  Letter
	updates []Update
}

// Do writes registers when the transition is taken. Guards of the same event
// see what they held before.
func (s Step) Do(updates ...Update) Step {
	s.updates = append(slices.Clip(s.updates), updates...)
	return s
}

// To leads to a state: one that has a rule, or [Violated] or [Satisfied].
func (s Step) To(state string) Rule {
	return s.rule.with(transition{letter: s.letter, updates: s.updates, to: state})
}

// Stay stays in the state, as if nothing were written, but shields it from
// later transitions on the letter and from [FromAny].
func (s Step) Stay() Rule {
	return s.rule.with(transition{letter: s.letter, updates: s.updates, stay: true})
}

// place names the rule's state for people.
func (r Rule) place() string {
	if r.any {
		return "any other state"
	}
	return "state " + strconv.Quote(r.from)
}

func (r Rule) with(t transition) Rule {
	r.steps = append(slices.Clip(r.steps), t)
	return r
}

// spec is a state machine as written: the form that every notation (the Go
// builder, YAML, Watchtower's JSON) is translated to.
type spec struct {
	variables           []string
	inner               []inner // see [Some]
	eachTime            bool
	registers           []Register
	violated, satisfied string // the notation's names of the absorbing states
	rules               []Rule
	letters             []Letter // of the alphabet, also if no rule has them
}

// sentence says the machine to people.
func (s *spec) sentence() string {
	var parts []string
	for _, r := range s.rules {
		for _, t := range r.steps {
			parts = append(parts, "in "+r.place()+", "+t.letter.String()+" "+s.leads(t))
		}
		for _, d := range r.limits {
			parts = append(parts, "in "+r.place()+", the passing of "+d.says()+" "+s.leads(d.transition()))
		}
		if r.end {
			parts = append(parts, "in "+r.place()+", the end of the run violates")
		}
	}
	return s.saidQuantifiers() + strings.Join(parts, "; ")
}

func (s *spec) leads(t transition) string {
	var does []string
	for _, u := range t.updates {
		does = append(does, u.String())
	}
	switch {
	case len(does) > 0 && t.stay:
		return "stays, " + strings.Join(does, " and ")
	case len(does) > 0:
		return s.leads(transition{to: t.to}) + ", " + strings.Join(does, " and ")
	case t.stay:
		return "changes nothing"
	case t.to == s.violated:
		return "violates"
	case t.to == s.satisfied:
		return "satisfies"
	}
	return "leads to " + strconv.Quote(t.to)
}

// forEvery returns the quantifier as the beginning of a sentence.
func forEvery(variables []string) string {
	if len(variables) == 0 {
		return ""
	}
	return "for every " + strings.Join(variables, " and ") + ": "
}
