package report

import (
	"fmt"
	"strings"
	"time"

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
func Story(r, benign *sim.Result, o StoryOptions) string { return New("", r, benign).Story(o) }

// Story is the text of the timeline, see [Story].
func (r *Report) Story(o StoryOptions) string {
	t := teller{report: r, logs: o.Logs}
	if len(r.Timeline.Rows) > 0 {
		t.began = r.Timeline.Rows[0].Time
	}
	sections := r.Timeline.Sections(o.Full)
	t.measure(sections)
	for _, s := range sections {
		t.tell(s)
	}
	for _, s := range r.Timeline.Missing {
		t.missing(s)
	}
	if r.Runtime == sim.Patched {
		t.out.WriteString("    on the patched runtime\n")
	}
	if r.Hint != "" {
		fmt.Fprintf(&t.out, "    hint: %s\n", r.Hint)
	}
	return t.out.String()
}

// teller writes one story.
type teller struct {
	report *Report
	logs   bool
	began  time.Time
	who    int // width of the column
	what   int
	out    strings.Builder
}

func (t *teller) measure(sections []Section) {
	for _, s := range sections {
		if s.Why != Told {
			continue
		}
		for _, r := range s.Rows {
			t.who = max(t.who, len(who(r.Step)))
			t.what = max(t.what, min(len(r.What), 60))
		}
	}
}

func (t *teller) tell(s Section) {
	switch s.Why {
	case AsBenign:
		fmt.Fprintf(&t.out, "    ... %s as in the benign run\n", Plural(len(s.Rows), "step"))
	case AsAttempt:
		fmt.Fprintf(&t.out, "    ... %s of attempts that go as the one before\n", Plural(len(s.Rows), "step"))
	default:
		for i := range s.Rows {
			t.row(&s.Rows[i])
		}
	}
}

// marks are the first columns of rows.
var marks = map[Mark]string{Same: " ", Differs: ">", Deviates: "!"}

func (t *teller) row(r *Row) {
	for n, note := range r.Deviations {
		if own := r.Outcome != (sim.Outcome{}) && n == len(r.Deviations)-1; !own { // its own shows in its line
			fmt.Fprintf(&t.out, "! %s  -- %s\n", t.clock(r.Time), note)
		}
	}
	line := fmt.Sprintf("%s %s  %-*s  %-*s", marks[r.Mark], t.clock(r.Time), t.who, who(r.Step), t.what, r.What)
	if result := resultWords(r.Step); result != "" {
		line += "  -> " + result
	}
	if r.Cold {
		line += "  (cold start of " + r.Instance + ")"
	}
	for _, e := range r.Events {
		line += "  " + e.String()
	}
	if r.Violates {
		line += "  VIOLATED"
	}
	t.out.WriteString(strings.TrimRight(line, " ") + "\n")
	if r.Output != "" && (t.logs || r.Mark != Same) {
		for _, text := range strings.Split(strings.TrimRight(r.Output, "\n"), "\n") {
			fmt.Fprintf(&t.out, "%*s  | %s\n", len("! ")+len(t.clock(r.Time)), "", text)
		}
	}
	if r.Last && t.report.AtEnd {
		fmt.Fprintf(&t.out, "  %s  the run is quiescent: %s  VIOLATED\n", t.clock(r.Time), t.report.Violation.Detail)
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

func (t *teller) missing(s *sim.Step) {
	if s.Kind == sim.KindStart {
		fmt.Fprintf(&t.out, "    never happens: %s #%d of the benign run, %s\n", s.Function, s.Number, s.Task)
	} else {
		fmt.Fprintf(&t.out, "    never happens: %s, %s\n", s.What, s.Task)
	}
}
