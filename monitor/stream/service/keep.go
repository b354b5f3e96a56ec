package service

import (
	"context"
	"fmt"
	"time"

	"github.com/wtsim/wtsim/monitor/stream"
)

// keeper decides when a shard's log may forget blocks: those that no state is
// behind, after a time. After a start the time begins anew.
type keeper struct {
	keep  time.Duration
	marks []mark // ascending
}

// mark is from when on the blocks before one are not needed.
type mark struct {
	at     time.Time
	before uint64
}

// marksOf is how many marks the time has: so much longer may blocks be kept.
const marksOf = 20

// due takes in which block is needed first, and returns before which one blocks
// are to be forgotten now; 0 if there is nothing to forget.
func (k *keeper) due(needed uint64, now time.Time) (before uint64) {
	last := len(k.marks) - 1
	switch {
	case last < 0, needed > k.marks[last].before && now.Sub(k.marks[last].at) >= k.keep/marksOf:
		k.marks = append(k.marks, mark{now, needed})
	}
	for len(k.marks) > 0 && now.Sub(k.marks[0].at) >= k.keep {
		before, k.marks = k.marks[0].before, k.marks[1:]
	}
	return before
}

// past is what properties begin with that are new: all that is kept. Without, they
// begin with the record that brings them.
func (s *Service) past(ctx context.Context) (all []stream.Span, err error) {
	if s.Keep == 0 {
		return nil, nil
	}
	for n := range s.Shards {
		first, err := s.logs.Events(n).Read(ctx, 1, 1)
		if err != nil {
			return nil, err
		}
		last, ok, err := s.logs.Events(n).Last(ctx)
		if err != nil {
			return nil, err
		}
		var span stream.Span
		if ok && len(first) > 0 {
			span = stream.Span{From: first[0].Seq, To: last.Seq}
		}
		all = append(all, span)
	}
	return all, nil
}

// forget has a shard's log forget what is due. What fails is tried with the
// next mark. Before the shard has judged which properties hold, nobody knows what
// they begin with.
func (s *Service) forget(ctx context.Context, shard int, k *keeper, w *stream.Worker) {
	if !s.gateway.planned(shard, w.Judged()) {
		return
	}
	before := k.due(w.Needed(s.verdicts.commits()), time.Now())
	if before <= 1 {
		return
	}
	if err := s.logs.Events(shard).Forget(ctx, before); err != nil {
		s.fail(fmt.Errorf("partition %d: to forget the blocks before %d: %w", shard, before, err))
	}
}
