package program_test

import (
	"os"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// What a program keeps below /tmp is its instance's own, and of its run; what it keeps in
// a shared folder all instances of the run have, which begins with what is there; and
// what it writes elsewhere is told.
func TestProgramFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library and a program; runs without -short")
	}
	run := func(paths ...string) *sim.Result {
		f := sim.Program("./testdata/files")
		f.Concurrency, f.Main.Shared = 1, []string{"data"}
		s := sim.Scenario{Name: "program/files", Platform: gcp.CloudRun(), Functions: []sim.Function{f}}
		for _, p := range paths { // each has an instance of its own, since they come at once
			s.Clients = append(s.Clients, sim.Client{Name: "c" + strings.Repeat("'", len(s.Clients)), Requests: []sim.Request{{Function: "files", Path: p}, {Function: "files", Path: p}}})
		}
		return compiled(t, s).Run(scheduler.Benign{})
	}
	for range 2 { // no run finds what another has left
		if r := run("/tmp"); r.Verdict != sim.Held || !strings.Contains(story(r), "/tmp x <nil> [/tmp/seen]") || !strings.Contains(story(r), "/tmp xx <nil> [/tmp/seen]") {
			t.Fatalf("%s (%s):\n%s", r.Verdict, r.Why, story(r))
		}
	}
	if r := run("/shared", "/dot"); r.Verdict != sim.Held || !strings.Contains(story(r), "xxxx <nil> [data/first.txt data/seen]") {
		t.Errorf("%s (%s):\n%s", r.Verdict, r.Why, story(r))
	}
	if r := run("/elsewhere"); r.Verdict != sim.Inconclusive || !strings.Contains(r.Why, "a file that is written elsewhere than below /tmp") || !strings.Contains(r.Why, "seen") {
		t.Errorf("%s (%s):\n%s", r.Verdict, r.Why, story(r))
	}
	if r := run("/made"); r.Verdict != sim.Inconclusive || !strings.Contains(r.Why, "in a shared folder of the scenario: made") || !strings.Contains(story(r), "<nil> remove nothing: no such file or directory mkdir made: read-only file system rename made: read-only file system") {
		t.Errorf("%s (%s):\n%s", r.Verdict, r.Why, story(r))
	}
	for _, left := range []string{"testdata/files/seen", "testdata/files/made", "testdata/files/data/seen", "/tmp/seen"} {
		if _, err := os.Stat(left); err == nil {
			t.Errorf("%s is written", left)
		}
	}
}
