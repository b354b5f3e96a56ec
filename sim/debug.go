package sim

import (
	"time"

	"github.com/wtsim/wtsim/internal/bubble"
)

// Stopped is called for the step that [Simulation.StopAt] names, by the goroutine
// that makes its operation, just before that has its effect: a debugger that stops
// here has the handler's frames above. It does nothing.
//
//go:noinline
func Stopped(step int) { _ = step }

// debuggedStep is the number of the step that a run of [Simulation.StopAt] is at:
// a debugger that has stopped, wherever that is, reads it.
//
//lint:ignore U1000 a debugger reads it
var debuggedStep int

// StopAt is the same simulation for runs under a debugger: the operation of a
// step, by its number in [Result.Steps] from 1, passes by [Stopped], and nobody
// watches how long a goroutine takes.
func (s *Simulation) StopAt(step int) *Simulation {
	out := *s
	out.stopAt = step
	const forEver = 1000 * time.Hour
	out.watchdog = bubble.Options{Blocked: forEver, Busy: forEver}
	return &out
}
