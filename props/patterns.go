package props

import (
	"fmt"
	"slices"
	"time"
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

// Never returns the property that a letter does not happen:
//
//	always: letter -> violated
func Never(name string, letter Letter) *Property { return Absent(name, letter, Always()) }

// NeverBefore returns the property that never does not happen until before has
// happened: that of [Precedes], said the other way round.
//
//	waiting: before -> satisfied, never -> violated
func NeverBefore(name string, never, before Letter) *Property {
	p := pattern(name, fmt.Sprintf("%v never happens before %v", never, before), []Letter{before, never},
		From("waiting").On(before).To(Satisfied).On(never).To(Violated),
	)
	p.mustNotAdd(before, never)
	return p
}

// NeverBetween returns the property that never does not happen between an
// event of one letter and the next of another:
//
//	outside: from -> inside
//	inside:  to -> outside, never -> violated
func NeverBetween(name string, never, from, to Letter) *Property {
	return Absent(name, never, Between(from, to))
}

// Responds returns the property that the response happens within a duration
// of each trigger, its end included:
//
//	settled: trigger -> owed
//	owed:    response -> settled, after the duration -> violated, and violated at the end
//
// One response settles all triggers of its binding before it; the first of
// them counts. The response must not bind a variable that the trigger does
// not.
func Responds(name string, trigger, response Letter, within time.Duration) *Property {
	sentence := fmt.Sprintf("%v is followed by %v within %s", trigger, response, said(within))
	p := pattern(name, sentence, []Letter{trigger, response},
		From("settled").On(trigger).To("owed"),
		From("owed").On(response).To("settled").ViolatedAtEnd().After(within).To(Violated),
	)
	p.mustNotAdd(response, trigger)
	return p
}

// Direction is the way in which values must not go back.
type Direction string

// The directions of [Monotone].
const (
	Rising  Direction = "rising"  // no value is less than the one before
	Falling Direction = "falling" // no value is greater than the one before
)

// Monotone returns the property that the values of a parameter of the letter's
// events never go back. They are compared as [Compare] does; one that cannot
// be compared with the one before violates. The register last holds the value
// before:
//
//	none: letter -> some, keeping the parameter as last
//	some: letter when the parameter goes back -> violated
//	      letter -> some, keeping the parameter as last
func Monotone(name string, letter Letter, param string, way Direction) *Property {
	last := Last("last")
	back := letter.Given(param+" goes back", func(m Memory) bool {
		now, _ := m.Param(param)
		was, _ := m.Last("last")
		order, ok := Compare(now, was)
		if way == Falling {
			order = -order
		}
		return !ok || order < 0
	}, param)
	s := spec{variables: union(letter), registers: []Register{last}, violated: Violated, satisfied: Satisfied, rules: []Rule{
		From("none").On(letter).Do(last.Store(param)).To("some"),
		From("some").On(back).To(Violated).On(letter).Do(last.Store(param)).Stay(),
	}}
	p := build(name, s, forEvery(s.variables)+fmt.Sprintf("the %s of %v is always %s", param, letter, way))
	if p.err == nil && way != Rising && way != Falling {
		p.err = fmt.Errorf("direction %q, wanted %q or %q", way, Rising, Falling)
	}
	return p
}

// Balanced returns the property that as many events of one letter as of the
// other have happened when the run is quiescent. The counter balance holds
// the difference:
//
//	even:   one -> uneven, counting 1;  other -> uneven, counting -1
//	uneven: one when the balance is -1 -> even, counting 1;   one: counting 1
//	        other when the balance is 1 -> even, counting -1;  other: counting -1
//	        and violated at the end
//
// The letters must bind the same variables: otherwise no event would say for
// which value they are counted.
func Balanced(name string, one, other Letter) *Property {
	balance := Counter("balance")
	isLast := func(n int64) func(int64) bool { return func(is int64) bool { return is == n } }
	up, down := balance.Count(1), balance.Count(-1)
	s := spec{variables: union(one, other), registers: []Register{balance}, violated: Violated, satisfied: Satisfied, rules: []Rule{
		From("even").On(one).Do(up).To("uneven").On(other).Do(down).To("uneven"),
		From("uneven").ViolatedAtEnd().
			On(one.GivenCount(balance, "-1", isLast(-1))).Do(up).To("even").On(one).Do(up).Stay().
			On(other.GivenCount(balance, "1", isLast(1))).Do(down).To("even").On(other).Do(down).Stay(),
	}}
	p := build(name, s, forEvery(s.variables)+fmt.Sprintf("%v happens as often as %v before the run is quiescent", one, other))
	p.mustNotAdd(one, other)
	p.mustNotAdd(other, one)
	return p
}
