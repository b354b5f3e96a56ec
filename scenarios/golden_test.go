package scenarios

import (
	"testing"

	"github.com/wtsim/wtsim/internal/golden"
	"github.com/wtsim/wtsim/sim"
)

// No change that is to change no behaviour changes the trace of a registered
// scenario.
func TestGoldenHashes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute: go test without -short runs it")
	}
	var runnable []sim.Scenario
	for _, s := range All() {
		if !s.Isolated { // its runs are processes
			runnable = append(runnable, s)
		}
	}
	differ, err := golden.Check("testdata/hashes.txt", runnable)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differ {
		t.Error(d)
	}
}
