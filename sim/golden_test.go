package sim_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/internal/golden"
	"github.com/wtsim/wtsim/sim"
)

// exampleNames are the scenarios of the text tests, but worker and slow-worker:
// the real subscriber's Receive is not repeatable (see docs/determinism.md), and
// but poll: under a hold it computes for ever, and is abandoned.
const exampleNames = `signatures push push-slow poison once filter keys chain rollout skewed slow-api
	cron skip job-topic crowd refused cold idle sigterm always-on throttled minimum files errors
	publisher nowhere batch slow-batch exactly-once tasks failing-tasks slow-queue
	upload removed archived busy-object burst failover replica
	order orders counters lease rejected short slow background spin broken`

// No change that is to change no behaviour changes the trace of a scenario of
// the tests.
func TestGoldenHashes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute: go test without -short runs it")
	}
	var all []sim.Scenario
	for _, name := range strings.Fields(exampleNames) {
		all = append(all, named("example/"+name, example(t, name)))
	}
	for group, of := range map[string]map[string]sim.Scenario{"relying": relying(), "needed": needed(t), "reduction": reductions()} {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			all = append(all, named(group+"/"+name, of[name]))
		}
	}
	differ, err := golden.Check("testdata/hashes.txt", all)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differ {
		t.Error(d)
	}
}

func named(name string, s sim.Scenario) sim.Scenario {
	s.Name = name
	return s
}
