package simtest

import (
	"strings"
	"testing"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// A replay that gives another trace than its file on the other runtime says
// which was which.
func TestReplayedOnOtherRuntime(t *testing.T) {
	patched := &search.Counterexample{Runtime: sim.Patched, TraceHash: "1"}
	if got := replayed("f.json", patched, &sim.Result{Hash: "2"}); !strings.Contains(got, "it was made by `wtsim test`, this is plain `go test`") {
		t.Error(got)
	}
	if got := replayed("f.json", patched, &sim.Result{Hash: "1"}); !strings.Contains(got, "to the same trace") {
		t.Error(got)
	}
	if got := replayed("f.json", &search.Counterexample{TraceHash: "1"}, &sim.Result{Hash: "2", Runtime: sim.Patched}); !strings.Contains(got, "it was made by plain `go test`, this is `wtsim test`") {
		t.Error(got)
	}
}
