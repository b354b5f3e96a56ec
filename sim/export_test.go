package sim

import (
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/scheduler"
)

// Watched runs the scenario with steps and states in its record, as a bounded
// search does.
func (s *Simulation) Watched(source scheduler.Source) *Result {
	return s.RunWatched(source, WatchStates)
}

// AtEnd lets look see what services hold at the end of each run.
func (s *Simulation) AtEnd(look func(Stores)) {
	s.atEnd = func(x *stores) { look(x) }
}

// Stores is what services hold.
type Stores interface {
	Services() []string
	Keys(service string) []string
	Get(service, key string) (string, bool)
}

// Forget leaves a part out of the states at decisions, see state.go.
func (s *Simulation) Forget(part string) { s.forget = part }

// Watchdog makes tests of busy functions short.
func (s *Simulation) Watchdog(o bubble.Options) { s.watchdog = o }
