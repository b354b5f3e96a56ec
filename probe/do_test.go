package probe_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// An operation of a service without a client library: all that the tap may
// make of it.
func TestDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timed, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		gone, giveUp := context.WithCancel(t.Context())
		giveUp()
		var refused *probe.RefusedError
		for _, c := range []struct {
			v      probe.Fate
			ctx    context.Context
			effect bool
			check  func(error) bool
		}{
			{probe.Fate{}, timed, true, func(err error) bool { return err == nil }},
			{probe.Fate{Action: probe.Refuse, With: "503"}, timed, false, func(err error) bool { return errors.As(err, &refused) && refused.Status == "503" }},
			{probe.Fate{Action: probe.Cut}, timed, false, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
			{probe.Fate{Action: probe.GaveUp}, gone, false, func(err error) bool { return errors.Is(err, context.Canceled) }},
			{probe.Fate{Action: probe.Lose, With: "reset"}, timed, true, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
			{probe.Fate{Action: probe.Lose, With: "timeout"}, timed, true, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		} {
			tap := &probetest.Tap{Fates: map[string][]probe.Fate{"publish": {c.v}}}
			effects := 0
			got, err := probe.Do(c.ctx, tap, event.Operation{Service: "pubsub", Method: "publish"}, func() event.Result {
				effects++
				return event.Result{Status: "OK", OK: true}
			})
			if (effects == 1) != c.effect || !c.check(err) || (err == nil) != (got.Status == "OK") {
				t.Errorf("%+v: %d effects, %+v, %v", c.v, effects, got, err)
			}
		}
		tap := &probetest.Tap{Dead: true}
		if _, err := probe.Do(timed, tap, event.Operation{}, func() event.Result { return event.Result{} }); !errors.Is(err, probetest.ErrDead) {
			t.Errorf("dead: %v", err)
		}
	})
}
