package sim

import (
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/scheduler"
)

// offers are what may become of a step.
type offers struct {
	skew     time.Duration
	outage   time.Duration
	down     []outage
	beat     *bubble.Beat
	services *services
	stalls   *stalls
}

// startFaults lists what may become of the start of a task.
func (of *offers) startFaults(t *task, warm *instance) []scheduler.Option {
	out := make([]scheduler.Option, 1, 8)
	if warm != nil && !t.fn.full() {
		out = append(out, scheduler.Option{Do: cloud.ColdStart})
	}
	if t.fn.Old != nil && (t.fn.warm(true) != nil || !t.fn.full()) {
		out = append(out, scheduler.Option{Do: cloud.OldRevision})
	}
	if single, ok := t.Cause.(cloud.Single); t.Cause.Platform() && (!ok || !single.Single()) {
		out = append(out, scheduler.Option{Do: cloud.Duplicate})
	}
	if d, ok := t.Cause.(cloud.Dropper); ok && d.Drops() {
		out = append(out, scheduler.Option{Do: cloud.Drop})
	}
	if m, ok := t.Cause.(cloud.Mergeable); ok && m.Newer(t.Task) {
		out = append(out, scheduler.Option{Do: cloud.Coalesce})
	}
	if d := of.skew; d > 0 && warm == nil {
		out = append(out, scheduler.Option{Do: cloud.Skew, With: "+" + d.String()}, scheduler.Option{Do: cloud.Skew, With: "-" + d.String()})
	}
	return append(out, scheduler.Option{Do: cloud.Crash, With: cloud.AtStart})
}

// endFaults lists what may become of the end of a task.
func endFaults(t *task) []scheduler.Option {
	out := make([]scheduler.Option, 1, 6)
	switch c := t.Cause.(type) {
	case *pendingRequest:
		out = append(out, scheduler.Option{Do: cloud.LoseResponse})
	case cloud.Insistent:
		if t.ending.Success && c.Retries(t.Attempt) {
			out = append(out, scheduler.Option{Do: cloud.Redeliver})
		}
	}
	if _, standby := t.Cause.(*standby); !standby {
		out = append(out, scheduler.Option{Do: cloud.Timeout})
	}
	if t.inst.spare() {
		out = append(out, scheduler.Option{Do: cloud.Reap})
	}
	return append(out, scheduler.Option{Do: cloud.Crash, With: cloud.BeforeAck})
}
