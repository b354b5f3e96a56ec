package props

import (
	"fmt"
	"slices"
)

// AtMostOnce returns the property that for each binding of the letter's
// variables the letter happens at most once:
//
//	never:  letter -> once
//	once:   letter -> violated
func AtMostOnce(name string, letter Letter) *Property {
	return pattern(name, fmt.Sprintf("%v happens at most once", letter), []Letter{letter},
		From("never").On(letter).To("once"),
		From("once").On(letter).To(Violated),
	)
}

// NeverAfter returns the property that never does not happen once after has
// happened:
//
//	allowed:   after -> forbidden
//	forbidden: never -> violated
func NeverAfter(name string, never, after Letter) *Property {
	return pattern(name, fmt.Sprintf("%v never happens after %v", never, after), []Letter{after, never},
		From("allowed").On(after).To("forbidden"),
		From("forbidden").On(never).To(Violated),
	)
}

// Precedes returns the property that then happens only after first has
// happened:
//
//	waiting: first -> satisfied, then -> violated
//
// An event that both letters fit is the first. The first letter must not bind
// a variable that the other does not: to mean "for some value", leave it out.
func Precedes(name string, first, then Letter) *Property {
	p := pattern(name, fmt.Sprintf("%v happens only after %v", then, first), []Letter{first, then},
		From("waiting").On(first).To(Satisfied).On(then).To(Violated),
	)
	p.mustNotAdd(first, then)
	return p
}

// Eventually returns the property that after each trigger the response
// happens, at the latest when the run is quiescent:
//
//	settled: trigger -> owed
//	owed:    response -> settled, and violated at the end
//
// One response settles all triggers of its binding before it. The response
// must not bind a variable that the trigger does not: no event would say for
// which value it is owed.
func Eventually(name string, trigger, response Letter) *Property {
	sentence := fmt.Sprintf("%v is followed by %v before the run is quiescent", trigger, response)
	p := pattern(name, sentence, []Letter{trigger, response},
		From("settled").On(trigger).To("owed"),
		From("owed").On(response).To("settled").ViolatedAtEnd(),
	)
	p.mustNotAdd(response, trigger)
	return p
}

// pattern builds a machine over the variables of its letters.
func pattern(name, sentence string, letters []Letter, rules ...Rule) *Property {
	s := spec{variables: union(letters...), violated: Violated, satisfied: Satisfied, rules: rules}
	return build(name, s, forEvery(s.variables)+sentence)
}

// mustNotAdd makes the property invalid if a letter binds a variable that
// another leaves open. For an instance without that variable the letter never
// comes, so that every run would violate the property.
func (p *Property) mustNotAdd(letter, to Letter) {
	for _, v := range letter.variables() {
		if p.err == nil && !slices.Contains(to.variables(), v) {
			p.err = fmt.Errorf("%v binds %q, which %v does not; leave it out to mean any", letter, v, to)
		}
	}
}
