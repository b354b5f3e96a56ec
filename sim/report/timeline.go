package report

import (
	"slices"
	"strings"

	"github.com/wtsim/wtsim/sim"
)

// Timeline is a run step by step, beside the benign run.
type Timeline struct {
	Rows []Row
	// Lanes are where steps happen, in the order in which they come into play.
	Lanes []Lane
	// Missing are the invocations and operations of the benign run that the run
	// lacks, where that is what is wrong with it: a property that was violated at
	// its end.
	Missing []Missing
	// Compared says that there is a benign run to tell apart from, and that the
	// violation is not its own.
	Compared bool
	whole    bool // there is none, by which rows could be left out
	atEnd    bool // the violation showed after the last row
}

// Row is a step of a run.
type Row struct {
	*sim.Step
	Lane         int // of [Timeline.Lanes]
	Mark         Mark
	Repeats      bool // it is of an attempt that goes as the one before it, and as the next one
	Witness      bool // an event of it is among those that violate
	Delivers     bool // it is a call that has waited for what a service then delivered
	Concerns     bool // it conflicts with what deviated, or with what violates
	Begins       bool // it is the start of an invocation that is told
	OneOfSeveral bool // its function has more than one instance
	Last         bool
	Violates     bool     // the violation showed in it, not in the run's end
	Dies         []string // what else its instance was at when it died, such as "charge #2"
}

// Mark says how a step is beside the benign run.
type Mark uint8

// The marks.
const (
	Same     Mark = iota // it is as there
	Differs              // it is not
	Deviates             // a deviation was decided in it, or just before
)

// Lane is where a step happens: a function's instance, or if it is zero the
// platform, or what time brings about.
type Lane struct{ Function, Instance string }

// Section is some rows of a timeline in a row: told, or left out.
type Section struct {
	Rows []Row
	Why  Elision
}

// Elision is why rows are left out.
type Elision uint8

// Why rows are left out.
const (
	Told      Elision = iota // they are not
	AsBenign                 // they are as in the benign run
	AsAttempt                // they are of attempts that go as the one before
)

// newTimeline compares a run with the benign one, which may be nil.
func newTimeline(r, benign *sim.Result) Timeline {
	repeated, differs := repeats(r.Steps), make([]bool, len(r.Steps))
	if benign != nil {
		differs = differing(r, benign)
	}
	t := Timeline{Rows: make([]Row, len(r.Steps)), whole: benign == nil, atEnd: atEnd(r)}
	t.Compared = benign != nil && (r.Violation == nil || slices.Contains(differs, true) || len(r.Record.Plan) > 0)
	lanes := map[Lane]int{}
	for i := range r.Steps {
		s := &r.Steps[i]
		row := Row{Step: s, Repeats: repeated[i], Witness: witnesses(s, r), Last: i == len(r.Steps)-1}
		row.Violates = row.Last && r.Violation != nil && !atEnd(r)
		switch {
		case len(s.Deviations) > 0:
			row.Mark = Deviates
		case differs[i]:
			row.Mark = Differs
		}
		var known bool
		if row.Lane, known = lanes[laneOf(s)]; !known {
			row.Lane = len(t.Lanes)
			lanes[laneOf(s)] = row.Lane
			t.Lanes = append(t.Lanes, laneOf(s))
		}
		t.Rows[i] = row
	}
	t.delivers()
	about := focusOf(t.Rows, r.Looked)
	for i := range t.Rows {
		t.Rows[i].Concerns = about.concerns(t.Rows[i].Step)
	}
	t.live()
	if benign != nil && atEnd(r) {
		t.Missing = missing(r, benign)
	}
	return t
}

// delivers marks the calls that have waited for what a service delivered. What a
// function answers its own steps tell.
func (t *Timeline) delivers() {
	for i := range t.Rows {
		r := &t.Rows[i]
		_, ok := r.Delivered()
		r.Delivers = ok && !slices.ContainsFunc(t.Lanes, func(l Lane) bool { return l.Function == r.Operation.Service })
	}
}

func laneOf(s *sim.Step) Lane {
	if s.Function == "" {
		return Lane{}
	}
	return Lane{s.Function, s.Instance}
}

// atEnd reports whether a property was violated at the end of the run, not at
// an event or by what the platform noticed (a panic, say).
func atEnd(r *sim.Result) bool {
	return r.Violation != nil && r.Violation.AtQuiescence() && r.Stack == ""
}

// witnesses reports whether an event of the step is in the violating slice.
func witnesses(s *sim.Step, r *sim.Result) bool {
	if r.Violation == nil {
		return false
	}
	for _, e := range s.Events {
		for _, w := range r.Violation.Witness {
			if w.Source == e.Source && w.ID == e.ID {
				return true
			}
		}
	}
	return false
}

// gist is what has to be equal for a step to be as in the benign run.
func gist(s *sim.Step) string {
	var b strings.Builder
	delivered, _ := s.Delivered()
	b.WriteString(s.Outcome.String() + "\x00" + s.Status + delivered)
	for _, e := range s.Events {
		b.WriteString("\x00" + e.Type)
		for _, f := range e.Data {
			b.WriteString("\x00" + f.Name + "=" + f.Value.Text())
		}
	}
	return b.String()
}

// differing tells which steps of a run are not as in the benign run.
func differing(r, benign *sim.Result) []bool {
	usual := map[string]string{}
	for i := range benign.Steps {
		usual[benign.Steps[i].Identity] = gist(&benign.Steps[i])
	}
	out := make([]bool, len(r.Steps))
	for i := range r.Steps {
		was, ok := usual[r.Steps[i].Identity]
		out[i] = !ok || was != gist(&r.Steps[i])
	}
	return out
}

// Sections are the rows, those left out that have nothing to say: they went as
// in the benign run, or as an attempt before, and have nothing to do with the
// violation. If full none is.
func (t *Timeline) Sections(full bool) []Section {
	var out []Section
	from := 0
	for i := range t.Rows {
		if i+1 == len(t.Rows) || t.why(i+1, full) != t.why(i, full) {
			out = append(out, Section{t.Rows[from : i+1], t.why(i, full)})
			from = i + 1
		}
	}
	return out
}

// why says why a row is left out, if it is.
func (t *Timeline) why(i int, full bool) Elision {
	r := &t.Rows[i]
	news := !t.Compared || r.Mark != Same || r.Concerns
	switch {
	case full || t.whole || r.Mark == Deviates || r.Witness || r.Delivers || r.Begins || r.Last && !t.atEnd || news && !r.Repeats:
		return Told
	case news:
		return AsAttempt
	}
	return AsBenign
}

// missing is what the benign run has and this one has not: invocations, and
// operations of those that did happen, in whatever attempt. What another task
// does in its stead is not missing: messages that were published together are
// named by their places, which an order changes.
func missing(r, benign *sim.Result) (out []Missing) {
	of := invocations(benign.Steps)
	happened, usual := deeds(r.Steps), deeds(benign.Steps)
	instead := map[string]int{} // by function and what is done
	for _, d := range happened.all {
		if !usual.has[d] {
			instead[d.people()]++
		}
	}
	for i := range benign.Steps {
		s := &benign.Steps[i]
		d := deedOf(s)
		if s.Kind != sim.KindStart && s.Kind != sim.KindOperation || happened.has[d] {
			continue
		}
		if instead[d.people()] > 0 {
			instead[d.people()]--
			continue
		}
		if began := happened.reasons[d.reason]; began == (s.Kind == sim.KindOperation) {
			out = append(out, Missing{s, of[s.Task.Text]})
		}
	}
	return out
}

// deed is what a task does, in whatever attempt.
type deed struct{ reason, function, what string }

func deedOf(s *sim.Step) deed { return deed{s.Task.Reason, s.Function, s.What} }

func (d deed) people() string { return d.function + " " + d.what }

// done is what the tasks of a run have done, each thing once.
type done struct {
	all     []deed
	has     map[deed]bool
	reasons map[string]bool
}

func deeds(steps []sim.Step) done {
	d := done{has: map[deed]bool{}, reasons: map[string]bool{}}
	for i := range steps {
		x := deedOf(&steps[i])
		if d.reasons[x.reason] = true; !d.has[x] {
			d.has[x] = true
			d.all = append(d.all, x)
		}
	}
	return d
}
