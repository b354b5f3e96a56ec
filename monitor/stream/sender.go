package stream

import (
	"context"
	"errors"
	"time"
)

// Sender appends a gateway's blocks to a log, one after the other.
type Sender struct {
	Log     Log
	Gateway string // no two have the same
	number  uint64
}

// mostSends is how often a block is appended that is not answered for.
const mostSends = 3

// Send appends a block, and again under the same number if there is no answer,
// so that one whose answer was lost counts once. After an error it may be in
// the log or not; who sent what is in it is not answered, and sends again.
func (s *Sender) Send(ctx context.Context, b *Block, at time.Time) (seq uint64, err error) {
	s.number++
	data := b.Seal(s.Gateway, s.number, at)
	for range mostSends {
		if seq, err = s.Log.Append(ctx, data); err == nil || ctx.Err() != nil || errors.Is(err, context.Canceled) {
			break
		}
	}
	return seq, err
}
