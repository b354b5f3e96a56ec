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

// past is the block that properties begin at which are new: the first that is
// kept; 0 is the record that brings them. In several shards they begin there: each
// shard's log has of what is kept only the events of the properties before.
func (s *Service) past(ctx context.Context) (from uint64, err error) {
	if s.Keep == 0 {
		return 0, nil
	}
	if s.Shards > 1 {
		s.log.Warn("properties that are new begin now, and not with the events that are kept: these are in several shards")
		return 0, nil
	}
	all, err := s.logs.Events(0).Read(ctx, 1, 1)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[0].Seq, nil
}

// forget has a shard's log forget what is due. What fails is tried with the
// next mark.
func (s *Service) forget(ctx context.Context, shard int, k *keeper, w *stream.Worker) {
	before := k.due(w.Needed(), time.Now())
	if before <= 1 {
		return
	}
	if err := s.logs.Events(shard).Forget(ctx, before); err != nil {
		s.fail(fmt.Errorf("partition %d: to forget the blocks before %d: %w", shard, before, err))
	}
}
