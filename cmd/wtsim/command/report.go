package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wtsim/wtsim/internal/jsonfile"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

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

// reported is what is told of a search.
type reported struct {
	Outcome        outcome                `json:"outcome"`
	Text           string                 `json:"text"` // for people
	Counterexample *search.Counterexample `json:"counterexample,omitempty"`
	Trouble        string                 `json:"trouble,omitempty"` // what has gone wrong besides
}

// report tells the end of a search.
func (o *runOptions) report(e *workers.End) *reported {
	r := &reported{Outcome: outcomeOf(o.scenario, e)}
	if o.shards > 0 {
		r.Outcome.Shard = fmt.Sprintf("%d/%d", o.shard, o.shards)
	}
	switch {
	case e.Number == 0:
		r.Text = r.Outcome.nothingText(o.bound)
		if e.Interrupted {
			r.Text = "interrupted\n" + r.Text
		}
	case e.Finding == nil:
		r.Text = o.verdictText(r.Outcome)
	default:
		o.finding(r, e.Finding)
	}
	return r
}

// finding tells what became of the schedule that was looked at.
func (o *runOptions) finding(r *reported, f *workers.Finding) {
	out, run := &r.Outcome, f.Shrunk.Result
	out.Seed, out.TraceHash, out.Stack = f.Seed, run.Hash, run.Stack
	if f.Seed > 0 || run.Verdict == sim.Violated {
		out.Strategy = f.Strategy
	}
	if f.Verdict != sim.Violated {
		r.Text = o.verdictText(*out)
		return
	}
	if f.Shrunk.Parted != "" {
		out.Why = parted(f.Shrunk)
	}
	out.Violation, out.FoundDeviations, out.Deviations, out.Inputs = shortOf(run.Violation), &f.Shrunk.Found, notes(run.Record.Plan), f.Inputs
	r.Counterexample, r.Trouble = f.Counterexample, f.Trouble
	story := ""
	if f.Benign != nil {
		story = report.Story(run, f.Benign, report.StoryOptions{Full: o.full, Logs: o.logs})
	}
	if f.Benign != nil && o.html != "" {
		if err := writePage(o.html, o.scenario, run, f.Benign); err != nil {
			r.Trouble = err.Error()
		}
	}
	r.Text = o.foundText(*out, f, story)
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
		rep.Text += fmt.Sprintf("\n%d schedules, %s\n", o.Schedules, o.seen())
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
func (o *runOptions) foundText(out outcome, f *workers.Finding, story string) string {
	var w strings.Builder
	fmt.Fprintf(&w, "%s\n", f.Shrunk.Result.Violation)
	switch {
	case o.noShrink:
		fmt.Fprintf(&w, "found in schedule %d with %s:\n\n", f.Number, deviations(f.Shrunk.Found))
	default:
		fmt.Fprintf(&w, "found in schedule %d, %s:\n\n", f.Number, report.Summary(f.Shrunk))
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
