package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/wtsim/wtsim/internal/jsonfile"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// shrinkTime is how long shrinking may take, in real time.
const shrinkTime = time.Minute

// path is where the counterexample of a schedule goes.
func (o *runOptions) path(number int) string {
	if o.out != "" {
		return jsonfile.FreePath(o.out)
	}
	seed := uint64(number)
	if o.single {
		seed = o.seed
	} else if scheduler.Seeded(o.strategy) {
		seed += o.firstSeed - 1
	}
	return jsonfile.FreePath(fmt.Sprintf("wtsim-%s-%d.json", strings.ReplaceAll(o.scenario, "/", "-"), seed))
}

// reported is what is told of one schedule. The search adds what only it
// knows.
type reported struct {
	Outcome        outcome                `json:"outcome"`
	Text           string                 `json:"text"` // for people
	Counterexample *search.Counterexample `json:"counterexample,omitempty"`
	Trouble        string                 `json:"trouble,omitempty"` // what has gone wrong besides
}

// report runs a schedule again, shrinks it and tells it.
func (a *app) report(o *runOptions, number int, lost map[int]bool) (*reported, error) {
	s := o.search()
	s.Lost = lost
	schedule, err := o.schedule(s, number)
	if err != nil {
		return nil, err
	}
	r := o.subject.Run(schedule.Source)
	complete := false
	rep := &reported{Outcome: outcome{Scenario: o.scenario, Verdict: r.Verdict, Why: r.Why, Complete: &complete,
		Seed: schedule.Seed, TraceHash: r.Hash, Stack: r.Stack}}
	if schedule.Seed > 0 || r.Verdict == sim.Violated {
		rep.Outcome.Strategy = schedule.Strategy
	}
	if why := o.unrepeatable(number, r); why != "" {
		rep.Outcome.Verdict, rep.Outcome.Why = sim.Inconclusive, why
	}
	if rep.Outcome.Verdict != sim.Violated {
		rep.Text = o.verdictText(rep.Outcome)
		return rep, nil
	}
	shrunk := asIs(o.subject, r)
	if !o.noShrink {
		shrunk = o.subject.Shrink(r, stopper())
	}
	rep.violated(shrunk, len(r.Record.Plan))
	r = shrunk.Result
	benign := shrunk.Subject.Run(scheduler.Benign{})
	if o.html != "" {
		if err := writePage(o.html, o.scenario, r, benign); err != nil {
			rep.Trouble = err.Error()
		}
	}
	rep.Text = o.foundText(rep.Outcome, shrunk, number, report.Story(r, benign, report.StoryOptions{Full: o.full, Logs: o.logs}))
	return rep, nil
}

// asIs is a violation that was not shrunk.
func asIs(s search.Subject, r *sim.Result) search.Shrunk {
	return search.Shrunk{Shrunk: scheduler.Shrunk{Plan: r.Record.Plan}, Result: r, Subject: s}
}

// violated fills in a violation; found is how many deviations it was found
// with.
func (rep *reported) violated(s search.Shrunk, found int) {
	o, r := &rep.Outcome, s.Result
	o.Verdict, o.Why = sim.Violated, ""
	if s.Parted != "" {
		o.Why = parted(s)
	}
	o.Violation, o.FoundDeviations, o.Deviations = shortOf(r.Violation), &found, notes(r.Record.Plan)
	o.TraceHash, o.Stack, o.Inputs = r.Hash, r.Stack, drawn(s.Subject)
	rep.Counterexample = search.NewCounterexample(s.Subject.Simulation, o.Seed, r)
}

// asFound tells a violation before anything else is done with it.
func (o *runOptions) asFound(f search.Found) *reported {
	complete := false
	rep := &reported{Outcome: outcome{Scenario: o.scenario, Complete: &complete, Seed: f.Schedule.Seed, Strategy: f.Schedule.Strategy}}
	shrunk := asIs(f.Subject, f.Result)
	rep.violated(shrunk, len(shrunk.Plan))
	rep.Text = o.foundText(rep.Outcome, shrunk, f.Number, "")
	return rep
}

// unrepeatable says how the schedule's run is another one when it is run
// again; empty if it is not.
func (o *runOptions) unrepeatable(number int, r *sim.Result) string {
	if r.Verdict == sim.Inconclusive {
		return ""
	}
	if difference := o.subject.Repeats(r); difference != "" {
		return o.notRepeatable(number, difference)
	}
	if r.Verdict == sim.Held && !o.single { // it violated where it was found
		return o.notRepeatable(number, "it violates in a process that has run others before, and not in a fresh one; "+
			"a run leaves state behind that later runs see, likely a package-level variable")
	}
	return ""
}

// notRepeatable says why the result is inconclusive.
func (o *runOptions) notRepeatable(number int, difference string) string {
	if o.single {
		return fmt.Sprintf("the schedule of seed %d was not repeatable: %s", o.seed, difference)
	}
	return notRepeatable(number, difference)
}

// notRepeatable says why a search is inconclusive.
func notRepeatable(number int, difference string) string {
	return fmt.Sprintf("schedule %d was not repeatable: %s", number, difference)
}

// because makes an inconclusive result that of the lowest schedule that could
// not be judged, where that is lower than the one that is told.
func (rep *reported) because(u unclear, number int) {
	if o := rep.Outcome; o.Verdict == sim.Inconclusive && u.Why != "" && u.Schedule < number {
		rep.Outcome = outcome{Scenario: o.Scenario, Verdict: o.Verdict, Why: u.Why, Complete: o.Complete}
		rep.Text = (&runOptions{}).verdictText(rep.Outcome)
	}
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
		_ = rep.Outcome.print(a.stdout) // main tells what cannot be printed
	} else {
		_, err := fmt.Fprint(a.stdout, rep.Text)
		trouble = errors.Join(trouble, err)
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
		return fmt.Sprintf("%s: no violation with seed %d\ntrace hash %s\n", out.Scenario, o.seed, out.TraceHash)
	}
	s := fmt.Sprintf("%s: inconclusive: %s\n", out.Scenario, out.Why)
	if out.Stack != "" {
		s += indent(firstLines(out.Stack, 40), "  ") + "\n"
	}
	return s
}

// foundText tells a violation.
func (o *runOptions) foundText(out outcome, shrunk search.Shrunk, number int, story string) string {
	var w strings.Builder
	fmt.Fprintf(&w, "%s\n", shrunk.Result.Violation)
	switch {
	case o.noShrink:
		fmt.Fprintf(&w, "found in schedule %d with %s:\n\n", number, deviations(*out.FoundDeviations))
	default:
		fmt.Fprintf(&w, "found in schedule %d, %s:\n\n", number, report.Summary(shrunk, *out.FoundDeviations))
	}
	tellInputs(&w, out)
	numbered(&w, out.Deviations, benignText(out.Verdict))
	for _, part := range []string{story, firstLines(out.Stack, 40)} {
		if part != "" {
			fmt.Fprintf(&w, "\n%s\n", indent(part, "  "))
		}
	}
	return w.String()
}

// parted says how a shrink met a run that was not repeatable.
func parted(s search.Shrunk) string {
	return "shrinking has stopped: a smaller plan was not repeatable: " + s.Parted
}

// drawn are the inputs of a scenario that draws them; nil of one that does not.
func drawn(s search.Subject) json.RawMessage {
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
	var line bytes.Buffer // those of a result file are on many
	if out.Inputs != nil && json.Compact(&line, out.Inputs) == nil {
		fmt.Fprintf(w, "  inputs: %s\n", &line)
	}
}

// benignText tells a run without deviations.
func benignText(v sim.Verdict) string {
	if v == sim.Violated {
		return "none: the benign schedule violates"
	}
	return "none: this is the benign schedule"
}

// numbered prints a line each, or what is told where there is none.
func numbered(w io.Writer, lines []string, none string) {
	if len(lines) == 0 {
		fmt.Fprintf(w, "  %s\n", none)
	}
	for i, l := range lines {
		fmt.Fprintf(w, "  %d. %s\n", i+1, l)
	}
}
