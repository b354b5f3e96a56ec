// Package function is the monitor as a stateless handler over Redis: it judges
// what it is sent by HTTP, on any number of instances of a serverless function,
// and keeps nothing from one request to the next.
//
// Words: a place is where instances of a property are that agree on what all its
// events bind (package monitor); its record is what Redis has of it: a head,
// which no other record has, and the state of the place's stream. The verdict
// log, its commits and the publisher's cursor are those of package stream.
//
// Each verdict is told once, and none is lost, since
//
//  1. the new record, what was found and what was counted change in one script,
//     which does so only if the record's head is the one that was read;
//  2. an event is answered for when all places that it concerns have it, so that
//     who is not answered sends it again;
//  3. a place knows each event by source and id, so that what comes again is
//     ignored, in whatever batch, order and instance of the function;
//  4. an answer that is lost is settled by the head: the script answers that the
//     record is there already.
//
// What looks at a clock is an input like an event: [Function.Tick] tells the
// places that wait for it that time has passed, and their records say so.
// [Function.Close] tells what they come to if nothing else comes, and their records
// say what was told so; with clocks that differ (skew), only this tells violations.
//
// The cost of an event hangs on what its places have seen, and on nothing else
// that is monitored: two operations of Redis for a batch of any size, as long as
// nobody else writes the same places. A property whose events have no variable
// in common is shared out among [Options.Shares] places, each of which keeps what its events
// come to as long as [monitor.StreamOptions.TTL] says; one without a variable has one place.
//
// What Redis has acknowledged must be there: on each write synced to the disk
// (appendfsync always), and no failover to a replica that has less.
//
// Not supported: skew together with deadlines, changes of skew, lateness and time to
// live under the same prefix (refused by name), gaps in the sequences of sources,
// events that are lossy at other places than their own.
package function
