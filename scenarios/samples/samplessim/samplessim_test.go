package samplessim

import (
	"testing"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/simtest"
)

// Handlers with package-level clients run unmodified, a process a run: the
// album holds, and the counter's bug is found, with one deviation.
func TestSamples(t *testing.T) {
	if sim.RuntimeName() != sim.Patched {
		t.Skip("its clients dial by themselves, which plain Go does not lead into the run: make patched has it")
	}
	for _, s := range []sim.Scenario{Scenario(), CountTwice()} {
		t.Run(s.Name, func(t *testing.T) { simtest.Expect(t, s) })
	}
}
