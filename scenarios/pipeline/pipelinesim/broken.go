package pipelinesim

import (
	"context"
	"time"

	"github.com/wtsim/wtsim/monitor/stream"
)

// withoutFence appends commits whatever the last one is.
func withoutFence(p ports) ports {
	p.commits = unfenced{p.commits}
	return p
}

type unfenced struct{ stream.Log }

func (l unfenced) AppendIf(ctx context.Context, data []byte, _ uint64) (uint64, error) {
	return l.Append(ctx, data)
}

// stateLater stores a state after the commit that names it.
func stateLater(p ports) ports {
	l := &later{Store: p.states}
	p.states, p.commits = l, &flushing{p.commits, l}
	return p
}

// later keeps a state in memory until it is flushed.
type later struct {
	stream.Store
	name  string
	state []byte
}

func (l *later) Put(_ context.Context, name string, state []byte) error {
	l.name, l.state = name, state
	return nil
}

type flushing struct {
	stream.Log
	states *later
}

func (l *flushing) AppendIf(ctx context.Context, data []byte, last uint64) (uint64, error) {
	seq, err := l.Log.AppendIf(ctx, data, last)
	if s := l.states; err == nil && s.name != "" {
		err = s.Store.Put(ctx, s.name, s.state)
		s.name = ""
	}
	return seq, err
}

// ownClock lets a worker judge, behind each block, that time has passed up to
// now by its own clock. What it reads has twice as many numbers.
func ownClock(p ports) ports {
	p.events = clocked{p.events}
	return p
}

type clocked struct{ stream.Log }

func (l clocked) Read(ctx context.Context, from uint64, bytes int) ([]stream.Record, error) {
	all, err := l.Log.Read(ctx, from/2+1, bytes)
	var out []stream.Record
	for _, r := range all {
		var tick stream.Block
		now := time.Now() //wtsim:clock what the variant does wrong; the bubble's clock
		tick.Tick(now)
		out = append(out, stream.Record{Seq: 2*r.Seq - 1, Data: r.Data}, stream.Record{Seq: 2 * r.Seq, Data: tick.Seal("clock", r.Seq, now)})
	}
	return out, err
}

func (l clocked) Forget(ctx context.Context, before uint64) error {
	return l.Log.Forget(ctx, before/2)
}
