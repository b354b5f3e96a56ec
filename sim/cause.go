package sim

import (
	"context"
	"time"

	"github.com/wtsim/wtsim/scheduler"
)

// cause is why a task exists: what invokes its function, and who is told how
// that ended. There is one for each way to invoke a function: a client's
// request, a delivery (of a message or event), a tick of a job, a queued
// task, a call of another function, and the start of a minimum instance.
type cause interface {
	// words tell the start of an attempt: "gets a message of orders".
	words(attempt int) string
	// limit is how long who invokes waits for the answer; zero for as long
	// as the function may take.
	limit() time.Duration
	// line is the queue that it stands in, nil for none: what leaves a queue
	// out of turn is reordered.
	line() any
	// platform says whether the platform itself invokes, and may do so twice,
	// or lose the answer; else a caller does.
	platform() bool
	// invoke calls the handler.
	invoke(ctx context.Context, h Handler, attempt int) ending
	// answered tells who invoked how it ended, and unanswered that no answer
	// comes: the instance has died, or the answer was lost. Both run on the
	// world's goroutine.
	answered(w *world, t *task, e ending)
	unanswered(w *world, t *task)
}

// dropper is a cause that the platform may lose.
type dropper interface {
	drops() bool
	dropped(w *world)
}

// insistent is a cause that comes again when its answer is lost; the others
// that the platform invokes come again too.
type insistent interface{ retries(attempt int) bool }

// throttled is a cause of which only so many may run at the same time.
type throttled interface {
	busy() bool
	began()
	finished()
}

// startFaults lists what may become of the start of a task.
func (w *world) startFaults(t *task, warm *instance) []scheduler.Option {
	out := make([]scheduler.Option, 1, 8)
	if warm != nil && !t.fn.full() {
		out = append(out, scheduler.Option{Do: ColdStart})
	}
	if t.fn.Old != nil && (t.fn.warm(true) != nil || !t.fn.full()) {
		out = append(out, scheduler.Option{Do: OldRevision})
	}
	if t.cause.platform() {
		out = append(out, scheduler.Option{Do: Duplicate})
	}
	if d, ok := t.cause.(dropper); ok && d.drops() {
		out = append(out, scheduler.Option{Do: Drop})
	}
	if w.sim.scenario.Profile.Coalesces && w.newer(t) != nil {
		out = append(out, scheduler.Option{Do: Coalesce})
	}
	if d := w.sim.scenario.Faults.Skew; d > 0 && warm == nil {
		out = append(out, scheduler.Option{Do: Skew, With: "+" + d.String()}, scheduler.Option{Do: Skew, With: "-" + d.String()})
	}
	return append(out, scheduler.Option{Do: Crash, With: CrashAtStart})
}

// endFaults lists what may become of the end of a task.
func endFaults(t *task) []scheduler.Option {
	out := make([]scheduler.Option, 1, 6)
	switch c := t.cause.(type) {
	case *pendingRequest:
		out = append(out, scheduler.Option{Do: LoseResponse})
	case insistent:
		if t.ending.success && c.retries(t.attempt) {
			out = append(out, scheduler.Option{Do: Redeliver})
		}
	}
	if _, standby := t.cause.(*standby); !standby {
		out = append(out, scheduler.Option{Do: Timeout})
	}
	if t.inst.spare() {
		out = append(out, scheduler.Option{Do: Reap})
	}
	return append(out, scheduler.Option{Do: Crash, With: CrashBeforeAck})
}
