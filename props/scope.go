package props

import "time"

// Scope is a part of a run that a pattern speaks of: [Always], [After],
// [Before], [Between] or [For].
type Scope struct {
	kind     scopeKind
	from, to Letter
	length   time.Duration
}

type scopeKind uint8

const (
	inAll scopeKind = iota
	inAfter
	inBefore
	inBetween
	inFor
	inEndedBefore
	inEndedBetween
	inUntil
)

// Always is the whole run.
func Always() Scope { return Scope{} }

// After is all that follows the first event of a letter.
func After(l Letter) Scope { return Scope{kind: inAfter, from: l} }

// Before is all that comes before the first event of a letter; if there is
// none, the whole run.
func Before(l Letter) Scope { return Scope{kind: inBefore, to: l} }

// Between is each part of the run from an event of one letter to the next
// event of another. A part that has begun is one, also if it never ends; a
// further event of the first letter inside does not begin another.
func Between(from, to Letter) Scope { return Scope{kind: inBetween, from: from, to: to} }

// EndedBefore is [Before] where an event of the letter comes; if there is none,
// nothing. It is what Dwyer, Avrunin and Corbett (Patterns in Property
// Specifications, 1999) call before.
func EndedBefore(l Letter) Scope { return Scope{kind: inEndedBefore, to: l} }

// EndedBetween is each part of the run from an event of one letter to the next
// event of another: a part that does not end is none. It is what Dwyer calls
// between.
func EndedBetween(from, to Letter) Scope { return Scope{kind: inEndedBetween, from: from, to: to} }

// Until is each part of the run from an event of one letter to the next event
// of another, or to the end of the run. It is what Dwyer calls after ... until.
func Until(from, to Letter) Scope { return Scope{kind: inUntil, from: from, to: to} }

// For is the given time from each event of a letter on, its end included.
func For(d time.Duration, from Letter) Scope { return Scope{kind: inFor, from: from, length: d} }

// String returns the scope as the end of a sentence; empty for [Always].
func (s Scope) String() string {
	switch s.kind {
	case inAfter:
		return " after " + s.from.String()
	case inBefore:
		return " before " + s.to.String()
	case inBetween:
		return " between " + s.from.String() + " and " + s.to.String()
	case inEndedBefore:
		return " before " + s.to.String() + ", where that comes"
	case inEndedBetween:
		return " between " + s.from.String() + " and " + s.to.String() + ", where that comes"
	case inUntil:
		return " after " + s.from.String() + " until " + s.to.String()
	case inFor:
		return " within " + said(s.length) + " of " + s.from.String()
	}
	return ""
}

// letters returns the letters that the scope names.
func (s Scope) letters() []Letter {
	switch s.kind {
	case inAfter, inFor:
		return []Letter{s.from}
	case inBefore, inEndedBefore:
		return []Letter{s.to}
	case inBetween, inEndedBetween, inUntil:
		return []Letter{s.from, s.to}
	}
	return nil
}

// Absent returns the property that a letter never happens within a scope. An
// event that fits the scope's letter too begins or ends the scope.
//
//	Always:  always:  letter -> violated
//	After:   as NeverAfter
//	Before:  as NeverBefore
//	Between: outside: from -> inside
//	         inside:  to -> outside, letter -> violated
//	Until:   as Between
//	EndedBefore:  clean:   to -> satisfied, letter -> tainted
//	              tainted: to -> violated
//	EndedBetween: outside: from -> inside
//	              inside:  to -> outside, letter -> tainted
//	              tainted: to -> violated
//	For:     outside: from -> inside
//	         inside:  letter -> violated, from -> inside, after the time -> outside
func Absent(name string, letter Letter, scope Scope) *Property {
	outside, inside := From("outside").On(scope.from).To("inside"), From("inside")
	var rules []Rule
	switch scope.kind {
	case inAll:
		rules = []Rule{From("always").On(letter).To(Violated)}
	case inAfter:
		return NeverAfter(name, letter, scope.from)
	case inBefore:
		return NeverBefore(name, letter, scope.to)
	case inEndedBefore:
		rules = []Rule{From("clean").On(scope.to).To(Satisfied).On(letter).To("tainted"), From("tainted").On(scope.to).To(Violated)}
	case inEndedBetween:
		rules = []Rule{outside, inside.On(scope.to).To("outside").On(letter).To("tainted"), From("tainted").On(scope.to).To(Violated)}
	case inBetween, inUntil:
		rules = []Rule{outside, inside.On(scope.to).To("outside").On(letter).To(Violated)}
	case inFor:
		inside = inside.On(letter).To(Violated)
		if !letter.covers(scope.from) { // else nothing is left that begins anew
			inside = inside.On(scope.from).To("inside")
		}
		rules = []Rule{outside, inside.After(scope.length).To("outside")}
	}
	letters := append(scope.letters(), letter)
	return pattern(name, letter.String()+" never happens"+scope.String(), letters, rules...)
}

// Exists returns the property that a letter happens within a scope. An event
// that fits the scope's letter too begins or ends the scope.
//
//	Always:  missing: letter -> satisfied, and violated at the end
//	After:   outside: from -> missing
//	         missing: letter -> satisfied, and violated at the end
//	Before:  missing: letter -> satisfied, to -> violated
//	Between: outside: from -> missing
//	         missing: to -> violated, letter -> found
//	         found:   to -> outside
//	EndedBefore, EndedBetween: as Before and Between
//	Until:   as Between, and missing is violated at the end
//	For:     outside: from -> missing
//	         missing: letter -> outside, after the time -> violated, and violated at the end
//
// For a time, the first event of from counts until the letter happens: that is
// in time for those between, too.
//
// The letter must not bind a variable that the scope's last letter does not:
// no event would say for which value it is missing.
func Exists(name string, letter Letter, scope Scope) *Property {
	outside, missing := From("outside").On(scope.from).To("missing"), From("missing")
	var rules []Rule
	switch scope.kind {
	case inAll:
		rules = []Rule{missing.On(letter).To(Satisfied).ViolatedAtEnd()}
	case inAfter:
		rules = []Rule{outside, missing.On(letter).To(Satisfied).ViolatedAtEnd()}
	case inBefore, inEndedBefore:
		rules = []Rule{missing.On(letter).To(Satisfied).On(scope.to).To(Violated)}
	case inBetween, inEndedBetween, inUntil:
		missing = missing.On(scope.to).To(Violated).On(letter).To("found")
		if scope.kind == inUntil {
			missing = missing.ViolatedAtEnd()
		}
		rules = []Rule{outside, missing, From("found").On(scope.to).To("outside")}
	case inFor:
		rules = []Rule{outside, missing.On(letter).To("outside").ViolatedAtEnd().After(scope.length).To(Violated)}
	}
	letters := append(scope.letters(), letter)
	p := pattern(name, letter.String()+" happens"+scope.String(), letters, rules...)
	if named := scope.letters(); len(named) > 0 {
		p.mustNotAdd(letter, named[len(named)-1])
	} else {
		p.mustNotAdd(letter, Letter{event: "the run"})
	}
	return p
}
