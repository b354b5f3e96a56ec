package command

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/wtsim/wtsim/internal/wholefile"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template draws: a row a step, a column a function
// instance.
type page struct {
	Scenario   string
	Verdict    sim.Verdict
	Violation  string
	Detail     string
	Deviations []string
	Lanes      []string
	Rows       []row
	Stack      string
	Hash       string
}

type row struct {
	Time    string
	Class   string // "same", "differs" or "deviates"
	Cells   []string
	Events  []string
	Notes   []string
	Output  string
	Violate bool
}

// writePage draws a run as a page that needs nothing else.
func writePage(path, scenario string, r, benign *sim.Result) error {
	p := newPage(scenario, r, benign)
	err := wholefile.Write(path, func(w io.Writer) error { return pageTemplate.Execute(w, p) })
	if err != nil {
		return fmt.Errorf("html: %w", err)
	}
	return nil
}

func newPage(scenario string, r, benign *sim.Result) *page {
	p := &page{Scenario: scenario, Verdict: r.Verdict, Deviations: notes(r.Record.Plan), Stack: r.Stack, Hash: r.Hash}
	if r.Violation != nil {
		p.Violation, p.Detail = r.Violation.String(), r.Violation.Detail
	}
	lanes := map[string]int{}
	for i := range r.Steps {
		lane := laneOf(&r.Steps[i])
		if _, known := lanes[lane]; !known {
			lanes[lane] = len(p.Lanes)
			p.Lanes = append(p.Lanes, lane)
		}
	}
	differs := report.Differs(r, benign)
	for i := range r.Steps {
		s := &r.Steps[i]
		x := row{Time: s.Time.Format("15:04:05.000000"), Cells: make([]string, len(p.Lanes)), Notes: s.Deviations,
			Output: s.Output, Class: "same", Violate: r.Violation != nil && i == len(r.Steps)-1}
		switch {
		case len(s.Deviations) > 0:
			x.Class = "deviates"
		case differs[i]:
			x.Class = "differs"
		}
		x.Cells[lanes[laneOf(s)]] = cellOf(s)
		for _, e := range s.Events {
			x.Events = append(x.Events, e.String())
		}
		p.Rows = append(p.Rows, x)
	}
	return p
}

func laneOf(s *sim.Step) string {
	if s.Function == "" {
		return "time"
	}
	return s.Function + " " + s.Instance
}

func cellOf(s *sim.Step) string {
	text := fmt.Sprintf("#%d %s", s.Number, s.What)
	if result := report.Outcome(s); result != "" {
		text += " → " + result
	}
	return text
}
