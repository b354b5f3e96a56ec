package probe

import (
	"context"
	"fmt"
	"runtime/pprof"
	"time"
)

// Invoked is what a platform tells of an invocation.
type Invoked struct {
	// Request is the platform's own name of it, which the invocation's ends with;
	// empty if there is none. Attempts of one request are invocations each.
	Request string
	// Limit is when the platform ends it, whatever it does then: nothing is waited
	// for longer than a little before it. Zero if there is none.
	Limit time.Time
}

const (
	// beforeLimit is how long before an invocation's limit its events leave at once
	// that it may not live to send.
	beforeLimit = 500 * time.Millisecond
	// eachLimit is how long they wait at most from then on.
	eachLimit = 20 * time.Millisecond
	// forAnswer is what the end of an invocation leaves of its limit, for its answer.
	forAnswer = 50 * time.Millisecond
)

// Invocation marks the calling goroutine as working for a new invocation, as
// [Label] does, so that the events of its operations name it, until end is
// called on the same goroutine. They also carry the context's trace context
// (see [WithTraceParent]). end returns when they have left the process, as far
// as the sink waits for that: call it before the response goes out, for an
// instance may stand still after it.
func (r *Recorder) Invocation(ctx context.Context) (labelled context.Context, end func()) {
	return r.Invoke(ctx, Invoked{})
}

// Invoke is Invocation, of which the platform tells more. Half a second before its
// limit events begin to leave each 20 ms, so that they are out if it is ended.
func (r *Recorder) Invoke(ctx context.Context, by Invoked) (labelled context.Context, end func()) {
	r.mu.Lock()
	r.invocations++
	id := fmt.Sprintf("%s/inv-%d", r.instance, r.invocations)
	r.mu.Unlock()
	if by.Request != "" {
		id += "/" + by.Request
	}
	outer := ctx
	if parent, ok := ctx.Value(traceParent{}).(string); ok {
		ctx = pprof.WithLabels(ctx, pprof.Labels(traceKey, parent))
	}
	over := r.hurry(by.Limit)
	return Label(ctx, r, id), func() {
		unlabel(outer)
		over()
		r.FlushBefore(context.WithoutCancel(outer), by.Limit)
	}
}

// FlushBefore is Flush, that leaves 50 ms of a limit; none if that is zero.
func (r *Recorder) FlushBefore(ctx context.Context, limit time.Time) {
	if !limit.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, limit.Add(-forAnswer))
		defer cancel()
	}
	r.Flush(ctx)
}

// Flush returns when what was recorded before has left the process, as far as the
// sinks wait for that; they count what has not.
func (r *Recorder) Flush(ctx context.Context) {
	_ = r.sink.Flush(ctx)
	if r.keeper != nil {
		_ = r.keeper.Flush(ctx)
	}
}

// hurry has events leave when a limit is near, until over is called.
func (r *Recorder) hurry(limit time.Time) (over func()) {
	if limit.IsZero() {
		return func() {}
	}
	ctx, cancel := context.WithDeadline(context.Background(), limit)
	begin := time.Until(limit) - beforeLimit //wtsim:clock production's clock
	timer := time.AfterFunc(begin, func() {  //wtsim:go production's: a run has no limit of this kind
		for ctx.Err() == nil {
			_ = r.sink.Flush(ctx)
			select {
			case <-time.After(eachLimit):
			case <-ctx.Done():
			}
		}
	})
	return func() {
		timer.Stop()
		cancel()
	}
}
