package command

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/internal/sctbench"
	"github.com/wtsim/wtsim/scheduler"
)

const benchExamples = `  wtsim bench search                                    every program, with the default strategy
  wtsim bench search --program reorder_100 --strategy pct --trials 5
  wtsim bench search --strategy pos --json`

// benchOptions are the flags of `wtsim bench search`.
type benchOptions struct {
	program, strategy string
	trials, limit     int
	asJSON            bool
}

// bench measures: its only subject so far is search.
func (a *app) bench(args []string) (int, error) {
	o := benchOptions{}
	f := a.flags("bench", " search [flags]", benchExamples)
	f.StringVar(&o.program, "program", "", "only this program")
	f.StringVar(&o.strategy, "strategy", "portfolio", "how to search: "+strings.Join(scheduler.Names, ", "))
	f.IntVar(&o.trials, "trials", 20, "how many searches of each program, with different seeds")
	f.IntVar(&o.limit, "limit", 10000, "how many schedules a search runs at most")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object a program")
	if done, err := parse(f, args, `what to measure ("search")`); done || err != nil {
		return exitHeld, err
	}
	programs, err := o.validate(f.Arg(0))
	if err != nil {
		return 0, fmt.Errorf("bench: %w; see wtsim bench --help", err)
	}
	if !o.asJSON {
		fmt.Fprintf(a.stdout, "%-34s %7s %9s %7s %10s | %s\n", o.strategy, "found", "mean", "median", "schedules/s", strings.Join(sctbench.Columns, " "))
	}
	for i := range programs {
		if err := a.tellBench(measure(&programs[i], o), o.asJSON); err != nil {
			return 0, err
		}
	}
	return exitHeld, nil
}

func (o *benchOptions) validate(what string) ([]sctbench.Program, error) {
	if what != "search" {
		return nil, fmt.Errorf("unknown benchmark %q, wanted search", what)
	}
	if err := scheduler.CheckName(o.strategy); err != nil {
		return nil, err
	}
	switch {
	case o.trials < 1:
		return nil, fmt.Errorf("--trials is %d, wanted at least 1", o.trials)
	case o.limit < 1:
		return nil, fmt.Errorf("--limit is %d, wanted at least 1", o.limit)
	case o.program == "":
		return sctbench.Programs, nil
	}
	if p := sctbench.Find(o.program); p != nil {
		return []sctbench.Program{*p}, nil
	}
	var names []string
	for _, p := range sctbench.Programs {
		names = append(names, p.Name)
	}
	return nil, fmt.Errorf("unknown program %q%s, wanted one of %s", o.program, didYouMean(o.program, names), strings.Join(names, ", "))
}

// benchRow is what `wtsim bench search --json` prints of a program.
type benchRow struct {
	Program   string                        `json:"program"`
	Strategy  string                        `json:"strategy"`
	Found     int                           `json:"found"`
	Trials    int                           `json:"trials"`
	Mean      float64                       `json:"mean,omitempty"` // of the trials that found it
	Median    float64                       `json:"median,omitempty"`
	PerSecond float64                       `json:"per_second"`
	Published map[string]sctbench.Published `json:"published"`
}

// measure searches a program again and again. Trials have seeds of their own,
// far enough apart that no two run the same schedule.
func measure(p *sctbench.Program, o benchOptions) benchRow {
	row := benchRow{Program: p.Name, Strategy: o.strategy, Trials: o.trials, Published: p.Field}
	began := time.Now()
	var found []int
	runs := 0
	for trial := range o.trials {
		n, ok := sctbench.Trial(p.Main, o.strategy, 1+uint64(trial)*1_000_003, o.limit)
		if runs += n; ok {
			found = append(found, n)
		}
	}
	row.PerSecond = float64(runs) / time.Since(began).Seconds()
	if row.Found = len(found); row.Found == 0 {
		return row
	}
	slices.Sort(found)
	sum := 0
	for _, n := range found {
		sum += n
	}
	row.Mean = float64(sum) / float64(len(found))
	row.Median = float64(found[(len(found)-1)/2]+found[len(found)/2]) / 2
	return row
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
