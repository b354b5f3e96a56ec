package report

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wtsim/wtsim/sim"
)

// StoryOptions say how much a story tells.
type StoryOptions struct {
	// Full tells every step, on one line, with all that is in it; otherwise runs
	// of steps that went as in the benign run, and have nothing to do with the
	// violation, are counted only, rows fit 120 columns, and of long values there
	// is the beginning. (A violation of the benign run itself has no such steps.)
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
	t := r.teller(o)
	sections := r.Timeline.Sections(o.Full)
	t.measure(sections)
	for _, s := range sections {
		t.tell(s)
	}
	if n := len(r.Timeline.Rows); r.AtEnd && n > 0 {
		at := "  " + t.clock(r.Timeline.Rows[n-1].Time) + "  "
		t.prose(at+"the run is quiescent: ", len(at), r.Violation.Detail+"  VIOLATED")
	}
	for _, m := range r.Timeline.Missing {
		t.prose("    never happens: ", 6, m.Words())
	}
	if r.Runtime == sim.Patched {
		t.out.WriteString("    on the patched runtime\n")
	}
	if r.Hint != "" {
		t.prose("    hint: ", 6, r.Hint)
	}
	return t.out.String()
}

// teller writes one story.
type teller struct {
	report *Report
	logs   bool
	began  time.Time
	width  int // of all
	who    int // of the column
	what   int
	aliases
	out strings.Builder
}

func (r *Report) teller(o StoryOptions) *teller {
	t := &teller{report: r, logs: o.Logs, width: storyWidth, aliases: r.aliases()}
	if o.Full {
		t.width, t.aliases = 1<<20, nil
	}
	if len(r.Timeline.Rows) > 0 {
		t.began = r.Timeline.Rows[0].Time
	}
	return t
}

// whatWidth is how wide the column may become that says what happens.
const whatWidth = 44

func (t *teller) measure(sections []Section) {
	for _, s := range sections {
		if s.Why != Told {
			continue
		}
		for i := range s.Rows {
			t.who = max(t.who, len(who(s.Rows[i].Step)))
			if n := utf8.RuneCountInString(t.in(s.Rows[i].Words())); n <= whatWidth && s.Rows[i].Kind != sim.KindStart {
				t.what = max(t.what, n)
			}
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
	at := t.clock(r.Time)
	for n, note := range r.Deviations {
		if own := r.Outcome != (sim.Outcome{}) && n == len(r.Deviations)-1; !own { // its own shows in its line
			t.prose("! "+at+"  -- ", len("! ")+len(at)+2, note)
		}
	}
	head := fmt.Sprintf("%s %s  %-*s", marks[r.Mark], at, t.who, who(r.Step))
	t.line(utf8.RuneCountInString(head)+2, head, append([]string{fmt.Sprintf("%-*s", t.what, r.Words())}, r.Tail()...)...)
	if r.Output != "" && (t.logs || r.Mark != Same) {
		t.output(r.Output, len("! ")+len(at))
	}
}

// line writes a line, or some: what does not fit stands below, indented.
func (t *teller) line(indent int, head string, words ...string) {
	for i, w := range words {
		words[i] = t.in(w)
	}
	text := folded(head, words, indent, t.width)
	for line := range strings.Lines(text) {
		t.out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
}

// prose writes a sentence, on as many lines as it takes.
func (t *teller) prose(head string, indent int, text string) {
	line, at := head, utf8.RuneCountInString(head)
	for i, word := range strings.Split(t.in(text), " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > t.width:
			t.out.WriteString(strings.TrimRight(line, " ") + "\n")
			line, at = strings.Repeat(" ", indent), indent
		default:
			line, at = line+" ", at+1
		}
		line, at = line+word, at+n
	}
	t.out.WriteString(line + "\n")
}

// output tells what was printed.
func (t *teller) output(text string, indent int) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		t.prose(strings.Repeat(" ", indent)+"  | ", indent+len("  |   "), line)
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
