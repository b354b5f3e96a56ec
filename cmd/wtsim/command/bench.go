package command

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/internal/sctbench"
	"github.com/wtsim/wtsim/internal/suggest"
	"github.com/wtsim/wtsim/scheduler"
)

const benchExamples = `  wtsim bench search                                    published programs, with the default strategy
  wtsim bench search --program reorder_100 --strategy pct --trials 5
  wtsim bench search --strategy pos --json
  wtsim bench scenarios                                 every scenario that has a bug
  wtsim bench scenarios --scenario patterns/ --strategy random
  wtsim bench scenarios --stress 60s                    instead of searching: goroutines at random, as a stress test`

// benchOptions are the flags of `wtsim bench`.
type benchOptions struct {
	program, scenario, strategy string
	trials, limit               int
	stress                      time.Duration
	asJSON                      bool
}

// bench measures how many schedules a strategy needs: for the published
// programs ("search"), or for scenarios.
func (a *app) bench(args []string) (int, error) {
	o := benchOptions{}
	f := a.flags("bench", " search|scenarios [flags]", benchExamples)
	f.StringVar(&o.program, "program", "", "of search: only this program")
	f.StringVar(&o.scenario, "scenario", "", "of scenarios: only those whose name begins so")
	f.DurationVar(&o.stress, "stress", 0, "of scenarios: instead of searches, run each for this long (real time) without a scheduler, with random delays and failures")
	f.StringVar(&o.strategy, "strategy", "portfolio", "how to search: "+strings.Join(scheduler.Names, ", "))
	f.IntVar(&o.trials, "trials", 20, "how many searches of each program, with different seeds")
	f.IntVar(&o.limit, "limit", 10000, "how many schedules a search runs at most")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object a line")
	if done, err := parse(f, args, `what to measure ("search" or "scenarios")`); done || err != nil {
		return exitHeld, err
	}
	if err := o.validate(f.Arg(0)); err != nil {
		return 0, fmt.Errorf("bench: %w; see wtsim bench --help", err)
	}
	if f.Arg(0) == "scenarios" {
		return a.benchScenarios(o)
	}
	return a.benchSearch(o)
}

func (a *app) benchSearch(o benchOptions) (int, error) {
	programs, err := o.programs()
	if err != nil {
		return 0, fmt.Errorf("bench: %w; see wtsim bench --help", err)
	}
	if !o.asJSON {
		fmt.Fprintf(a.stdout, "%-34s %7s %9s %7s %10s | %s\n", o.strategy, "found", "mean", "median", "schedules/s", strings.Join(sctbench.Columns, " "))
	}
	ctx, stop := interruptible()
	defer stop()
	for i := range programs {
		row := o.measure(ctx, &programs[i])
		if ctx.Err() != nil {
			return exitInterrupted, nil
		}
		if err := a.tellBench(row, o.asJSON); err != nil {
			return 0, err
		}
	}
	return exitHeld, nil
}

func (o *benchOptions) validate(what string) error {
	if err := scheduler.CheckName(o.strategy); err != nil {
		return err
	}
	switch {
	case what != "search" && what != "scenarios":
		return fmt.Errorf("unknown benchmark %q, wanted search or scenarios", what)
	case what == "search" && o.scenario != "":
		return fmt.Errorf("--scenario is of bench scenarios, wanted --program")
	case what == "scenarios" && o.program != "":
		return fmt.Errorf("--program is of bench search, wanted --scenario")
	case o.stress < 0:
		return fmt.Errorf("--stress is %v, wanted a positive duration", o.stress)
	case what == "search" && o.stress > 0:
		return fmt.Errorf("--stress is of bench scenarios")
	case o.trials < 1:
		return fmt.Errorf("--trials is %d, wanted at least 1", o.trials)
	case o.limit < 1:
		return fmt.Errorf("--limit is %d, wanted at least 1", o.limit)
	}
	return nil
}

func (o *benchOptions) programs() ([]sctbench.Program, error) {
	if o.program == "" {
		return sctbench.Programs, nil
	}
	if p := sctbench.Find(o.program); p != nil {
		return []sctbench.Program{*p}, nil
	}
	var names []string
	for _, p := range sctbench.Programs {
		names = append(names, p.Name)
	}
	return nil, fmt.Errorf("unknown program %q%s, wanted one of %s", o.program, suggest.DidYouMean(o.program, names), strings.Join(names, ", "))
}

// benchRow is what `wtsim bench search --json` prints of a program.
type benchRow struct {
	Program string `json:"program"`
	benchFigures
	Published map[string]sctbench.Published `json:"published"`
}

// benchFigures are what a strategy needed.
type benchFigures struct {
	Strategy  string  `json:"strategy"`
	Found     int     `json:"found"`
	Trials    int     `json:"trials"`
	Mean      float64 `json:"mean,omitempty"` // schedules to the first bug, of the trials that found it
	Median    float64 `json:"median,omitempty"`
	PerSecond float64 `json:"per_second"`
}

// attempt searches once, from a seed; it returns how many schedules it ran and
// whether the last of them has the bug.
type attempt func(seed uint64) (schedules int, found bool)

// figures tries again and again. Trials have seeds of their own, far enough
// apart that no two run the same schedule.
func (o *benchOptions) figures(try attempt) benchFigures {
	out := benchFigures{Strategy: o.strategy, Trials: o.trials}
	began := time.Now()
	var found []int
	runs, sum := 0, 0
	for i := range o.trials {
		n, ok := try(1 + uint64(i)*1_000_003)
		if runs += n; ok {
			found = append(found, n)
			sum += n
		}
	}
	out.PerSecond = float64(runs) / time.Since(began).Seconds()
	if out.Found = len(found); out.Found > 0 {
		slices.Sort(found)
		out.Mean = float64(sum) / float64(len(found))
		out.Median = float64(found[(len(found)-1)/2]+found[len(found)/2]) / 2
	}
	return out
}

func (o *benchOptions) measure(ctx context.Context, p *sctbench.Program) benchRow {
	return benchRow{Program: p.Name, Published: p.Field, benchFigures: o.figures(func(seed uint64) (int, bool) {
		if ctx.Err() != nil {
			return 0, false
		}
		return sctbench.Trial(p.Main, o.strategy, seed, o.limit)
	})}
}

func (a *app) tellBench(r benchRow, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(a.stdout).Encode(r)
	}
	var columns []string
	for _, name := range sctbench.Columns {
		c := r.Published[name]
		switch {
		case c.Found == 0:
			columns = append(columns, "never")
		case c.Found < 20:
			columns = append(columns, fmt.Sprintf("%.0f (%d)", c.Mean, c.Found))
		default:
			columns = append(columns, fmt.Sprintf("%.0f", c.Mean))
		}
	}
	mean, median := "never", ""
	if r.Found > 0 {
		mean, median = fmt.Sprintf("%.1f", r.Mean), fmt.Sprintf("%.1f", r.Median)
	}
	_, err := fmt.Fprintf(a.stdout, "%-34s %3d/%-3d %9s %7s %11.0f | %s\n", r.Program, r.Found, r.Trials, mean, median, r.PerSecond, strings.Join(columns, " "))
	return err
}
