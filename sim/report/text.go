package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// FoundText tells what a search has found: the violation, how it was found, its
// plan, and where there is one its story and its stack.
func (r *Report) FoundText(o StoryOptions) string {
	var w strings.Builder
	r.tellViolation(&w, o)
	if r.Found.NoShrink {
		fmt.Fprintf(&w, "found in schedule %d with %s:\n\n", r.Found.Number, Plural(r.Found.Shrunk.Found, "deviation"))
	} else {
		fmt.Fprintf(&w, "found in schedule %d, %s:\n\n", r.Found.Number, Reduction(r.Found.Shrunk))
	}
	r.tellPlan(&w, o)
	story := ""
	if len(r.Timeline.Rows) > 0 {
		story = r.Story(o)
	}
	for _, part := range []string{story, FirstLines(r.Stack, stackLines)} {
		if part != "" {
			fmt.Fprintf(&w, "\n%s\n", Indent(part, "  "))
		}
	}
	return w.String()
}

// ReplayText tells a replay, and where it is not what its file says.
func (r *Report) ReplayText(o StoryOptions, difference string) string {
	var w strings.Builder
	switch r.Verdict {
	case sim.Violated:
		r.tellViolation(&w, o)
		w.WriteString("\n")
	case sim.Held:
		fmt.Fprintf(&w, "%s: no violation: the bug is fixed, or needs a deviation that is not in the file\n\n", r.Scenario)
	default:
		fmt.Fprintf(&w, "%s: inconclusive: %s\n\n", r.Scenario, r.Why)
	}
	r.tellPlan(&w, o)
	for _, d := range r.Unmatched {
		fmt.Fprintf(&w, "  %s\n", DidNotOccur(d))
	}
	parts := []string{Indent(r.Story(o), "  "), "", difference}
	if r.Stack != "" {
		parts[1] = Indent(FirstLines(r.Stack, stackLines), "  ")
	}
	for _, part := range parts {
		if part != "" {
			fmt.Fprintf(&w, "\n%s\n", part)
		}
	}
	return w.String()
}

// FatalText tells that a handler has ended the process of the run, which has
// left no story.
func (r *Report) FatalText() string {
	var w strings.Builder
	fmt.Fprintf(&w, "%v\n\n", r.Violation)
	r.tellPlan(&w, StoryOptions{})
	fmt.Fprintf(&w, "\n%s\n", Indent(FirstLines(r.Stack, 30), "  "))
	return w.String()
}

// TraceText tells a run for its own sake.
func (r *Report) TraceText(o StoryOptions) string {
	var w strings.Builder
	fmt.Fprintf(&w, "%s\n", Indent(r.Story(o), ""))
	tellInputs(&w, r.Inputs)
	fmt.Fprintf(&w, "\n%s: %d steps, %d decisions, benign run %s\n", r.Scenario, len(r.Timeline.Rows), r.Decisions, r.Verdict)
	switch {
	case r.Violation != nil:
		fmt.Fprintf(&w, "%v\n", r.Violation)
	case r.Why != "":
		fmt.Fprintf(&w, "%s\n", r.Why)
	}
	if r.Stack != "" {
		fmt.Fprintln(&w, Indent(FirstLines(r.Stack, stackLines), "  "))
	}
	return w.String()
}

// stackLines is how much of a stack is told.
const stackLines = 40

// tellViolation tells what is violated.
func (r *Report) tellViolation(w *strings.Builder, o StoryOptions) {
	t := r.teller(o)
	t.prose("", 2, r.Violation.String())
	w.WriteString(t.out.String())
}

// tellPlan tells the inputs and the deviations of the run.
func (r *Report) tellPlan(w *strings.Builder, o StoryOptions) {
	tellInputs(w, r.Inputs)
	if len(r.Deviations) > 0 {
		w.WriteString(r.Numbered(o))
	} else if r.Verdict == sim.Violated {
		w.WriteString("  none: the benign schedule violates\n")
	} else {
		w.WriteString("  none: this is the benign schedule\n")
	}
}

func tellInputs(w *strings.Builder, inputs json.RawMessage) {
	var line bytes.Buffer // those of a result file are on many
	if inputs != nil && json.Compact(&line, inputs) == nil {
		fmt.Fprintf(w, "  inputs: %s\n", &line)
	}
}

// Numbered tells the deviations of the run, one after the other.
func (r *Report) Numbered(o StoryOptions) string {
	t := r.teller(o)
	for i, d := range r.Deviations {
		t.prose(fmt.Sprintf("  %d. ", i+1), 5, d.String())
	}
	return t.out.String()
}

// DidNotOccur tells of a deviation that was asked for in vain.
func DidNotOccur(d scheduler.Deviation) string { return "did not occur: " + located(d) }

// located is a deviation with its identity.
func located(d scheduler.Deviation) string {
	return fmt.Sprintf("%s (%s at %s)", d, scheduler.Option{Do: d.Do, With: d.With}, d.At)
}

// NothingText tells a search that has found nothing.
func (s Summary) NothingText(bound int) string {
	var w strings.Builder
	fmt.Fprintln(&w, s.sentence(bound))
	tellInputs(&w, s.Inputs)
	fmt.Fprintln(&w, s.Seen())
	return w.String()
}

// sentence is the verdict of a search for people.
func (s Summary) sentence(bound int) string {
	switch {
	case s.Verdict == sim.Held && s.Shard != "":
		return fmt.Sprintf("%s: no violation in the %d schedules of shard %s; wtsim merge puts the shards together", s.Scenario, s.Schedules, s.Shard)
	case s.Verdict == sim.Held && s.Complete != nil && *s.Complete:
		atMost := ""
		if bound != search.Unbounded {
			atMost = " with at most " + Plural(bound, "deviation")
		}
		return fmt.Sprintf("%s: holds under every schedule%s (%d of %d)", s.Scenario, atMost, s.Schedules, s.Schedules)
	case s.Verdict == sim.Held:
		return fmt.Sprintf("%s: no violation in %d schedules", s.Scenario, s.Schedules)
	}
	return fmt.Sprintf("%s: inconclusive after %d schedules: %s", s.Scenario, s.Schedules, s.Why)
}

// VerdictText tells a schedule that does not violate; seed is the one that was
// asked for.
func (s Summary) VerdictText(seed uint64) string {
	if s.Verdict == sim.Held {
		return fmt.Sprintf("%s: no violation with seed %d\ntrace hash %s\n", s.Scenario, seed, s.TraceHash)
	}
	text := fmt.Sprintf("%s: inconclusive: %s\n", s.Scenario, s.Why)
	if s.Stack != "" {
		text += Indent(FirstLines(s.Stack, stackLines), "  ") + "\n"
	}
	return text
}

// Seen is what a search has seen besides violations.
func (s Summary) Seen() string {
	text := fmt.Sprintf("%d distinct behaviours", s.Behaviours)
	if s.Pruned > 0 {
		text += fmt.Sprintf(", %d plans left out that lead where others have been", s.Pruned)
	}
	if time.Duration(s.ElapsedNS) >= 10*time.Second { // of less it says little
		text += fmt.Sprintf(", %.0f schedules/s", s.PerSecond)
	}
	if s.Coverable > 0 {
		text += fmt.Sprintf("\nof each effect: crash before, crash after, response lost, redelivered: %d of %d cases covered", s.Covered, s.Coverable)
	}
	for _, what := range s.Unreached {
		text += "\nnot reached: " + what
	}
	return text
}

// Indent puts something before each line.
func Indent(text, with string) string {
	return with + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+with)
}

// FirstLines are the first n lines of a text.
func FirstLines(text string, n int) string {
	lines := strings.SplitN(text, "\n", n+1)
	if len(lines) > n {
		lines[n] = "..."
	}
	return strings.Join(lines, "\n")
}
