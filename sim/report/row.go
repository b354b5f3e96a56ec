package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/sim"
)

// Words are what happens in the row: a start is named by what invokes.
func (r *Row) Words() string {
	switch {
	case r.Kind != sim.KindStart || r.Trigger == (sim.Trigger{}):
		return r.What
	case r.Number == 0 && r.Outcome.Do != cloud.Drop && r.Outcome.Do != cloud.Coalesce: // an instance waits for it
		return "gets " + r.Trigger.String()
	}
	return "starts: " + r.Trigger.String()
}

// Tail is what follows the words: the result, the instance, the events.
func (r *Row) Tail() []string {
	var out []string
	if result := resultWords(r.Step); result != "" {
		out = append(out, "-> "+result)
	}
	if words := outcomeWords(r.Step); words != "" {
		out = append(out, "("+words+")")
	}
	switch {
	case r.Cold:
		out = append(out, "(cold start of "+r.Instance+")")
	case r.Begins && r.OneOfSeveral:
		out = append(out, "(on "+r.Instance+")")
	}
	if len(r.Dies) > 0 {
		out = append(out, "(with it dies "+List(r.Dies)+")")
	}
	out = append(out, eventWords(r.Step)...)
	if r.Violates {
		out = append(out, "VIOLATED")
	}
	return out
}

// eventWords are the events of a step, equal ones once.
func eventWords(s *sim.Step) []string {
	var out []string
	times := map[string]int{}
	for _, e := range s.Events {
		text := e.String()
		if times[text]++; times[text] == 1 {
			out = append(out, text)
		}
	}
	for i, text := range out {
		if n := times[text]; n > 1 {
			out[i] = fmt.Sprintf("%s x%d", text, n)
		}
	}
	return out
}

// outcomeWords say what a deviation did to a step, where its result does not.
func outcomeWords(s *sim.Step) string {
	switch s.Outcome.Do {
	case cloud.Crash:
		return s.Instance + " crashes " + map[string]string{
			cloud.Before: "before it", cloud.After: "after it", cloud.AtStart: "at its start", cloud.BeforeAck: "before the acknowledgement",
		}[s.Outcome.With]
	case cloud.Duplicate:
		return "it comes twice"
	case cloud.Redeliver:
		return "the acknowledgement is lost"
	case cloud.Drop:
		return "dropped by the platform"
	case cloud.Coalesce:
		return "merged with a later one"
	case cloud.OldRevision:
		return "by the old revision"
	case cloud.Skew:
		return "its clock is off by " + s.Outcome.With
	case cloud.Reap:
		return s.Instance + " is taken away"
	case cloud.StaleRead:
		return "an older state: " + s.Outcome.With + " behind"
	case cloud.Partial:
		return "the last of it is left unprocessed"
	case cloud.Conflict:
		return "in conflict with another operation"
	case cloud.Disconnect:
		return "after an idle connection has died"
	case cloud.LoseWrites:
		return "after a failover that has lost the newest writes: " + s.Outcome.With
	case cloud.Outage:
		return "down for " + s.Outcome.With
	}
	return ""
}

// storyWidth is how wide a row is at most, so that it fits 120 columns where
// something stands before it.
const storyWidth = 110

// folded puts words one after the other, two spaces apart, and begins a new line
// where the next would be too long for this one.
func folded(head string, words []string, indent, width int) string {
	var b strings.Builder
	b.WriteString(head)
	at := utf8.RuneCountInString(head)
	for _, w := range words {
		for _, part := range broken(w, width-indent) {
			n := utf8.RuneCountInString(part)
			if at+2+n > width && at > indent {
				b.WriteString("\n" + strings.Repeat(" ", indent-2))
				at = indent - 2
			}
			b.WriteString("  " + part)
			at += 2 + n
		}
	}
	return b.String()
}

// broken breaks words at spaces into parts of a width; what has no space is cut.
func broken(text string, width int) []string {
	var out []string
	for utf8.RuneCountInString(text) > width {
		runes := []rune(text)
		at := width
		if i := slices.Index(reversed(runes[:width+1]), ' '); i >= 0 && width-i > width/2 {
			at = width - i
		}
		out = append(out, strings.TrimRight(string(runes[:at]), " "))
		text = strings.TrimLeft(string(runes[at:]), " ")
	}
	return append(out, text)
}

func reversed(r []rune) []rune {
	r = slices.Clone(r)
	slices.Reverse(r)
	return r
}
