package scenarios

import (
	"testing"

	"github.com/wtsim/wtsim/internal/golden"
)

// No change that is to change no behaviour changes the trace of a registered
// scenario.
func TestGoldenHashes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute: go test without -short runs it")
	}
	differ, err := golden.Check("testdata/hashes.txt", All())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differ {
		t.Error(d)
	}
}
