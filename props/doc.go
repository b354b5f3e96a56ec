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
//   - A register is what an instance remembers beside its state: a set of
//     values, a counter, or the last value. A transition may write it.
//   - A deadline leads out of a state when time has passed in it.
//   - A run is quiescent when nothing will happen any more.
//
// The exact rules:
//
//  1. Letters of one event type that bind differently are roles of it. An
//     event of that type that lacks a parameter of one of them, or has there
//     a value that cannot bind (null, an array, an object), is malformed for
//     the property: counted, and in no slice. An instance takes an event in each
//     role whose binding it contains, all at once, in the order in which the
//     roles are written first.
//  2. In a state, the first transition whose letter fits the event is taken.
//     A transition that an earlier one hides entirely is an error.
//  3. Every instance starts in the first state written.
//  4. A violation on a partial binding means: whatever the other variables
//     are. So a letter should leave out a variable that any value will do for.
//  5. A state that is marked with [Rule.ViolatedAtEnd] violates the property
//     if the run is quiescent there.
//  6. Guards see the registers as they were before the event; what a
//     transition writes is written at once. What guards over registers and
//     updates read, an event must have.
//  7. A deadline begins when an event leads into its state, also from itself,
//     and ends when one leads out. It is an event of that event's source, at
//     its time plus the duration, and at one time it comes after all others.
//     It has passed once time moves beyond it. At quiescence all that run
//     pass.
//     Of those of a state that have guards, the first whose guard holds then is
//     taken.
//  8. A window holds, at an event, the occurrences that are less than its
//     length before it. The distance of two events of one source is that of
//     their times; of two sources it is known as well as the clocks are.
//  9. A property may ask for some value of a variable instead of all: the same
//     throughout, or another one at each event. From the first of these on,
//     variables of either kind may follow in any order ([Some]).
//
// Constructors never fail: what is wrong with a property is told by
// [Property.Validate], and by monitor.Compile, which takes no other.
//
// [Parse] reads the same language from YAML files, with guards in CEL;
// docs/properties.md describes them.
package props
