package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/wtsim/wtsim/monitor"
)

// A property whose name is new may begin in the past: at the first block that the
// log still has. Which one that is, is in the record that brings the property, so
// that whoever judges the log again begins there too; so it is kept until no
// state is older than the record. One that was judged before under its name begins
// at the record: what it found is told, by the same ids.

// past is where properties began that a block has brought.
type past struct{ Block, From uint64 }

// judgePast gives an era that begins what the log has from a block on, up to the
// record that it is brought by.
func (w *Worker) judgePast(ctx context.Context, e *running, from uint64) error {
	w.pasts = append(w.pasts, past{w.offset, from})
	var gateways state // which blocks came twice
	for next := from; next <= w.offset; {
		all, err := w.Events.Read(ctx, next, readAtOnce)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			break
		}
		if first := all[0].Seq; first > next {
			w.lose(int(first-next), fmt.Sprintf("the log has lost the blocks from %d to %d, where the properties of block %d begin", next, first-1, w.offset))
		}
		for _, r := range all {
			if next = r.Seq + 1; r.Seq <= w.offset {
				w.pushPast(e, &gateways, r)
			}
		}
	}
	if e == &w.eras[0] { // who counts the events; these were counted then
		past := e.stream.Summary()
		w.base.sub(Totals{Events: past.Events, Late: past.Late, Duplicates: past.Duplicates})
	}
	return nil
}

// pushPast judges a block again for one era. What is damaged was told of, and
// what is no event counted, when it was judged for the first time.
func (w *Worker) pushPast(e *running, gateways *state, r Record) {
	b, err := Open(r.Data)
	if err != nil || !gateways.first(b) {
		return
	}
	var inputs []monitor.Input
	_ = b.Each(func(x *Entry) error {
		if x.Plan != "" && r.Seq == w.offset {
			return errPlan
		}
		if in := x.Input; x.Begin == "" && x.Plan == "" && !x.Close && in.Why == "" {
			in.Event.Data = bytesOf(in.Event.Data)
			inputs = append(inputs, in)
		}
		return nil
	})
	w.found(e, e.stream.Push(inputs).Findings, settled)
}

// errPlan ends a block: behind the record all is judged as it comes.
var errPlan = errors.New("the record")

// firstNeeded is the first block that who takes a state up has to read.
func (s *state) firstNeeded(r StateRef) uint64 {
	first := r.Offset + 1
	for _, p := range s.pasts {
		if p.Block > r.Offset {
			first = min(first, p.From)
		}
	}
	return first
}
