package service

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/monitor/stream"
)

// lane appends blocks to one shard's log, one at a time: what comes while one
// is under way fills the next.
type lane struct {
	sender  stream.Sender
	pending *atomic.Int64 // bytes, of all lanes
	wake    chan struct{}

	mu    sync.Mutex
	queue []*flight
	last  uint64 // the last block that the log has of this gateway
}

// flight is a block on its way.
type flight struct {
	block stream.Block
	done  chan struct{} // closed when the log has it, or err says why not
	err   error
	seq   uint64
}

func newLane(log stream.Log, gateway string, pending *atomic.Int64) *lane {
	return &lane{sender: stream.Sender{Log: log, Gateway: gateway}, pending: pending, wake: make(chan struct{}, 1)}
}

// add puts entries into the block that is being filled.
func (l *lane) add(b *stream.Block) *flight {
	l.mu.Lock()
	defer l.mu.Unlock()
	var f *flight
	if n := len(l.queue); n > 0 && l.queue[n-1].block.Len()+b.Len() <= stream.BlockSize {
		f = l.queue[n-1]
	} else {
		f = &flight{done: make(chan struct{})}
		l.queue = append(l.queue, f)
	}
	f.block.Add(b)
	l.pending.Add(int64(b.Len()))
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return f
}

// appended is the last block that the log has of this gateway.
func (l *lane) appended() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// idle tells whether nothing is on its way.
func (l *lane) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) == 0
}

// run appends until the context ends and nothing is left.
func (l *lane) run(ctx context.Context, stored, failed func()) {
	for {
		f := l.next()
		if f == nil {
			select {
			case <-l.wake:
				continue
			case <-ctx.Done():
				if l.idle() {
					return
				}
				continue
			}
		}
		f.seq, f.err = l.sender.Send(context.WithoutCancel(ctx), &f.block, time.Now())
		l.mu.Lock()
		if f.err == nil {
			l.last = max(l.last, f.seq)
		}
		l.mu.Unlock()
		l.pending.Add(int64(-f.block.Len()))
		close(f.done)
		if f.err != nil {
			failed()
			continue
		}
		stored()
	}
}

// next takes the block that is next; nothing is added to it any more.
func (l *lane) next() *flight {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return nil
	}
	f := l.queue[0]
	l.queue = l.queue[1:]
	return f
}
