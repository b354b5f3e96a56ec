package stream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
)

// A property whose name is new may begin in the past: with the blocks that the
// logs still have. Which ones these are, is in the record that brings the property,
// so that whoever judges the log again begins there too; so they are kept until no
// state of any shard is older than the record. One that was judged before under its
// name begins at the record: what it found is told, by the same ids.
//
// Of the events that only properties before wanted, and of those that none did, a
// shard has that they happened, in their order; what they say is in the shard that
// was their home (see copies).

// past is what properties began with that a block has brought.
type past struct {
	Block uint64
	Plan  int // which record it was of those that have changed the properties
	Spans []Span
}

// judgePast gives an era that begins what the logs have, up to the record that it
// is brought by.
func (w *Worker) judgePast(ctx context.Context, e *running, spans []Span) error {
	if len(spans) != max(w.Shards, 1) {
		return fmt.Errorf("shard %d: the properties of block %d begin in the past of %d shards, and there are %d", w.Shard, w.offset, len(spans), max(w.Shards, 1))
	}
	w.pasts = append(w.pasts, past{w.offset, len(w.plans), spans})
	j := judge{worker: w, era: e, parts: e.Program.Parts(len(spans))}
	var err error
	if j.copies, err = w.copiesOf(ctx, e, j.parts, spans); err != nil {
		return err
	}
	if own := spans[w.Shard]; own != (Span{}) {
		own.To = w.offset
		if err := w.eachOf(ctx, w.Events, own, w.loseInPast(e), func(r Record) error { return j.push(ctx, r) }); err != nil {
			return err
		}
	}
	w.since = math.MaxInt32 // what was that much to judge is not judged again
	if e == &w.eras[0] {    // who counts the events; these were counted then
		past := e.stream.Summary()
		w.base.sub(Totals{Events: past.Events, Late: past.Late, Duplicates: past.Duplicates})
	}
	return nil
}

// loseInPast notes that blocks are lost which properties should begin with.
func (w *Worker) loseInPast(e *running) func(Span) {
	return func(s Span) {
		e.stream.Lose()
		w.lost += int(s.To - s.From + 1)
		w.alarm(fmt.Sprintf("a log has lost the blocks from %d to %d, where the properties of block %d begin", s.From, s.To, w.offset))
	}
}

// readsABeat is after how many reads of the past a commit tells that the owner is
// alive: nothing else is committed as long as it is judged.
const readsABeat = 32

// eachOf visits the blocks of a span, and tells which ones the log has lost.
func (w *Worker) eachOf(ctx context.Context, log Log, span Span, lost func(Span), visit func(Record) error) error {
	if span.From == 0 {
		return nil
	}
	reads := 0
	for next := span.From; next <= span.To; {
		all, err := log.Read(ctx, next, readAtOnce)
		if err != nil {
			return err
		}
		if reads++; reads%readsABeat == 0 {
			if err := w.beat(ctx); err != nil {
				return err
			}
		}
		if len(all) == 0 || all[0].Seq > next {
			last := span.To
			if len(all) > 0 {
				last = min(all[0].Seq-1, last)
			}
			lost(Span{next, last})
			next = last + 1
		}
		for _, r := range all {
			if r.Seq > span.To {
				return nil
			}
			if err := visit(r); err != nil {
				return err
			}
			next = r.Seq + 1
		}
	}
	return nil
}

// judge judges blocks again, for one era.
type judge struct {
	worker   *Worker
	era      *running
	parts    *monitor.Parts
	copies   *copies
	gateways state // which blocks came twice
	to       []int
}

// push judges a block. What is damaged was told of, and what is no event counted,
// when it was judged for the first time.
func (j *judge) push(ctx context.Context, r Record) error {
	b, err := Open(r.Data)
	if err != nil {
		j.era.stream.Lose()
		return nil
	}
	if !j.gateways.first(b) {
		return nil
	}
	var inputs []monitor.Input
	var failed error
	_ = b.Each(func(x *Entry) error {
		if x.Plan != "" && r.Seq == j.worker.offset {
			return errPlan
		}
		in := x.Input
		if x.Begin != "" || x.Plan != "" || x.Close || in.Why != "" {
			return nil
		}
		if in.Event.Data = bytesOf(in.Event.Data); !in.Tick {
			failed = j.place(ctx, &in, x)
		}
		inputs = append(inputs, in)
		return failed
	})
	if failed == nil {
		j.worker.found(j.era, j.era.stream.Push(inputs).Findings, settled)
	}
	return failed
}

// errPlan ends a block: behind the record all is judged as it comes.
var errPlan = errors.New("the record")

// place makes an entry what it would be if the era had been there then: the event,
// and whether this shard is its home, if it judges instances of it.
func (j *judge) place(ctx context.Context, in *monitor.Input, x *Entry) error {
	if x.line == "" {
		line, err := j.copies.line(ctx, x.sum)
		if err != nil {
			return err
		}
		if line == "" && j.copies.nowhere[x.sum] {
			// Its request was never answered: if it comes again, it comes for the first time.
			e := &in.Event
			*in = monitor.Input{Tick: true, Event: event.Event{Source: e.Source, Sequence: e.Sequence, Time: e.Time, Lossy: e.Lossy}}
		}
		if line == "" {
			return nil
		}
		in.Event = event.Event{}
		if err := event.DecodeInto(&in.Event, line); err != nil {
			return err
		}
	}
	j.to = j.parts.Route(j.to[:0], &in.Event)
	home := 0
	if len(j.to) > 0 {
		home = j.to[0]
	}
	in.Guest = home != j.worker.Shard
	return nil
}

// copies finds what events say that a shard knows only to have happened: their
// home, of which each has one, has it.
type copies struct {
	worker *Worker
	at     map[digest]spot // of those that the shard is to judge
	// nowhere are events of the newest blocks that no shard has: those of a request
	// whose gateway died when only some of its blocks were stored.
	nowhere map[digest]bool
	lines   []map[digest]string // of the last block of each shard that was looked at
	blocks  []uint64            // which one that was
}

// spot is the block that an event is in.
type spot struct {
	shard int
	block uint64
}

// newestBlocks is in how many of the last blocks of a shard events may be that
// other shards do not have: a gateway holds no more on their way.
const newestBlocks = 2048

// copiesOf looks through the other shards.
func (w *Worker) copiesOf(ctx context.Context, e *running, parts *monitor.Parts, spans []Span) (*copies, error) {
	c := &copies{worker: w, at: map[digest]spot{}, nowhere: map[digest]bool{}, lines: make([]map[digest]string, len(spans)), blocks: make([]uint64, len(spans))}
	if len(spans) == 1 {
		return c, nil
	}
	if w.EventsOf == nil {
		return nil, fmt.Errorf("shard %d: the properties of block %d begin in the past of several shards, wanted Config.EventsOf", w.Shard, w.offset)
	}
	newest := Span{max(spans[w.Shard].From, w.offset-min(w.offset-1, newestBlocks)), w.offset}
	err := w.eachOf(ctx, w.Events, newest, func(Span) {}, func(r Record) error {
		_ = eachEvent(r, func(x *Entry) { // a block that is damaged is told when it is judged
			if x.line == "" {
				c.nowhere[x.sum] = true
			}
		})
		return nil
	})
	var to []int
	for shard, span := range spans {
		if shard == w.Shard || err != nil {
			continue
		}
		err = w.eachOf(ctx, w.EventsOf(shard), span, w.loseInPast(e), func(r Record) error {
			damaged := eachEvent(r, func(x *Entry) {
				if x.line == "" || x.Input.Guest {
					return
				}
				s := digestOf(x.line)
				delete(c.nowhere, s)
				if to = parts.Route(to[:0], &x.Input.Event); slices.Contains(to, w.Shard) {
					c.at[s] = spot{shard, r.Seq}
				}
			})
			if damaged != nil { // its own shard has told
				e.stream.Lose()
			}
			return nil
		})
	}
	return c, err
}

// eachEvent visits the events of a block, whole or not.
func eachEvent(r Record, visit func(*Entry)) error {
	b, err := Open(r.Data)
	if err != nil {
		return err
	}
	return b.Each(func(x *Entry) error {
		if x.line != "" || x.sum != (digest{}) {
			visit(x)
		}
		return nil
	})
}

// line is what an event says, or nothing if the shard does not judge it.
func (c *copies) line(ctx context.Context, s digest) (string, error) {
	at, ok := c.at[s]
	if !ok {
		return "", nil
	}
	if c.blocks[at.shard] != at.block {
		all, err := c.worker.EventsOf(at.shard).Read(ctx, at.block, 1)
		if err != nil {
			return "", err
		}
		if len(all) == 0 || all[0].Seq != at.block {
			return "", fmt.Errorf("shard %d: block %d of shard %d is gone, and it was there", c.worker.Shard, at.block, at.shard)
		}
		lines := map[digest]string{}
		if err := eachEvent(all[0], func(x *Entry) { lines[digestOf(x.line)] = x.line }); err != nil {
			return "", err
		}
		c.lines[at.shard], c.blocks[at.shard] = lines, at.block
	}
	return c.lines[at.shard][s], nil
}

// firstNeeded is the first block that who takes a state up has to read, or who
// takes up one of another shard.
func (w *Worker) firstNeeded(r StateRef, all []Commit) uint64 {
	first := r.Offset + 1
	for _, p := range w.pasts {
		if p.Spans[w.Shard].From == 0 {
			continue
		}
		if own := p.Block > r.Offset; own || slices.ContainsFunc(all, func(c Commit) bool { return !c.knows(p.Plan) }) {
			first = min(first, p.Spans[w.Shard].From)
		}
	}
	return first
}

// knows tells whether no state of a shard is older than a record that has changed
// the properties.
func (c *Commit) knows(plan int) bool {
	oldest, ok := c.oldest()
	return ok && oldest.Plans >= plan
}
