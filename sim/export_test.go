package sim

import (
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/scheduler"
)

// Watched runs the scenario with steps in its record, as a search does.
func (s *Simulation) Watched(source scheduler.Source) *Result { return s.run(source, true) }

// Watchdog makes tests of busy functions short.
func (s *Simulation) Watchdog(o bubble.Options) { s.watchdog = o }

// Threads lets runs have more than one thread, until undo is called.
func Threads(n int) (undo func()) {
	before := oneThread.value
	oneThread.value = n
	return func() { oneThread.value = before }
}
