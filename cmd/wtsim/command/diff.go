package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

const diffExamples = `  wtsim diff bug.json bug-2.json                 two counterexamples: their deviations, and how their runs part
  wtsim diff checkout wtsim-checkout-37.json     the benign run of a scenario, and a counterexample
  wtsim diff yesterday.ndjson today.ndjson.gz    two recordings: the events that only one of them has
  wtsim diff recorded.ndjson bug.json            a recording, and the events of a run
  wtsim diff a.json b.json --of ./shopsim:Scenario
  wtsim diff ./shopsim:Scenario bug.json         the benign run of a scenario of your own, and a counterexample`

// diffOptions are the flags of `wtsim diff`.
type diffOptions struct {
	asJSON bool
	sides  [2]side
}

// side is one of the two things that are compared: a recording, or else a run.
type side struct {
	name     string
	events   []event.Event // of a recording
	recorded bool
	file     *search.Counterexample // of a run that a file asks for
	subject  search.Subject
	run      *sim.Result
}

func (a *app) diff(args []string) (int, error) {
	o := &diffOptions{}
	f := a.flags("diff", " A B [flags]", diffExamples)
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object")
	of := f.String("of", "", "the package that has the scenario of a counterexample, and its function (./shopsim:Scenario)")
	if done, err := parse(f, args, "A", "B"); done || err != nil {
		return exitHeld, err
	}
	if other, code, err := a.asPackage(*of, "diff", args); other {
		return code, err
	}
	for _, name := range f.Args() {
		if ref, ok := parseRef(name); ok && os.Getenv(packageVariable) == "" {
			return a.runPackage(ref, append([]string{"diff"}, args...))
		}
	}
	for i := range o.sides {
		var err error
		if o.sides[i], err = a.side(f.Arg(i)); err != nil {
			return 0, err
		}
	}
	if _, ok := workers.CurrentJob(); ok || o.sides[0].recorded && o.sides[1].recorded {
		return a.diffHere(o)
	}
	return a.inChild("diff", args, func(f *search.Fatal) (int, error) {
		return 0, fmt.Errorf("diff: a run ends the process: %s; see `wtsim replay`", f.Why)
	})
}

// side reads what is compared: a file, or the name of a scenario.
func (a *app) side(name string) (side, error) {
	s := side{name: name}
	var err error
	if _, there := os.Stat(name); there != nil && (a.known(name) || len(a.scenarios) > 0 && !bytes.ContainsRune([]byte(name), '.')) {
		s.subject, err = a.scenario(name)
		return s, err
	}
	if of := os.Getenv(packageVariable); of != "" {
		if _, ok := parseRef(name); ok {
			return s, fmt.Errorf("diff: %s and %s are of two packages, wanted one whose functions return both", of, name)
		}
	}
	in, err := openEvents(name)
	if err != nil {
		return s, fmt.Errorf("diff: %s is no scenario, and no file that can be read: %w", name, err)
	}
	defer in.Close()
	data, err := io.ReadAll(in)
	if err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	if !isCounterexample(data) {
		s.recorded = true
		s.events, err = recordedEvents(name, data)
		return s, err
	}
	if s.file, err = search.ReadCounterexample(name); err != nil {
		return s, err
	}
	if s.subject, err = a.scenario(s.file.Scenario); err != nil {
		return s, fmt.Errorf("%s: %w, one of your own is named by --of ./shopsim:Scenario", name, err)
	}
	if s.subject, err = s.subject.With(s.file.Inputs); err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return s, err
}

// isCounterexample tells a counterexample from a recording, whose lines are
// objects of another kind.
func isCounterexample(data []byte) bool {
	var head struct{ Format *string }
	return json.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &head) == nil && head.Format != nil
}

// recordedEvents reads the events of a file.
func recordedEvents(name string, data []byte) ([]event.Event, error) {
	var out []event.Event
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		e, err := event.Decode(line)
		if err != nil {
			return nil, fmt.Errorf("diff: %s:%d: neither a counterexample nor an event: %w", name, n, err)
		}
		out = append(out, e)
	}
	return out, lines.Err()
}

// play makes the run of a side that is none yet.
func (s *side) play() {
	if s.recorded {
		return
	}
	var source scheduler.Source = scheduler.Benign{}
	if s.file != nil {
		source = scheduler.NewReplay(s.file.Deviations)
	}
	s.run = once(s.subject, source)
}

// toldDiff is what is said of two things that were compared.
type toldDiff struct {
	Kind  string `json:"kind"` // "diff"
	Equal bool   `json:"equal"`
	// First is the first difference of two runs, in words.
	First string   `json:"first,omitempty"`
	What  string   `json:"what"` // that is in the lists: "step" or "event"
	OnlyA []string `json:"only_a"`
	OnlyB []string `json:"only_b"`
	Plan  struct {
		OnlyA []string `json:"only_a"`
		OnlyB []string `json:"only_b"`
	} `json:"deviations"`
	lines, plan report.Difference
}

// diffHere compares, and tells.
func (a *app) diffHere(o *diffOptions) (int, error) {
	x, y := &o.sides[0], &o.sides[1]
	x.play()
	y.play()
	t := compared(x, y)
	if o.asJSON {
		if err := encoder(a.stdout).Encode(t); err != nil {
			return 0, err
		}
	} else {
		fmt.Fprint(a.stdout, t.text(x.name, y.name))
	}
	if t.Equal {
		return exitHeld, nil
	}
	return exitViolated, nil
}

// compared compares two runs step by step; where one is a recording, events.
func compared(x, y *side) *toldDiff {
	t := &toldDiff{Kind: "diff", What: "event"}
	if !x.recorded && !y.recorded {
		a, b := report.New(x.name, x.run, nil), report.New(y.name, y.run, nil)
		t.What, t.First = "step", report.Parted(x.run, y.run)
		t.lines, t.plan = report.Diff(a.StepLines(), b.StepLines()), report.Diff(planLines(x.run), planLines(y.run))
		t.Equal = t.First == "" && x.run.Hash == y.run.Hash && x.subject.Scenario().Name == y.subject.Scenario().Name
	} else {
		t.lines = report.Diff(x.eventLines(), y.eventLines())
		t.Equal = t.lines.Equal()
	}
	t.OnlyA, t.OnlyB = t.lines.Only("-"), t.lines.Only("+")
	t.Plan.OnlyA, t.Plan.OnlyB = t.plan.Only("-"), t.plan.Only("+")
	return t
}

func (s *side) eventLines() []report.Line {
	if s.recorded {
		return report.EventLines(s.events)
	}
	return report.EventLines(report.EventsOf(s.run))
}

func planLines(r *sim.Result) []report.Line {
	out := make([]report.Line, len(r.Record.Plan))
	for i, d := range r.Record.Plan {
		out[i] = report.Line{Key: d.At + "\x00" + d.Do + "\x00" + d.With, Text: d.String()}
	}
	return out
}

// text tells it to people.
func (t *toldDiff) text(a, b string) string {
	if t.Equal {
		return fmt.Sprintf("%s and %s are equal: %s\n", a, b, report.Plural(t.lines.Same, t.What))
	}
	text := fmt.Sprintf("--- %s\n+++ %s\n", a, b)
	if len(t.plan.Lines) > 0 {
		text += "\ndeviations:\n" + t.plan.Text("deviation")
	}
	if t.First != "" {
		text += "\nfirst difference: " + t.First + "\n"
	}
	return text + "\n" + t.What + "s:\n" + t.lines.Text(t.What)
}
