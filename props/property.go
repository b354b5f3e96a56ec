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
	check     func(State) error
}

// build compiles a machine into a property; a mistake is kept for Validate.
func build(name string, s spec, sentence string) *Property {
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

// Check returns the check at quiescence, for engines; nil if the property is
// a state machine.
func (p *Property) Check() func(State) error { return p.check }

// State is what the stores hold when the run is quiescent. Lists are sorted.
type State interface {
	// Services returns the stores, such as "redis" and "gcs".
	Services() []string
	// Keys returns the keys of a store; none if there is no such store.
	Keys(service string) []string
	// Get returns what a store holds under a key, and whether it does.
	Get(service, key string) (string, bool)
}

// AtQuiescence returns the property that check returns nil for what the
// stores hold when the run is quiescent. Its error is shown to people as the
// reason.
func AtQuiescence(name string, check func(State) error) *Property {
	p := &Property{name: name, check: check, sentence: "holds of the stores when the run is quiescent"}
	switch {
	case name == "":
		p.err = errNoName
	case check == nil:
		p.err = errors.New("the check is nil, wanted a function of the stores")
	}
	return p
}
