package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template draws: a row a step, a column a lane.
type page struct {
	*Report
	Violated   string
	Detail     string
	Deviations []string
	Lanes      []string
	Rows       []pageRow
}

type pageRow struct {
	Time    string
	Class   string // "same", "differs" or "deviates"
	Cells   []string
	Events  []string
	Notes   []string
	Output  string
	Violate bool
}

// Page draws the run as a page of HTML that needs nothing else.
func (r *Report) Page(w io.Writer) error {
	p := &page{Report: r, Deviations: Notes(r.Deviations)}
	if r.Violation != nil {
		p.Violated, p.Detail = r.Violation.String(), r.Violation.Detail
	}
	for _, l := range r.Timeline.Lanes {
		p.Lanes = append(p.Lanes, l.String())
	}
	for i := range r.Timeline.Rows {
		p.Rows = append(p.Rows, p.row(&r.Timeline.Rows[i]))
	}
	return pageTemplate.Execute(w, p)
}

// String names the lane.
func (l Lane) String() string {
	if l.Function == "" {
		return "time"
	}
	return l.Function + " " + l.Instance
}

func (p *page) row(r *Row) pageRow {
	x := pageRow{Time: r.Time.Format("15:04:05.000000"), Cells: make([]string, len(p.Lanes)), Notes: r.Deviations, Output: r.Output,
		Class: map[Mark]string{Same: "same", Differs: "differs", Deviates: "deviates"}[r.Mark], Violate: r.Last && p.Violation != nil}
	text := fmt.Sprintf("#%d %s", r.Number, r.What)
	if result := resultWords(r.Step); result != "" {
		text += " → " + result
	}
	x.Cells[r.Lane] = text
	for _, e := range r.Events {
		x.Events = append(x.Events, e.String())
	}
	return x
}
