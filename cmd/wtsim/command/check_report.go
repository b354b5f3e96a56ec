package command

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/wtsim/wtsim/monitor"
)

// checkReport tells people or programs what a check finds.
type checkReport interface {
	tell(monitor.Finding)
	stats([]monitor.PropertyStats)
	coverage([]monitor.Coverage)
	summary(s monitor.Summary, end bool, elapsed time.Duration)
	flush() error
}

func newCheckReport(a *app, o *checkOptions) checkReport {
	out := bufio.NewWriter(a.stdout)
	if o.asJSON {
		return &jsonReport{out}
	}
	return &textReport{Writer: out, stderr: a.stderr, events: o.events}
}

// jsonReport prints one object a line.
type jsonReport struct{ *bufio.Writer }

func (r *jsonReport) tell(f monitor.Finding) {
	b, err := f.MarshalJSON()
	if err != nil {
		panic("command: findings are made of strings and numbers: " + err.Error())
	}
	r.Write(b)        //nolint:errcheck // told by Flush
	r.WriteByte('\n') //nolint:errcheck // the same
}

// summaryObject is the last object that `check --json` prints.
type summaryObject struct {
	Kind       string          `json:"kind"` // "summary"
	Verdict    monitor.Verdict `json:"verdict"`
	Events     int             `json:"events"`
	Violations int             `json:"violations"`
	Malformed  int             `json:"malformed"`
	Late       int             `json:"late"`
	Duplicates int             `json:"duplicates"`
	Expired    int             `json:"expired"`
	Owed       *int            `json:"owed,omitempty"`  // absent with --end
	Lossy      bool            `json:"lossy,omitempty"` // events may be missing
	Instances  int             `json:"instances"`
	ElapsedNS  int64           `json:"elapsed_ns"`
}

func (r *jsonReport) summary(s monitor.Summary, end bool, elapsed time.Duration) {
	owed := &s.Owed
	if end {
		owed = nil
	}
	r.object(summaryObject{"summary", s.Verdict, s.Events, s.Violations, s.Malformed, s.Late, s.Duplicates,
		s.Expired, owed, s.Lossy, s.Instances, elapsed.Nanoseconds()})
}

func (r *jsonReport) flush() error { return r.Flush() }

// shownAtMost is how many malformed and late events are shown to people.
const shownAtMost = 10

// textReport prints paragraphs.
type textReport struct {
	*bufio.Writer
	stderr          io.Writer
	events          string
	malformed, late int
}

func (r *textReport) tell(f monitor.Finding) {
	switch f.Kind {
	case monitor.FoundViolation:
		r.violation(f.Violation)
	case monitor.FoundUndecided:
		fmt.Fprintf(r, "property %q undecided%s: %s\n\n", f.Violation.Property, bound(f.Violation.Binding), f.Why)
	case monitor.FoundMalformed:
		if r.malformed++; r.malformed+r.late <= shownAtMost {
			fmt.Fprintf(r.stderr, "%s:%d: malformed: %s\n", r.events, f.Line, f.Why)
		}
	case monitor.FoundLate:
		if r.late++; r.malformed+r.late <= shownAtMost {
			fmt.Fprintf(r.stderr, "%s:%d: late: event %q of %q\n", r.events, f.Line, f.Event, f.Source)
		}
	}
}

func bound(b monitor.Binding) string {
	if len(b) == 0 {
		return ""
	}
	return " for " + b.String()
}

func (r *textReport) violation(v monitor.Violation) {
	certainty := string(v.Certainty)
	if v.Forgotten {
		certainty += ": what came before was forgotten"
	}
	fmt.Fprintf(r, "property %q violated%s (%s)\n", v.Property, bound(v.Binding), certainty)
	at := v.Event.Time.UTC().Format(time.RFC3339Nano)
	if v.Event.Source == "" {
		fmt.Fprintf(r, "  by the end at %s\n", at)
	} else {
		fmt.Fprintf(r, "  by event %q of %q at %s\n", v.Event.ID, v.Event.Source, at)
	}
	r.steps(v.Witness)
	if v.Counter != nil {
		fmt.Fprintln(r, "  an order that does not violate")
		r.steps(v.Counter)
	}
	switch at := v.Flips.At; v.Flips.To {
	case monitor.BecomesCertain:
		fmt.Fprintf(r, "  flips at %v: with a smaller skew it is certain\n", at)
	case monitor.BecomesUnreported:
		fmt.Fprintf(r, "  flips at %v: with a smaller skew nothing violates\n", at)
	case monitor.BecomesPossible:
		fmt.Fprintf(r, "  flips at %v: with that skew it is only possible\n", at)
	}
	fmt.Fprintln(r)
}

func (r *textReport) steps(steps []monitor.WitnessEvent) {
	names, ids := 0, 0
	for _, s := range steps {
		names, ids = max(names, utf8.RuneCountInString(onOneLine(s.Type))), max(ids, utf8.RuneCountInString(onOneLine(s.ID)))
	}
	for i, s := range steps {
		fmt.Fprintf(r, "  %3d. %-*s  %-*s  %s  -> %s\n", i+1, names, onOneLine(s.Type), ids, onOneLine(s.ID), onOneLine(s.Source), onOneLine(s.To))
	}
}

// onOneLine quotes what would break the line, or speak to the terminal.
func onOneLine(text string) string {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return strconv.Quote(text)
	}
	return text
}

func (r *textReport) summary(s monitor.Summary, end bool, elapsed time.Duration) {
	if hidden := r.malformed + r.late - shownAtMost; hidden > 0 {
		fmt.Fprintf(r.stderr, "%s: %d more; malformed are %d, late are %d\n", r.events, hidden, r.malformed, r.late)
	}
	parts := []string{counted(s.Events, "event"), counted(s.Violations, "violation")}
	for _, p := range []struct {
		n    int
		what string
	}{{s.Malformed, "malformed"}, {s.Late, "late"}, {s.Duplicates, "ignored as duplicates"}, {s.Expired, "instances expired"}, {s.Undecided, "instances undecided"}, {s.Owed, "owed at the end"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if s.Lossy {
		parts = append(parts, "events may be missing")
	}
	fmt.Fprintf(r, "%s: %s; %s in %v\n", s.Verdict, strings.Join(parts, ", "), counted(s.Instances, "instance"), elapsed.Round(time.Millisecond/10))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (r *textReport) flush() error { return r.Flush() }

// checkProgress is the line that a check shows on a terminal when it takes
// longer than a second.
type checkProgress struct {
	line progress
	last time.Duration
}

func newCheckProgress(w io.Writer, events string) *checkProgress {
	f, ok := w.(*os.File)
	return &checkProgress{line: progress{w: w, on: ok && term.IsTerminal(int(f.Fd()))}}
}

func (p *checkProgress) show(lines int, part float64, spent time.Duration) {
	if !p.line.on || spent < time.Second || spent < p.last+time.Second/5 {
		return
	}
	p.last = spent
	text := fmt.Sprintf("%d lines, %.0f/s", lines, float64(lines)/spent.Seconds())
	if part > 0 {
		text = fmt.Sprintf("%.0f %%, %s", 100*part, text)
	}
	p.line.print(text)
}

func (p *checkProgress) clear() { p.line.clear() }
