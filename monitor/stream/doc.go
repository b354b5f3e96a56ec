// Package stream judges a stream of events that lasts: durable, shared out
// among processes, each verdict once.
//
// A gateway makes blocks of events and appends them to a log; a worker reads
// the log in order, gives it to the engine (package monitor), and commits what
// that found together with how far it has read, in one message. Everything
// stands on two ports, [Log] and [Store], so that the same code runs on an
// engine of streams in production, in memory in tests, and on a log that a
// simulation breaks.
//
// Words: a shard is a log of blocks and the part of the instances that is judged
// from it; an entry is what a block holds (an event, or that time has passed); a
// commit is what a worker appends to the shard's commits; the verdict log is
// all commits together; an owner is a worker that has claimed a shard.
//
// Each verdict is told once, since
//
//  1. the offset in the log, what was found up to there and the state that it
//     can be taken up from change in one commit, appended only if the last
//     commit is the one that its owner knows;
//  2. who takes a shard over appends a claim, so that the commits of whoever
//     had it before are refused;
//  3. a lost answer is settled by reading the last commit again;
//  4. the engine is a function of the log's prefix. So whatever looks at a clock
//     is an entry of the log, made by a gateway, and never by a worker.
//
// A block is acknowledged when the log has it. One that is sent twice, since its
// answer was lost, is known by its gateway and number, and an event in two
// blocks by its source and id.
package stream
