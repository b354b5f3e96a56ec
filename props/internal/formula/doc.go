// Package formula translates metric first-order temporal logic, in the syntax
// of MonPoly, to a state machine with registers and a deadline.
//
// A formula must hold at every time point, for all values of its free
// variables. An event is a time point, at which one predicate holds of one
// tuple; events of types that the signature does not name are none.
//
// The free variables become those of the property. For an instance of it, the
// predicates of the formula are propositions: an event fits them or it does
// not, or they hang on parameters that guards look at. The steps:
//
//  1. Quantifiers move inwards, as far as they go, and those that make the
//     formula false for one value, and go no further, out to the free variables.
//  2. The formula is a conjunction of clauses. A clause that speaks of the
//     future is said from the other end: p IMPLIES ALWAYS[I] q is NOT q IMPLIES
//     NOT ONCE[I] p. What is left is one p IMPLIES q UNTIL[0,b] r: a deadline.
//  3. What the past operators must remember is a bit of the state; metric ones
//     have windows; a bit for each value of a quantified variable is a set.
//  4. States and transitions are those that can be reached, found by
//     evaluating the formula for each kind of event.
//
// It is exact or refused. An instance sees the events that fit its values
// alone, so what it remembers must not change at other time points, and the
// formula must hold there: else it is refused, with the place. That is what
// MonPoly calls monitorable, and more: see docs/properties.md.
package formula
