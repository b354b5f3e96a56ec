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
