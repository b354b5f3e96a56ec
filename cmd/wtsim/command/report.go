package command

import (
	"errors"
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

// reported is what is told of one schedule. The search adds what only it
// knows.
type reported struct {
	Outcome        outcome             `json:"outcome"`
	Text           string              `json:"text"` // for people
	Counterexample *sim.Counterexample `json:"counterexample,omitempty"`
	Trouble        string              `json:"trouble,omitempty"` // what has gone wrong besides
}

// report runs a schedule again, shrinks it and tells it.
func (a *app) report(o *runOptions, number int, lost map[int]bool) (*reported, error) {
	schedule, r, err := o.again(number, lost)
	if err != nil {
		return nil, err
	}
	complete := false
	rep := &reported{Outcome: outcome{Scenario: o.scenario, Verdict: r.Verdict, Why: r.Why, Complete: &complete,
		Seed: schedule.Seed, TraceHash: r.Hash, Stack: r.Stack}}
	if schedule.Seed > 0 || r.Verdict == sim.Violated {
		rep.Outcome.Strategy = schedule.Strategy
	}
	if r.Verdict != sim.Violated {
		rep.Text = o.verdictText(rep.Outcome)
		return rep, nil
	}
	again, _, same := o.simulation.Repeats(r.Record.Plan)
	if !same || again.Hash != r.Hash {
		rep.Outcome.Verdict, rep.Outcome.Why = sim.Inconclusive, "the run is not repeatable: "+sim.FirstDifference(r, again)
		rep.Text = o.verdictText(rep.Outcome)
		return rep, nil
	}
	found := len(r.Record.Plan)
	shrunk := scheduler.Shrunk{Plan: r.Record.Plan}
	if !o.noShrink {
		shrunk, r = o.simulation.Shrink(r.Record.Plan, r.Violation.Property, stopper())
	}
	rep.Counterexample = sim.NewCounterexample(o.simulation, schedule.Seed, r)
	rep.violated(r, found)
	benign := o.simulation.Run(scheduler.Benign{})
	if o.html != "" {
		if err := writePage(o.html, o.scenario, r, benign); err != nil {
			rep.Trouble = err.Error()
		}
	}
	rep.Text = o.foundText(rep.Outcome, shrunk, number, fmt.Sprint(r.Violation),
		r.Story(benign, sim.StoryOptions{Full: o.full, Logs: o.logs}), firstLines(r.Stack, 40))
	return rep, nil
}

// violated fills in a violation; found is how many deviations it was found
// with.
func (rep *reported) violated(r *sim.Result, found int) {
	o := &rep.Outcome
	o.Verdict, o.Why = sim.Violated, ""
	o.Violation, o.FoundDeviations, o.Deviations = shortOf(r.Violation), &found, notes(r.Record.Plan)
	o.TraceHash, o.Stack = r.Hash, r.Stack
}

// asFound tells a violation before anything else is done with it.
func (o *runOptions) asFound(schedule scheduler.Schedule, r *sim.Result) *reported {
	complete := false
	rep := &reported{Outcome: outcome{Scenario: o.scenario, Complete: &complete, Seed: schedule.Seed, Strategy: schedule.Strategy},
		Counterexample: sim.NewCounterexample(o.simulation, schedule.Seed, r)}
	rep.violated(r, len(r.Record.Plan))
	rep.Text = o.foundText(rep.Outcome, scheduler.Shrunk{Plan: r.Record.Plan}, schedule.Number, fmt.Sprint(r.Violation), "", firstLines(r.Stack, 40))
	return rep
}

// save writes the counterexample. The error has its content: what was found is
// kept, if only in a log.
func (rep *reported) save(path string) error {
	err := rep.Counterexample.Write(path)
	if err == nil {
		rep.Outcome.Counterexample = path
		return nil
	}
	var text strings.Builder
	_ = encoder(&text).Encode(rep.Counterexample)
	return fmt.Errorf("the counterexample could not be written: %w; this would be in it: %s", err, strings.TrimSpace(text.String()))
}

// addEnd adds to the text what is known at the end.
func (rep *reported) addEnd(searched bool) {
	o := rep.Outcome
	if searched {
		rep.Text += fmt.Sprintf("\n%d schedules, %s\n", o.Schedules, o.statistics())
	}
	if o.Counterexample != "" {
		rep.Text += fmt.Sprintf("\nreplay:  wtsim replay %s%s\n", o.Counterexample, ofPackage())
	}
}

// print prints a result, and what has gone wrong besides, which no exit code
// may hide.
func (a *app) print(rep *reported, asJSON bool, trouble error) (code int) {
	if asJSON {
		trouble = errors.Join(trouble, rep.Outcome.print(a.stdout))
	} else {
		fmt.Fprint(a.stdout, rep.Text)
	}
	code = exitOf(rep.Outcome.Verdict)
	if trouble != nil {
		fmt.Fprintf(a.stderr, "wtsim: %s\n", strings.ReplaceAll(trouble.Error(), "\n", "\nwtsim: "))
		if code == exitHeld {
			code = exitUsage
		}
	}
	return code
}

// stopper says when shrinking has taken too long, or was interrupted.
func stopper() func() bool {
	ctx, _ := orders(os.Stdin)
	deadline := time.Now().Add(shrinkTime)
	return func() bool { return ctx.Err() != nil || time.Now().After(deadline) }
}

// verdictText tells a schedule that does not violate.
func (o *runOptions) verdictText(out outcome) string {
	if out.Verdict == sim.Held {
		return fmt.Sprintf("%s: no violation with seed %d\ntrace hash %s\n", o.scenario, o.seed, out.TraceHash)
	}
	s := fmt.Sprintf("%s: inconclusive: %s\n", o.scenario, out.Why)
	if out.Stack != "" {
		s += indent(firstLines(out.Stack, 40), "  ") + "\n"
	}
	return s
}

// foundText tells a violation.
func (o *runOptions) foundText(out outcome, shrunk scheduler.Shrunk, number int, violation, story, stack string) string {
	var w strings.Builder
	fmt.Fprintf(&w, "%s\n", violation)
	switch {
	case o.noShrink:
		fmt.Fprintf(&w, "found in schedule %d with %s:\n\n", number, deviations(*out.FoundDeviations))
	default:
		fmt.Fprintf(&w, "found in schedule %d, minimised from %s to %d%s:\n\n",
			number, deviations(*out.FoundDeviations), len(out.Deviations), unfinished(shrunk))
	}
	numbered(&w, out.Deviations)
	for _, part := range []string{story, stack} {
		if part != "" {
			fmt.Fprintf(&w, "\n%s\n", indent(part, "  "))
		}
	}
	return w.String()
}

func unfinished(s scheduler.Shrunk) string {
	if s.Minimal {
		return ""
	}
	return " (stopped early: it may not be minimal)"
}

func numbered(w io.Writer, lines []string) {
	if len(lines) == 0 {
		fmt.Fprintln(w, "  none: the benign schedule violates")
	}
	for i, l := range lines {
		fmt.Fprintf(w, "  %d. %s\n", i+1, l)
	}
}
