package probe

import (
	"context"

	"github.com/wtsim/wtsim/event"
)

// Do passes an operation of an in-process service, one that has no client
// library of its own, through the tap: effect is called if it happens. The
// error is what a client would return.
func Do(ctx context.Context, tap Tap, op event.Operation, effect func() event.Result) (event.Result, error) {
	c := &Call{Op: op, GiveUp: ctx.Done()}
	c.Op.Deadline, c.Timed = ctx.Deadline()
	fate := tap.Enter(c)
	switch fate.Action {
	case Cut:
		return event.Result{}, ErrReset("read")
	case GaveUp:
		return event.Result{}, fate.GaveUpWith(ctx)
	case Refuse:
		return event.Result{}, &RefusedError{Status: fate.With}
	}
	c.Op.Result = effect()
	if err := tap.Leave(c); err != nil {
		return event.Result{}, err
	}
	if fate.Action == Lose && fate.With == "timeout" {
		<-ctx.Done()
		return event.Result{}, context.Cause(ctx)
	}
	if fate.Action == Lose {
		return event.Result{}, ErrReset("read")
	}
	return c.Op.Result, nil
}

// RefusedError says that a service refused a call.
type RefusedError struct{ Status string }

func (e *RefusedError) Error() string { return "service unavailable: " + e.Status }
