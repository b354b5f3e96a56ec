package probe

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wtsim/wtsim/event"
)

// An operation of a service without a client library: all that the tap may
// make of it.
func TestDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timed, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		gone, giveUp := context.WithCancel(t.Context())
		giveUp()
		var refused *RefusedError
		for _, c := range []struct {
			v      Verdict
			ctx    context.Context
			effect bool
			check  func(error) bool
		}{
			{Verdict{}, timed, true, func(err error) bool { return err == nil }},
			{Verdict{Refuse, "503"}, timed, false, func(err error) bool { return errors.As(err, &refused) && refused.Status == "503" }},
			{Verdict{Cut, ""}, timed, false, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
			{Verdict{GaveUp, ""}, gone, false, func(err error) bool { return errors.Is(err, context.Canceled) }},
			{Verdict{Lose, "reset"}, timed, true, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
			{Verdict{Lose, "timeout"}, timed, true, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		} {
			tap := &scripted{verdicts: map[string][]Verdict{"publish": {c.v}}}
			effects := 0
			got, err := Do(c.ctx, tap, event.Operation{Service: "pubsub", Method: "publish"}, func() event.Result {
				effects++
				return event.Result{Status: "OK", OK: true}
			})
			if (effects == 1) != c.effect || !c.check(err) || (err == nil) != (got.Status == "OK") {
				t.Errorf("%+v: %d effects, %+v, %v", c.v, effects, got, err)
			}
		}
		tap := &scripted{dead: true}
		if _, err := Do(timed, tap, event.Operation{}, func() event.Result { return event.Result{} }); !errors.Is(err, errDead) {
			t.Errorf("dead: %v", err)
		}
	})
}
