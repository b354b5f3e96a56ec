package command

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/internal/jsonfile"
	"github.com/wtsim/wtsim/internal/wholefile"
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
	Outcome        report.Summary         `json:"outcome"`
	Text           string                 `json:"text"` // for people
	Counterexample *search.Counterexample `json:"counterexample,omitempty"`
	Trouble        string                 `json:"trouble,omitempty"` // what has gone wrong besides
}

// report tells the end of a search.
func (o *runOptions) report(e *workers.End) *reported {
	r := &reported{Outcome: report.OfEnd(o.scenario, e)}
	if o.shards > 0 {
		r.Outcome.Shard = fmt.Sprintf("%d/%d", o.shard, o.shards)
	}
	switch {
	case e.Number == 0:
		if u := e.Unjudged; u != nil {
			r.Counterexample, r.Trouble = u.Counterexample, u.Trouble
		}
		r.Text = r.Outcome.NothingText(o.bound)
		if e.Interrupted {
			r.Text = "interrupted\n" + r.Text
		}
	case e.Finding == nil:
		r.Text = r.Outcome.VerdictText(o.seed)
	default:
		o.finding(r, e.Finding)
	}
	return r
}

// finding tells what became of the schedule that was looked at.
func (o *runOptions) finding(r *reported, f *workers.Finding) {
	told := report.OfFinding(o.scenario, f, o.noShrink)
	r.Outcome.Looked(told, f.Strategy)
	r.Counterexample, r.Trouble = f.Counterexample, f.Trouble
	if f.Verdict != sim.Violated {
		r.Text = r.Outcome.VerdictText(o.seed)
		return
	}
	r.Text = told.FoundText(report.StoryOptions{Full: o.full, Logs: o.logs})
	if f.Benign != nil {
		r.Outcome.Page = cmp.Or(o.html, jsonfile.FreePath(strings.TrimSuffix(o.path(f.Number), ".json")+".html"))
		if err := o.draw(f, told, r.Outcome.Page); err != nil {
			r.Trouble, r.Outcome.Page = err.Error(), ""
		}
	}
}

// draw draws what was found, which is run once more for what each step changes in
// stores.
func (o *runOptions) draw(f *workers.Finding, told *report.Report, path string) error {
	subject, err := o.subject.With(f.Inputs)
	if err != nil {
		return err
	}
	run := subject.Outside().WithStores().Run(scheduler.NewReplay(f.Counterexample.Deviations))
	page := report.New(o.scenario, run, f.Benign).Of(subject.Scenario())
	page.Seed, page.Why, page.Inputs = told.Seed, told.Why, told.Inputs
	page.Replay = "wtsim replay " + o.path(f.Number) + ofPackage()
	return writePage(path, page)
}

// writePage draws a run as a page that needs nothing else.
func writePage(path string, r *report.Report) error {
	if err := wholefile.Write(path, r.Page); err != nil {
		return fmt.Errorf("html: %w", err)
	}
	return nil
}

// encoder writes JSON as the files have it.
func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
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
		rep.Text += fmt.Sprintf("\n%d schedules, %s\n", o.Schedules, o.Seen())
	}
	if o.Counterexample != "" {
		rep.Text += fmt.Sprintf("\nreplay:  wtsim replay %s%s\n", o.Counterexample, ofPackage())
	}
	if o.Page != "" {
		rep.Text += fmt.Sprintf("page:    %s\n", o.Page)
	}
}

// The formats of a result.
const (
	formatText   = "text"
	formatJSON   = "json"
	formatGitHub = "github"
	formatJUnit  = "junit"
	formatSARIF  = "sarif"
)

var formats = []string{formatText, formatJSON, formatGitHub, formatJUnit, formatSARIF}

// formatOf is the format of --json; empty without it.
func formatOf(asJSON bool) string {
	if asJSON {
		return formatJSON
	}
	return ""
}

func checkFormat(format string) error {
	if !slices.Contains(formats, format) {
		return fmt.Errorf("--format is %q, wanted one of %s", format, strings.Join(formats, ", "))
	}
	return nil
}

// write writes a result in a format.
func (rep *reported) write(w io.Writer, format string) error {
	outcome := report.OutcomeOf(rep.Outcome, rep.Text)
	switch format {
	case formatJSON:
		return rep.Outcome.Print(w)
	case formatJUnit:
		return report.JUnit(w, []report.Outcome{outcome})
	case formatSARIF:
		return report.SARIF(w, []report.Outcome{outcome})
	case formatGitHub:
		_, err := fmt.Fprint(w, rep.Text, outcome.GitHub())
		return err
	}
	_, err := fmt.Fprint(w, rep.Text)
	return err
}

// print prints a result, and what has gone wrong besides, which no exit code
// may hide.
func (a *app) print(rep *reported, format string, trouble error) (code int) {
	if err := rep.write(a.stdout, format); format != formatJSON { // there main tells what cannot be printed
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
