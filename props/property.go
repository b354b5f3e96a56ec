package props

import (
	"errors"
	"fmt"
	"slices"
)

// Property is something that must hold of every run. It does not change once
// built, and may be used by several goroutines.
type Property struct {
	name      string
	variables []string
	sentence  string
	err       error // the first thing wrong with it
	machine   *spec // as written
	automaton *Automaton
	check     func(Run) error
	once      bool // the check compares with the benign run
	calls     bool // the check looks at what clients have asked
	complete  []string
}

// WithComplete returns the property with event types of which none is ever
// missing, whatever source may lose events: those that never come from such a
// source.
func (p *Property) WithComplete(types ...string) *Property {
	out := *p
	out.complete = slices.Compact(slices.Sorted(slices.Values(types)))
	return &out
}

// Complete returns the event types of which none is ever missing, sorted.
func (p *Property) Complete() []string { return slices.Clone(p.complete) }

// build compiles a machine into a property; a mistake is kept for Validate.
func build(name string, s spec, sentence string) *Property {
	s.bounded()
	p := &Property{name: name, variables: s.variables, sentence: sentence, machine: &s}
	p.automaton, p.err = compile(&s)
	if name == "" {
		p.err = errNoName
	}
	return p
}

var errNoName = errors.New("no name, wanted words that say what must hold")

// Name returns the property's name, which is what reports call it.
func (p *Property) Name() string { return p.name }

// Vars returns the property's variables, in the order in which they were
// declared.
func (p *Property) Vars() []string { return slices.Clone(p.variables) }

// String returns the property as a sentence for people.
func (p *Property) String() string { return p.name + ": " + p.sentence }

// Sentence returns what must hold, without the name.
func (p *Property) Sentence() string { return p.sentence }

// Validate returns the first thing that is wrong with the property, as a
// sentence that begins with its name.
func (p *Property) Validate() error {
	if p.err != nil {
		return fmt.Errorf("property %q: %w", p.name, p.err)
	}
	return nil
}

// Automaton returns the compiled state machine, for engines; nil if the
// property is a check at quiescence or is not valid.
func (p *Property) Automaton() *Automaton {
	if p.err != nil {
		return nil
	}
	return p.automaton
}
