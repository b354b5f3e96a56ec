package sim

import (
	"slices"
	"time"

	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/internal/program"
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
// watches how long a goroutine takes. Where the operation is a program's, process
// is called instead, with the process's number and that of the work for which its
// goroutine makes the operation (the field wtsimWork of a goroutine): the process
// waits, and the run does until process returns, which is called in a bubble.
func (s *Simulation) StopAt(step int, process func(pid int, work uint32)) *Simulation {
	out := *s
	out.stopAt, out.stopProcess = step, process
	program.Patient()
	const forEver = 1000 * time.Hour
	out.watchdog = bubble.Options{Blocked: forEver, Busy: forEver}
	return &out
}

// stopped stops at a call's step.
func (k *call) stopped() {
	p, w := k.inst.process, k.inst.world
	if p == nil || w.sim.stopProcess == nil {
		Stopped(k.stops)
		return
	}
	p.mu.Lock()
	work := max(0, slices.Index(p.works, k.caller))
	p.mu.Unlock()
	w.sim.stopProcess(p.run.ID(), uint32(work))
}
