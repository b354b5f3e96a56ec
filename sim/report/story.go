package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/sim"
)

// StoryOptions say how much a story tells.
type StoryOptions struct {
	// Full tells every step; otherwise runs of steps that went as in the
	// benign run, and have nothing to do with the violation, are counted only.
	// (A violation of the benign run itself has no such steps.)
	Full bool
	// Logs tells what handlers printed at every step; otherwise only at
	// those that differ from the benign run.
	Logs bool
}

// Story tells a run: its timeline of virtual times, operations, results and
// events, as a difference to the benign run, which may be nil. Lines that a
// deviation touches begin with "!", others that differ with ">".
func Story(r, benign *sim.Result, o StoryOptions) string {
	t := teller{result: r, o: o, differs: make([]bool, len(r.Steps)), began: begin(r), repeats: repeats(r.Steps)}
	if benign != nil {
		t.differs = Differs(r, benign)
	}
	t.o.Full = o.Full || benign == nil
	t.alone = r.Violation != nil && !slices.Contains(t.differs, true) && len(r.Record.Plan) == 0
	t.measure()
	t.tell()
	if benign != nil && quiescent(r) {
		t.missing(benign)
	}
	if r.Runtime == sim.Patched {
		t.out.WriteString("    on the patched runtime\n")
	}
	return t.out.String()
}

// quiescent reports whether a property was violated at the end of the run,
// not at an event or by what the platform noticed (a panic, say).
func quiescent(r *sim.Result) bool {
	return r.Violation != nil && r.Violation.AtQuiescence() && r.Stack == ""
}

func begin(r *sim.Result) time.Time {
	if len(r.Steps) == 0 {
		return time.Time{}
	}
	return r.Steps[0].Time
}

// teller writes one story.
type teller struct {
	result  *sim.Result
	o       StoryOptions
	differs []bool // from the benign run, by step
	repeats []bool // the attempts around it, by step
	alone   bool   // the benign run itself violates: there is nothing to compare it with
	began   time.Time
	who     int // width of the column
	what    int
	out     strings.Builder
}

// gist is what has to be equal for a step to be as in the benign run.
func gist(s *sim.Step) string {
	var b strings.Builder
	b.WriteString(s.Outcome.String() + "\x00" + s.Status)
	for _, e := range s.Events {
		b.WriteString("\x00" + e.Type)
		for _, f := range e.Data {
			b.WriteString("\x00" + f.Name + "=" + f.Value.Text())
		}
	}
	return b.String()
}

// Differs tells which steps of a run are not as in the benign run.
func Differs(r, benign *sim.Result) []bool {
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

// mark tells a step's first column.
func (t *teller) mark(i int) string {
	switch {
	case len(t.result.Steps[i].Deviations) > 0:
		return "!"
	case t.differs[i]:
		return ">"
	}
	return " "
}

// shown reports whether a step has a line of its own.
func (t *teller) shown(i int) bool {
	s := &t.result.Steps[i]
	if t.o.Full || t.mark(i) == "!" || t.witnessed(s) || i == len(t.result.Steps)-1 {
		return true
	}
	return (t.alone || t.mark(i) != " ") && !t.repeats[i]
}

// witnessed reports whether an event of the step is in the violating slice.
func (t *teller) witnessed(s *sim.Step) bool {
	if t.result.Violation == nil {
		return false
	}
	for _, e := range s.Events {
		for _, w := range t.result.Violation.Witness {
			if w.Source == e.Source && w.ID == e.ID {
				return true
			}
		}
	}
	return false
}

func (t *teller) measure() {
	for i := range t.result.Steps {
		if s := &t.result.Steps[i]; t.shown(i) {
			t.who = max(t.who, len(who(s)))
			t.what = max(t.what, min(len(s.What), 60))
		}
	}
}

func (t *teller) tell() {
	skipped, why := 0, ""
	flush := func() {
		if skipped > 0 {
			fmt.Fprintf(&t.out, "    ... %s %s\n", plural(skipped, "step"), why)
		}
		skipped = 0
	}
	for i := range t.result.Steps {
		if t.shown(i) {
			flush()
			t.line(i)
			continue
		}
		reason := "as in the benign run"
		if t.repeats[i] && (t.alone || t.mark(i) != " ") {
			reason = "of attempts that go as the one before"
		}
		if reason != why {
			flush()
		}
		skipped, why = skipped+1, reason
	}
	flush()
}

func (t *teller) line(i int) {
	s, mark, last := &t.result.Steps[i], t.mark(i), i == len(t.result.Steps)-1
	for n, note := range s.Deviations {
		if own := s.Outcome != (sim.Outcome{}) && n == len(s.Deviations)-1; !own { // its own shows in its line
			fmt.Fprintf(&t.out, "! %s  -- %s\n", t.clock(s.Time), note)
		}
	}
	line := fmt.Sprintf("%s %s  %-*s  %-*s", mark, t.clock(s.Time), t.who, who(s), t.what, s.What)
	if result := Outcome(s); result != "" {
		line += "  -> " + result
	}
	if s.Cold {
		line += "  (cold start of " + s.Instance + ")"
	}
	for _, e := range s.Events {
		line += "  " + e.String()
	}
	if last && t.result.Violation != nil && !quiescent(t.result) {
		line += "  VIOLATED"
	}
	t.out.WriteString(strings.TrimRight(line, " ") + "\n")
	if s.Output != "" && (t.o.Logs || mark != " ") {
		for _, text := range strings.Split(strings.TrimRight(s.Output, "\n"), "\n") {
			fmt.Fprintf(&t.out, "%*s  | %s\n", len("! ")+len(t.clock(s.Time)), "", text)
		}
	}
	if last && quiescent(t.result) {
		fmt.Fprintf(&t.out, "  %s  the run is quiescent: %s  VIOLATED\n", t.clock(s.Time), t.result.Violation.Detail)
	}
}

// clock is the time of day, with the number of days where the run is longer.
func (t *teller) clock(at time.Time) string {
	s := at.Format("15:04:05.000000")
	if days := int(at.Sub(t.began) / (24 * time.Hour)); days > 0 {
		s += fmt.Sprintf(" +%dd", days)
	}
	return s
}

// missing names what the benign run has and this one has not: invocations, and
// operations of those that did happen, in whatever attempt. What another task
// does in its stead is not missing: messages that were published together are
// named by their places, which an order changes.
func (t *teller) missing(benign *sim.Result) {
	happened, usual := deeds(t.result.Steps), deeds(benign.Steps)
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
		switch began := happened.reasons[d.reason]; {
		case s.Kind == sim.KindStart && !began:
			fmt.Fprintf(&t.out, "    never happens: %s #%d of the benign run, %s\n", s.Function, s.Number, s.Task)
		case s.Kind == sim.KindOperation && began:
			fmt.Fprintf(&t.out, "    never happens: %s, %s\n", s.What, s.Task)
		}
	}
}

// deed is what a task does, in whatever attempt.
type deed struct{ reason, function, what string }

func deedOf(s *sim.Step) deed { return deed{cloud.Reason(s.Task), s.Function, s.What} }

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
