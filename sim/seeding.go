package sim

import (
	"sync/atomic"

	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
)

// entropy is what a run knows of randomness: who draws what.
type entropy struct {
	random    *stream
	scenario  string
	runNumber string
	step      string // that the world does, for what processes draw
}

// runs counts the runs of the process.
var runs atomic.Uint64

// label is the pprof label of a task's goroutines. The number of the run
// keeps it apart from what an earlier run of the process has left behind.
func (dr *entropy) label(name string) string { return dr.runNumber + " " + name }

// Patched is what [Result.Runtime] says if the Go runtime is the one that
// `wtsim test` and `wtsim build` make.
const Patched = "patched"

// RuntimeName returns what [Result.Runtime] says of runs of this process.
func RuntimeName() string {
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
func (dr *entropy) seed(identity string) {
	if seeded.Runtime {
		seeded.Goroutine(seedOf(dr.scenario, identity))
	}
}

// seedAfter seeds the goroutine whose call the world has released.
func (w *world) seedAfter(c *probe.Call, v probe.Fate) {
	if k, parked := c.Ref.(*call); parked && v.Action != probe.GaveUp {
		w.entropy.seed(k.id)
		w.threads.call(k.id, seeded.Recall)
	}
}

// GoTest is the command that runs tests on this process's runtime.
func GoTest() string {
	if seeded.Runtime {
		return "wtsim test"
	}
	return "go test"
}

// lockHelp says what to do about a lock that a run cannot wait for.
func lockHelp() string {
	if seeded.Runtime {
		return "locks of the run's own may be waited for here: this one is held outside of it"
	}
	return "`wtsim test` makes such waits work, plain go test cannot"
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
