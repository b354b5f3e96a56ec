package simtest

import (
	"encoding/json"
	"sync"

	"pgregory.net/rapid"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// past is what Run remembers of its earlier calls for one test and scenario.
// rapid calls a property for every input it tries, and says neither which call
// is which nor when it has found something.
type past struct {
	property string         // violated by an earlier call: the one to shrink
	unjudged bool           // an earlier call met a run that could not be judged, and none has violated
	swept    int            // schedules that were run but not drawn
	hint     scheduler.Plan // of these, the one that violated last
	path     string         // the file that was written

	sampled   bool            // a run that holds was run again
	unsteady  string          // how it, or the first violation, is not repeatable
	parted    string          // how a violation was not that was found later, in a shrink
	confirmed json.RawMessage // the inputs of the newest violation that was

	file     *search.Counterexample // of -wtsim.replay
	followed bool                   // it was run, and held
	missed   int                    // inputs drawn that were not its own
}

// Schedules that a call runs of those with one deviation, and of those with
// one more than were drawn.
const (
	many = 200
	few  = 10
)

var pasts = struct {
	mu sync.Mutex
	of map[string]*past
}{of: map[string]*past{}}

// recall returns the past of a test and scenario. Calls for one test do not
// overlap.
func recall(test, scenario string) *past {
	pasts.mu.Lock()
	defer pasts.mu.Unlock()
	key := test + "\x00" + scenario
	if pasts.of[key] == nil {
		pasts.of[key] = &past{}
	}
	return pasts.of[key]
}

// budget is how many of them this call runs.
func (p *past) budget() int {
	if p.property != "" || p.unjudged || p.swept < schedules() {
		return many
	}
	return few
}

// save writes the file: that of an earlier call of this test, which was of a
// larger case, is replaced, all others are kept.
func (p *past) save(test string, c *search.Counterexample) (err error) {
	if p.path != "" {
		return c.Write(p.path)
	}
	p.path, err = save(testFile(test, "rapid"), c)
	return err
}

// replay runs the file of -wtsim.replay if it is of the inputs drawn. The
// inputs come from rapid's own fail file; until then they are passed over.
func (p *past) replay(rt *rapid.T, s search.Subject) *sim.Result {
	rt.Helper()
	if p.file == nil {
		file, err := search.ReadCounterexample(*replayFile)
		if err != nil {
			rt.Fatal(err)
		}
		p.file = file
	}
	if p.followed || p.file.Scenario != s.Scenario().Name {
		return nil
	}
	if !sameInputs(p.file, s) {
		if p.missed++; p.missed > 100 {
			rt.Fatalf("%s is of the inputs %s, which were not drawn; keep the fail file that rapid has written, or give them to simtest.Check",
				*replayFile, compact(p.file.Inputs))
		}
		rt.Skip("other inputs than those of the file")
	}
	r := s.Run(scheduler.NewReplay(p.file.Deviations))
	p.followed = r.Verdict == sim.Held
	if n := len(r.Unmatched); p.followed && n > 0 {
		rt.Fatalf("inconclusive: the run holds, but %s of the file did not occur", deviations(n))
	}
	return onlyBad(r)
}

// onlyBad returns what is to be reported.
func onlyBad(r *sim.Result) *sim.Result {
	if r.Verdict == sim.Held {
		return nil
	}
	return r
}
