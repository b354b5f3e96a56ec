package report

import (
	_ "embed"
	"html/template"
	"io"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/sim"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template draws: its data are for the script, and the story
// for who has none.
type page struct {
	*Report
	Violated string
	Told     string
	Data     pageData
}

type pageData struct {
	Lanes  []string    `json:"lanes"`
	Rows   []pageRow   `json:"rows"`
	States []pageState `json:"states"`           // of the violated property
	Edges  []pageEdge  `json:"edges,omitempty"`  // of its automaton
	Start  string      `json:"start,omitempty"`  // where that begins
	Curve  []float64   `json:"curve,omitempty"`  // how many of the continuations of each row violate, as a share
	Beside []DiffLine  `json:"beside,omitempty"` // the benign run, and this one
}

// pageRow is a step: it happens in a lane, and leads to or comes from another.
type pageRow struct {
	Time     string   `json:"time"`
	Mark     string   `json:"mark"` // see marks
	Lane     int      `json:"lane"`
	Other    int      `json:"other"`          // -1 if there is none
	Arrow    string   `json:"arrow"`          // "call", "start", "end", or empty
	Again    bool     `json:"again,omitzero"` // of another attempt, or a duplicate
	Who      string   `json:"who"`
	What     string   `json:"what"`
	Tail     []string `json:"tail,omitempty"`
	Notes    []string `json:"notes,omitempty"`
	Output   string   `json:"output,omitempty"`
	Request  string   `json:"request,omitempty"`
	Response string   `json:"response,omitempty"`
	Spots    []string `json:"spots,omitempty"`   // what it touches
	Changes  []string `json:"changes,omitempty"` // in stores
	Writes   bool     `json:"writes,omitzero"`
	Told     bool     `json:"told,omitzero"` // the story has it
	Violates bool     `json:"violates,omitzero"`
}

// pageState is the state of the violated property after an event.
type pageState struct {
	Event string `json:"event"`
	To    string `json:"to"`
	Row   int    `json:"row"` // in which it happens; -1 if it is no event of the run
}

// pageEdge is a transition of the automaton.
type pageEdge struct {
	From string `json:"from"`
	On   string `json:"on"`
	To   string `json:"to"`
}

// machine is an automaton as it is drawn.
type machine struct {
	start string
	edges []pageEdge
}

// Of tells the report which scenario its run is of: the page then has the
// automaton of the property that is violated.
func (r *Report) Of(s sim.Scenario) *Report {
	for _, p := range s.Properties {
		if r.Violation == nil || p.Name() != r.Violation.Property || p.Automaton() == nil {
			continue
		}
		for _, e := range p.Edges() {
			r.machine.edges = append(r.machine.edges, pageEdge{e.From, e.On, e.To})
		}
		r.machine.start = p.StartsIn()
	}
	return r
}

// Page draws the run as a page of HTML that needs nothing else.
func (r *Report) Page(w io.Writer) error {
	p := &page{Report: r, Told: FirstLines(r.Story(StoryOptions{}), 500), Data: r.data()}
	if r.Violation != nil {
		p.Violated = r.Violation.String()
	}
	return pageTemplate.Execute(w, p)
}

// data are what the page's script draws.
func (r *Report) data() pageData {
	l := lanesOf(r.Timeline.Rows)
	d := pageData{Lanes: l.names, Rows: make([]pageRow, len(r.Timeline.Rows)), States: r.states(), Edges: r.machine.edges, Start: r.machine.start, Curve: r.curve()}
	most := 2000 // bytes of a payload
	if len(d.Rows) > 1000 {
		most = 100
	}
	asked := map[string]int{} // by invocation: the lane of who has started it
	for i := range r.Timeline.Rows {
		d.Rows[i] = l.row(&r.Timeline.Rows[i], most)
		switch x := &d.Rows[i]; x.Arrow {
		case "start":
			asked[x.Who] = x.Other
		case "end":
			if at, ok := asked[x.Who]; ok {
				x.Other = at
			}
		}
		d.Rows[i].Told = r.Timeline.why(i, false) == Told
	}
	if r.benign != nil {
		d.Beside = Diff(New("", r.benign, nil).StepLines(), r.StepLines()).Lines
	}
	return d
}

// states are the property's, after each event of the witness.
func (r *Report) states() []pageState {
	out := []pageState{}
	if r.Violation == nil {
		return out
	}
	for _, w := range r.Violation.Witness {
		s := pageState{w.Type, w.To, -1}
		for i := range r.Timeline.Rows {
			for _, e := range r.Timeline.Rows[i].Events {
				if e.Source == w.Source && e.ID == w.ID {
					s.Row = i
				}
			}
		}
		out = append(out, s)
	}
	return out
}

// lanes are where steps happen: clients and what else invokes, function
// instances, services.
type lanes struct {
	names []string
	at    map[string]int
	makes map[string]string // the service by what its calls name: a topic, an object
}

// lanesOf are those of a run, from who asks on the left to who is asked on the
// right.
func lanesOf(rows []Row) *lanes {
	l := &lanes{at: map[string]int{}, makes: map[string]string{}}
	for i := range rows {
		if s := rows[i].Step; s.From.Name != "" {
			l.add(s.From.Kind + " " + s.From.Name)
		}
	}
	for i := range rows {
		l.add(laneOf(rows[i].Step).String())
	}
	for i := range rows {
		if op := rows[i].Operation; op != nil {
			l.add(op.Service)
			for _, name := range strings.Fields(op.Resource) {
				l.makes[name] = op.Service
				_, inner, _ := strings.Cut(name, "/") // an object of a bucket
				l.makes[inner] = op.Service
			}
		}
	}
	return l
}

// source is the lane that an invocation comes from: its client or queue, or the
// service of the topic or the object; empty if it is not known.
func (l *lanes) source(s *sim.Step) string {
	if s.From.Name != "" {
		return s.From.Kind + " " + s.From.Name
	}
	return l.makes[s.Trigger.Source]
}

func (l *lanes) add(name string) {
	if _, ok := l.at[name]; !ok {
		l.at[name] = len(l.names)
		l.names = append(l.names, name)
	}
}

// String names the lane.
func (l Lane) String() string {
	if l.Function == "" {
		return "time"
	}
	return strings.TrimSpace(l.Function + " " + l.Instance)
}

// row draws a step; of a payload so many bytes are told.
func (l *lanes) row(r *Row, most int) pageRow {
	x := pageRow{Time: r.Time.Format("15:04:05.000000"), Mark: marks[r.Mark], Lane: l.at[laneOf(r.Step).String()], Other: -1,
		Who: who(r.Step), What: r.Words(), Tail: r.Tail(), Notes: r.Deviations, Output: r.Output, Violates: r.Violates}
	for _, c := range r.Changes {
		x.Changes = append(x.Changes, changeWords(c, most))
	}
	switch {
	case r.Operation != nil:
		x.Arrow, x.Other = "call", l.at[r.Operation.Service]
		x.Request, x.Response = requestText(&r.Operation.Request, most), cutAt(string(r.Operation.Result.Body), most)
		x.Writes = r.Operation.Access&event.Writes != 0
		for _, s := range spots(r.Operation) {
			x.Spots = append(x.Spots, s.service+" "+s.name)
		}
	case r.Kind == sim.KindStart:
		x.Again = r.Trigger.Attempt > 1 || r.Trigger.Again
		if name := l.source(r.Step); name != "" {
			x.Arrow, x.Other = "start", l.at[name]
		}
	case r.Kind == sim.KindEnd:
		x.Arrow = "end"
	}
	return x
}

// changeWords tells what a step has changed in a store.
func changeWords(c sim.Change, most int) string {
	before, after := cutAt(c.Before, most), cutAt(c.After, most)
	switch {
	case c.Made:
		return "+ " + c.Service + " " + c.Key + ": " + after
	case c.Gone:
		return "- " + c.Service + " " + c.Key + ": " + before
	}
	return "~ " + c.Service + " " + c.Key + ": " + before + " → " + after
}

// requestText is what a call says.
func requestText(p *event.Payload, most int) string {
	if len(p.Words) > 0 {
		return cutAt(strings.Join(p.Words, " "), most)
	}
	return cutAt(strings.TrimSpace(p.Target+"\n"+string(p.Body)), most)
}

func cutAt(text string, most int) string {
	text = strings.ToValidUTF8(text, "?")
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
