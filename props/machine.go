package props

import (
	"slices"
	"strconv"
	"strings"
)

// The absorbing states.
const (
	Violated  = "violated"  // the property does not hold
	Satisfied = "satisfied" // the property can no longer be violated
)

// Quantifier holds the variables of a property to be.
type Quantifier struct{ variables []string }

// ForAll begins a property that must hold for all values of the variables.
// Without variables it speaks of the run as a whole.
func ForAll(variables ...string) Quantifier {
	return Quantifier{slices.Clone(variables)}
}

// Machine returns the property that the state machine of these rules defines.
// Its start is the state of the first rule; a state is defined by a rule,
// which may be empty.
func (q Quantifier) Machine(name string, rules ...Rule) *Property {
	spec := spec{variables: q.variables, violated: Violated, satisfied: Satisfied}
	for _, r := range rules {
		spec.rules = append(spec.rules, Rule{r.from, r.any, slices.Clone(r.steps), r.end})
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
}

type transition struct {
	letter Letter
	to     string
	stay   bool // to the state that it is in, instead of to one by name
}

// From begins the rule of a state. Rules of one state add up.
func From(state string) Rule { return Rule{from: state} }

// FromAny begins a rule whose transitions hold in every state that has no
// transition of its own on the same event type. It defines no state.
func FromAny() Rule { return Rule{any: true} }

// On begins a transition on a letter; [Step.To] or [Step.Stay] ends it.
func (r Rule) On(l Letter) Step { return Step{r, l} }

// ViolatedAtEnd makes the property violated if the run is quiescent in this
// state: something that had to come did not.
func (r Rule) ViolatedAtEnd() Rule {
	r.end = true
	return r
}

// Step is a transition without its target.
type Step struct {
	rule   Rule
	letter Letter
}

// To leads to a state: one that has a rule, or [Violated] or [Satisfied].
func (s Step) To(state string) Rule {
	return s.rule.with(transition{letter: s.letter, to: state})
}

// Stay stays in the state, as if nothing were written, but shields it from
// later transitions on the letter and from [FromAny].
func (s Step) Stay() Rule {
	return s.rule.with(transition{letter: s.letter, stay: true})
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
		if r.end {
			parts = append(parts, "in "+r.place()+", the end of the run violates")
		}
	}
	return forEvery(s.variables) + strings.Join(parts, "; ")
}

func (s *spec) leads(t transition) string {
	switch {
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
