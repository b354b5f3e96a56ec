package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// shrinkTime is how long shrinking may take, in real time.
const shrinkTime = time.Minute

// path is where the counterexample of a schedule goes.
func (o *runOptions) path(number int) string {
	if o.out != "" {
		return sim.FreePath(o.out)
	}
	if o.single {
		number = int(o.seed)
	} else if scheduler.Seeded(o.strategy) {
		number += int(o.firstSeed) - 1
	}
	return sim.FreePath(fmt.Sprintf("wtsim-%s-%d.json", strings.ReplaceAll(o.scenario, "/", "-"), number))
}

// report runs a schedule again, shrinks it, saves it and tells it.
func (a *app) report(o *runOptions, number, ran int, spent int64) (int, error) {
	began := time.Now()
	schedule, err := o.schedule(number)
	if err != nil {
		return 0, err
	}
	r := o.simulation.Run(schedule.Source)
	complete := false
	out := outcome{Scenario: o.scenario, Verdict: r.Verdict, Why: r.Why, Schedules: ran, Complete: &complete,
		Seed: schedule.Seed, TraceHash: r.Hash, Stack: r.Stack}
	if schedule.Seed > 0 || r.Verdict == sim.Violated {
		out.Strategy = schedule.Strategy
	}
	finish := func() { out.ElapsedNS = spent + time.Since(began).Nanoseconds() }
	if why := o.unrepeatable(number, r); why != "" {
		out.Verdict, out.Why = sim.Inconclusive, why
	}
	if out.Verdict != sim.Violated {
		finish()
		return exitOf(out.Verdict), a.tellVerdict(o, out)
	}
	found := len(r.Record.Plan)
	shrunk := sim.Shrunk{Shrunk: scheduler.Shrunk{Plan: r.Record.Plan}, Result: r, Simulation: o.simulation}
	if !o.noShrink {
		shrunk = o.simulation.Shrink(r, stopper())
		r, o.simulation = shrunk.Result, shrunk.Simulation
	}
	c := sim.NewCounterexample(o.simulation, schedule.Seed, r)
	out.Counterexample = o.path(number)
	if err := c.Write(out.Counterexample); err != nil {
		return 0, err
	}
	out.Violation, out.FoundDeviations, out.Deviations = shortOf(r.Violation), &found, notes(c.Deviations)
	out.TraceHash, out.Stack, out.Inputs = r.Hash, r.Stack, drawn(o.simulation)
	if shrunk.Parted != "" {
		out.Why = parted(shrunk)
	}
	finish()
	return exitViolated, a.tellFound(o, out, shrunk, r, number)
}

// unrepeatable says how the schedule's run is another one when it is run
// again; empty if it is not.
func (o *runOptions) unrepeatable(number int, r *sim.Result) string {
	if r.Verdict == sim.Inconclusive {
		return ""
	}
	if difference := o.simulation.Repeats(r); difference != "" {
		if o.single {
			return fmt.Sprintf("the schedule of seed %d was not repeatable: %s", o.seed, difference)
		}
		return notRepeatable(number, difference)
	}
	if r.Verdict == sim.Held && !o.single { // it violated where it was found
		return notRepeatable(number, "it violates in a process that has run others before, and not in a fresh one; "+
			"a run leaves state behind that later runs see, likely a package-level variable")
	}
	return ""
}

// notRepeatable says why a search is inconclusive.
func notRepeatable(number int, difference string) string {
	return fmt.Sprintf("schedule %d was not repeatable: %s", number, difference)
}

// stopper says when shrinking has taken too long, or was interrupted.
func stopper() func() bool {
	ctx, _ := orders(os.Stdin)
	deadline := time.Now().Add(shrinkTime)
	return func() bool { return ctx.Err() != nil || time.Now().After(deadline) }
}

// tellVerdict tells a schedule that does not violate.
func (a *app) tellVerdict(o *runOptions, out outcome) error {
	if o.asJSON {
		return out.print(a.stdout)
	}
	if out.Verdict == sim.Held {
		fmt.Fprintf(a.stdout, "%s: no violation with seed %d\ntrace hash %s\n", o.scenario, o.seed, out.TraceHash)
		return nil
	}
	fmt.Fprintf(a.stdout, "%s: inconclusive: %s\n", o.scenario, out.Why)
	if out.Stack != "" {
		fmt.Fprintln(a.stdout, indent(firstLines(out.Stack, 40), "  "))
	}
	return nil
}

// tellFound tells a violation.
func (a *app) tellFound(o *runOptions, out outcome, shrunk sim.Shrunk, r *sim.Result, number int) error {
	benign := o.simulation.Run(scheduler.Benign{})
	if o.html != "" {
		if err := writePage(o.html, o.scenario, r, benign); err != nil {
			return err
		}
	}
	if o.asJSON {
		return out.print(a.stdout)
	}
	fmt.Fprintf(a.stdout, "%v\n", r.Violation)
	switch {
	case o.noShrink:
		fmt.Fprintf(a.stdout, "found in schedule %d with %s:\n\n", number, deviations(*out.FoundDeviations))
	default:
		fmt.Fprintf(a.stdout, "found in schedule %d, minimised from %s to %d%s:\n\n",
			number, deviations(*out.FoundDeviations), len(out.Deviations), unfinished(shrunk))
	}
	tellInputs(a.stdout, out)
	numbered(a.stdout, out.Deviations)
	fmt.Fprintf(a.stdout, "\n%s\n", indent(r.Story(benign, sim.StoryOptions{Full: o.full, Logs: o.logs}), "  "))
	if r.Stack != "" {
		fmt.Fprintf(a.stdout, "\n%s\n", indent(firstLines(r.Stack, 40), "  "))
	}
	fmt.Fprintf(a.stdout, "\nreplay:  wtsim replay %s%s\n", out.Counterexample, ofPackage())
	return nil
}

func unfinished(s sim.Shrunk) string {
	switch {
	case s.Minimal:
		return ""
	case s.Parted != "":
		return " (" + parted(s) + ")"
	}
	return " (stopped early: it may not be minimal)"
}

// parted says how a shrink met a run that was not repeatable.
func parted(s sim.Shrunk) string {
	return "shrinking has stopped: a smaller plan was not repeatable: " + s.Parted
}

// drawn are the inputs of a scenario that draws them; nil of one that does not.
func drawn(s *sim.Simulation) json.RawMessage {
	if s.Scenario().Generate == nil {
		return nil
	}
	raw, err := json.Marshal(s.Scenario().Inputs)
	if err != nil {
		return nil // cannot happen: they are numbers, strings and lists
	}
	return raw
}

func tellInputs(w io.Writer, out outcome) {
	if out.Inputs != nil {
		fmt.Fprintf(w, "  inputs: %s\n", out.Inputs)
	}
}

func numbered(w io.Writer, lines []string) {
	if len(lines) == 0 {
		fmt.Fprintln(w, "  none: the benign schedule violates")
	}
	for i, l := range lines {
		fmt.Fprintf(w, "  %d. %s\n", i+1, l)
	}
}
