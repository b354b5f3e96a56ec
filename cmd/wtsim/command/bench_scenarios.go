package command

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// scenarioRow is what `wtsim bench scenarios --json` prints of a scenario.
type scenarioRow struct {
	Scenario   string `json:"scenario"`
	Deviations int    `json:"deviations"` // of the smallest counterexample, as declared
	benchFigures
	Seconds float64 `json:"seconds,omitempty"` // median, of the trials that found it; until the first, of a stress test
}

// benchScenarios searches each scenario that has a bug again and again.
func (a *app) benchScenarios(o benchOptions) (int, error) {
	ctx, stop := interruptible()
	defer stop()
	buggy := slices.DeleteFunc(slices.Clone(a.scenarios), func(s sim.Scenario) bool {
		return !s.Expect.Violation || !strings.HasPrefix(s.Name, o.scenario)
	})
	if len(buggy) == 0 {
		return 0, fmt.Errorf("bench: no scenario that has a bug begins with %q; `wtsim list` shows them", o.scenario)
	}
	if !o.asJSON {
		if o.stress > 0 {
			o.strategy = "stress"
		}
		fmt.Fprintf(a.stdout, "%-34s %10s %7s %9s %7s %8s %11s\n", o.strategy, "deviations", "found", "mean", "median", "seconds", "schedules/s")
	}
	for _, s := range buggy {
		row, err := o.scenarioRow(ctx, s)
		switch {
		case err != nil:
			return 0, err
		case ctx.Err() != nil:
			return exitInterrupted, nil
		}
		if err := a.tellScenario(row, o.asJSON); err != nil {
			return 0, err
		}
	}
	return exitHeld, nil
}

func (o *benchOptions) scenarioRow(ctx context.Context, s sim.Scenario) (scenarioRow, error) {
	row := scenarioRow{Scenario: s.Name, Deviations: s.Expect.Deviations}
	subject, err := of(sim.Compile(s))
	if err != nil {
		return row, err
	}
	if o.stress > 0 {
		return o.stressed(ctx, subject, row), nil
	}
	var seconds []float64
	row.benchFigures = o.figures(func(seed uint64) (int, bool) {
		began := time.Now()
		found, e := subject.Search(ctx, search.Options{Strategy: o.strategy, Bound: search.Unbounded, FirstSeed: seed, Schedules: o.limit})
		if e != nil {
			err = e
		}
		if found.Result != nil {
			seconds = append(seconds, time.Since(began).Seconds())
		}
		return found.Ran, found.Result != nil
	})
	if slices.Sort(seconds); len(seconds) > 0 {
		row.Seconds = (seconds[(len(seconds)-1)/2] + seconds[len(seconds)/2]) / 2
	}
	return row, err
}

// stressed runs a scenario without a scheduler until the time is up. A trial
// is a run.
func (o *benchOptions) stressed(ctx context.Context, s search.Subject, row scenarioRow) scenarioRow {
	row.Strategy = "stress"
	began := time.Now()
	for ctx.Err() == nil && time.Since(began) < o.stress {
		row.Trials++
		if s.Simulation.Stress(uint64(row.Trials)).Verdict != sim.Violated {
			continue
		}
		if row.Found++; row.Found == 1 {
			row.Seconds, row.Median, row.Mean = time.Since(began).Seconds(), float64(row.Trials), float64(row.Trials)
		}
	}
	row.PerSecond = float64(row.Trials) / time.Since(began).Seconds()
	return row
}

func (a *app) tellScenario(r scenarioRow, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(a.stdout).Encode(r)
	}
	mean, median, seconds := "never", "", ""
	if r.Found > 0 {
		mean, median, seconds = fmt.Sprintf("%.1f", r.Mean), fmt.Sprintf("%.1f", r.Median), fmt.Sprintf("%.2f", r.Seconds)
	}
	_, err := fmt.Fprintf(a.stdout, "%-34s %10d %3d/%-3d %9s %7s %8s %11.0f\n", r.Scenario, r.Deviations, r.Found, r.Trials, mean, median, seconds, r.PerSecond)
	return err
}
