//go:build wtsim_runtime

// Clients that dial by themselves are led into a run by the patched runtime
// alone, and on plain Go those of this package cannot even be made without
// credentials: make patched has these tests.

package samplessim

import (
	"testing"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/simtest"
)

// Handlers with package-level clients run unmodified, a process a run: the
// album holds, in both halves, and the counter's bug is found, with one deviation.
func TestSamples(t *testing.T) {
	for _, s := range []sim.Scenario{Scenario(), CountTwice(), Prints()} {
		t.Run(s.Name, func(t *testing.T) { simtest.Expect(t, s) })
	}
}
