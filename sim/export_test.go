package sim

import "github.com/wtsim/wtsim/internal/bubble"

// Watchdog makes tests of busy functions short.
func (s *Simulation) Watchdog(o bubble.Options) { s.watchdog = o }

// Threads lets runs have more than one thread, until undo is called.
func Threads(n int) (undo func()) {
	before := oneThread.value
	oneThread.value = n
	return func() { oneThread.value = before }
}
