// Package props is the language that properties are written in: what must
// hold of a run, said over its events and over what its stores hold in the
// end.
//
// Words:
//
//   - A property has variables ("for all order"), letters, and an automaton;
//     or it is a check of the stores when the run is quiescent.
//   - A letter is an event type together with the parameters that bind
//     variables: ORDER_CHARGED(order). A guard restricts it to some events of
//     the type.
//   - A binding gives values to some of the variables. An instance of the
//     property is the automaton for one binding; its slice is the sequence of
//     events that it sees: those whose own binding is contained in its.
//   - The automaton is a deterministic state machine. [Violated] and
//     [Satisfied] are absorbing; a transition that is not written stays where
//     it is.
//   - A run is quiescent when nothing will happen any more.
//
// The exact rules:
//
//  1. All letters of one event type bind the same variables, from the same
//     parameters. An event of that type that lacks one of them, or has there
//     a value that cannot bind (null, an array, an object), is malformed for
//     the property: counted, and in no slice.
//  2. In a state, the first transition whose letter fits the event is taken.
//     A transition that an earlier one hides entirely is an error.
//  3. Every instance starts in the first state written.
//  4. A violation on a partial binding means: whatever the other variables
//     are. So a letter should leave out a variable that any value will do for.
//  5. A state that is marked with [Rule.ViolatedAtEnd] violates the property
//     if the run is quiescent there.
//
// Constructors never fail: what is wrong with a property is told by
// [Property.Validate], and by monitor.Compile, which takes no other.
//
// Values are not compared across events yet (registers), and time is not
// spoken of (deadlines).
package props
