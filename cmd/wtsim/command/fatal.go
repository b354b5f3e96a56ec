package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// reportFatal reports a schedule in which a handler has ended the process:
// its plan is what the schedule journals before it dies, reduced in processes
// of their own.
func (s *search) reportFatal(number, ran int, f *sim.Fatal) (int, error) {
	plan, err := s.journal(number)
	if err != nil {
		return 0, err
	}
	r := &sim.Result{Verdict: sim.Violated, Violation: f.Violation(), Stack: f.Stack, Record: &scheduler.Record{Plan: plan}}
	drawn, err := s.options.simulation.Of(s.options.search(), number)
	if err != nil {
		return 0, err
	}
	c := sim.NewCounterexample(drawn, s.seed(number), r)
	path := s.options.path(number)
	if err := c.Write(path); err != nil {
		return 0, err
	}
	complete, found := false, len(plan)
	o := outcome{
		Scenario: s.options.scenario, Verdict: sim.Violated, Schedules: ran, Complete: &complete, Seed: c.Seed,
		Violation: shortOf(r.Violation), FoundDeviations: &found, Deviations: notes(plan), Counterexample: path,
		Stack: f.Stack, ElapsedNS: time.Since(s.began).Nanoseconds(),
	}
	if s.options.asJSON {
		return exitViolated, o.print(s.app.stdout)
	}
	w := s.app.stdout
	fmt.Fprintf(w, "%v\n", r.Violation)
	fmt.Fprintf(w, "found in schedule %d with %s:\n\n", number, deviations(len(plan)))
	numbered(w, notes(plan))
	fmt.Fprintf(w, "\n%s\n\nreplay:  wtsim replay %s%s\n", indent(firstLines(f.Stack, 30), "  "), path, ofPackage())
	return exitViolated, nil
}

func (s *search) journal(number int) (scheduler.Plan, error) {
	var out bytes.Buffer
	c, err := newChild(fmt.Sprintf("journal %d", number), s.args, &out, nil)
	if err != nil {
		return nil, err
	}
	if _, _, err := c.run(); err != nil {
		return nil, err
	}
	plan := scheduler.Plan{}
	lines := json.NewDecoder(&out)
	for lines.More() {
		var d scheduler.Deviation
		if err := lines.Decode(&d); err != nil {
			break // the last line may be cut
		}
		plan = append(plan, d)
	}
	return plan, nil
}

func (s *search) seed(number int) uint64 {
	schedule, _, err := s.options.simulation.Schedule(s.options.search(), number)
	if err != nil || s.options.strategy == "bounded" {
		return 0
	}
	return schedule.Seed
}

func indent(text, with string) string {
	return with + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+with)
}

func firstLines(text string, n int) string {
	lines := strings.SplitN(text, "\n", n+1)
	if len(lines) > n {
		lines[n] = "..."
	}
	return strings.Join(lines, "\n")
}
