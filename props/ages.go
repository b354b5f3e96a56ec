package props

import (
	"fmt"
	"time"
)

// PrecedesAged returns the property that then happens only where first has
// happened at least a duration before, and within another, the ends of both
// included; 0 is no bound:
//
//	both:     always:  first, adding it to recent and to young
//	                   then when all in recent are in young -> violated
//	within:   the same, without young
//	at least: waiting: first, adding it to young -> known;  then -> violated
//	          known:   then when young holds it -> violated
//
// The window recent is a nanosecond longer than the duration: what is exactly
// that old is in it. What is exactly as old as it must be is not young.
//
// An event that both letters fit is the first. The first letter must not bind a
// variable that the other does not.
func PrecedesAged(name string, first, then Letter, atLeast, within time.Duration) *Property {
	recent, young := Window("recent", within+1), Window("young", atLeast)
	none := then.Given("none of that age is there", func(m Memory) bool { return m.Size("recent") == m.Size("young") })
	s := spec{variables: union(first, then), violated: Violated, satisfied: Satisfied}
	switch {
	case within == 0:
		tooYoung := then.Given("that is younger", func(m Memory) bool { return m.Size("young") > 0 })
		s.registers = []Register{young}
		s.rules = []Rule{
			From("waiting").On(first).Do(young.Occur()).To("known").On(then).To(Violated),
			From("known").On(first).Stay().On(tooYoung).To(Violated),
		}
	case atLeast == 0:
		s.registers = []Register{recent}
		s.rules = []Rule{From("always").On(first).Do(recent.Occur()).Stay().On(none).To(Violated)}
	default:
		s.registers = []Register{recent, young}
		s.rules = []Rule{From("always").On(first).Do(recent.Occur(), young.Occur()).Stay().On(none).To(Violated)}
	}
	p := build(name, s, forEvery(s.variables)+fmt.Sprintf("%v happens only %s after %v", then, saidAges(atLeast, within), first))
	p.mustNotAdd(first, then)
	p.mustBeAges(atLeast, within)
	return p
}

// mustBeAges makes the property invalid if no time is between the two; 0 is no
// bound, but not twice.
func (p *Property) mustBeAges(atLeast, within time.Duration) {
	if p.err == nil && (atLeast < 0 || within < 0 || within > 0 && within < atLeast || atLeast == 0 && within == 0) {
		p.err = fmt.Errorf("at least %s and within %s, wanted durations of which the first is not longer", said(atLeast), said(within))
	}
}

// RespondsAged returns the property that the next response after each trigger
// happens at least a duration after it, and within another, the ends of both
// included; 0 is no bound:
//
//	settled: trigger, adding it to young -> owed
//	owed:    response when young holds one -> violated; response -> settled
//	         trigger, adding it to young
//	         after the second duration -> violated, and violated at the end
//
// One response settles all triggers of its binding before it: the first of them
// decides whether it is too late, the last whether it is too early. The response
// must not bind a variable that the trigger does not.
func RespondsAged(name string, trigger, response Letter, atLeast, within time.Duration) *Property {
	young := Window("young", atLeast)
	tooEarly := response.Given("it is too early", func(m Memory) bool { return m.Size("young") > 0 })
	owed := From("owed").On(tooEarly).To(Violated).On(response).To("settled")
	if !response.covers(trigger) { // else nothing is left that begins another wait
		owed = owed.On(trigger).Do(young.Occur()).Stay()
	}
	if owed = owed.ViolatedAtEnd(); within != 0 {
		owed = owed.After(within).To(Violated)
	}
	s := spec{variables: union(trigger, response), registers: []Register{young}, violated: Violated, satisfied: Satisfied,
		rules: []Rule{From("settled").On(trigger).Do(young.Occur()).To("owed"), owed}}
	p := build(name, s, forEvery(s.variables)+fmt.Sprintf("%v is next followed by %v %s after it", trigger, response, saidAges(atLeast, within)))
	p.mustNotAdd(response, trigger)
	p.mustBeAges(atLeast, within)
	return p
}

// saidAges says how long before something happened.
func saidAges(atLeast, within time.Duration) string {
	switch {
	case within == 0:
		return "at least " + said(atLeast)
	case atLeast == 0:
		return "within " + said(within)
	}
	return "at least " + said(atLeast) + " and within " + said(within)
}
