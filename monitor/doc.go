// Package monitor decides whether properties hold: events in, violations out.
// It is pure: no clock, no goroutine, no network, nothing global. The same
// engine watches a simulated run and production.
//
// [Compile] makes a [Program] of properties. It starts a [Monitor], for events
// that are in exact order already, or a [Stream], for events as they come. What
// they are given they answer with a [Judgement]: findings, what was lost, and
// the [Position] up to which the input is judged. Nothing is called back, and
// nothing hangs on anything but what was pushed: a host can commit the answer,
// its place in the input and, every now and then, a checkpoint in one step, and
// go on from there after a crash ([Stream.Checkpoint], [Program.Restore]). A
// violation has the same name wherever it is found ([Violation.ID]). The work
// can be shared: which parts an event goes to is a function of the program
// ([Parts.Route]).
//
// Words (see package props for property, letter, binding, instance, slice):
//
//   - Two bindings are compatible if they agree on the variables that they
//     share; their join is their union.
//   - An instance exists once its binding is the empty one or a join of
//     bindings of events seen. It is dead when it can no longer be violated.
//
// The rules, for events in exact order:
//
//  1. An event is malformed for a property if it lacks a parameter that the
//     property wants, or has there a value that cannot bind. It is counted,
//     and in no slice.
//  2. An instance is violated at an event of its slice that leads its
//     automaton into the violated state, also if the event came before the
//     join that the instance is.
//  3. For each event the minimal instances that it violates are reported: no
//     instance properly contained in them is violated by it as well.
//  4. At quiescence the minimal instances are reported whose state must not
//     be the last one, or would be violated by the deadlines that run.
//  5. A deadline is an event of the source that began it, and of the instance
//     that it runs for; at one time it comes after all others. Instances that
//     the same deadline violates are minimal as in rule 3.
//  6. Once an event says that its source may keep others to itself (Lossy), a
//     violation that an event which is missing could undo is told as undecided
//     (lossy.go).
//
// A [Stream] brings events into exact order behind a watermark, and, where the
// clocks of sources may differ, judges all orders that are possible: its rules
// stand there and in package skew.
//
// The method is parametric trace slicing (Chen, Rosu: Semantics and
// Algorithms for Parametric Monitoring, 2012). We depart from it in three
// points. An instance that is dead, or that would be born dead, is not stored
// unless it is the binding of an event: for a join that is about to be born,
// the union J of all stored bindings contained in it is then still the
// largest instance whose slice it continues, and if J is not stored it was
// dead, and so is the join. Joins are not stored at all before an event names
// them, where it can be proved that this makes no difference (lazy.go). And
// slices are not stored by instance: each event is noted once, under its own
// binding (trail.go).
//
// Below stand, each alone and none seeing who stands above it: packages codec
// and values; order (duplicates, places in a source, effective times); machine
// (an automaton as it runs, registers, deadlines); skew (all possible orders
// of one instance's events). Here stand what binds them: instances (plans,
// pools, births, ages), what an event does to them (step), what is told
// (account, report), what is swept out (collect.go), parts and checkpoints. Why
// many events at once cost less is in ahead.go.
package monitor
