package sim

import (
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
)

// Patched is what [Result.Runtime] says if the Go runtime is the one that
// `wtsim test` and `wtsim build` make.
const Patched = "patched"

// runtimeName tells which of the two runtimes this is.
func runtimeName() string {
	if seeded.Runtime {
		return Patched
	}
	return ""
}

// seed makes what the runtime draws for the calling goroutine (map iteration,
// select, math/rand) depend on the scenario and on an identity alone, as
// [stream] does for crypto/rand: an invocation is seeded when it starts and
// whenever one of its operations has happened, so that neither a deviation
// nor what else runs changes what it draws after its next operation.
func (w *world) seed(identity string) {
	if seeded.Runtime {
		seeded.Goroutine(seedOf(w.sim.scenario.Name, identity))
	}
}

// seedAfter seeds the goroutine whose call has been released.
func (w *world) seedAfter(c *probe.Call) {
	if k, parked := c.Ref.(*call); parked && !k.withdrawn {
		w.seed(k.id)
	}
}

// seedOf is FNV-1a.
func seedOf(parts ...string) uint64 {
	h := uint64(14695981039346656037)
	for _, s := range parts {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h *= 1099511628211 // ends a part
	}
	return h
}
