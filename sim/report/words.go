package report

import (
	"fmt"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// resultWords is the step's result on one line, with what a deviation did to
// it.
func resultWords(s *sim.Step) string {
	result := s.Status
	if delivered, ok := s.Delivered(); ok {
		result += " " + delivered
	}
	result = strings.ReplaceAll(strings.TrimSpace(result), "\n", "; ")
	if s.Lacks != "" {
		result += ": wtsim does not have " + s.Lacks // no service says so
	}
	switch s.Outcome.Do {
	case cloud.Stall, cloud.LateEffect:
		result += " past the " + s.Held.String()
	case cloud.LoseResponse:
		if s.Kind == sim.KindEnd {
			result += " (response lost)"
		}
	}
	return result
}

// who is the invocation of a step, such as "charge #2".
func who(s *sim.Step) string {
	if s.Function == "" {
		return ""
	}
	if s.Number == 0 {
		return strings.TrimSpace(s.Function + " " + s.Instance) // what it does by itself
	}
	return fmt.Sprintf("%s #%d", s.Function, s.Number)
}

// Reduction says what became of a plan: "minimised from 5 deviations to 1".
func Reduction(s search.Shrunk) string {
	found, to := s.Found, len(s.Plan)
	text := fmt.Sprintf("minimised from %s to %d", Plural(found, "deviation"), to)
	switch {
	case s.Parted != "":
		return fmt.Sprintf("%s (stopped: a smaller plan is not repeatable: %s)", text, s.Parted)
	case !s.Minimal:
		return text + " (stopped early: it may not be minimal)"
	case found == 0:
		return "without any deviation: the benign schedule violates"
	case to == 0:
		return text + ": the benign schedule violates"
	case to == found && to == 1:
		return "with 1 deviation"
	case to == found:
		return fmt.Sprintf("with %s, none of which can be left out", Plural(found, "deviation"))
	}
	return text
}

// Plural is a number of things: "1 deviation", "2 deviations".
func Plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// List joins names: "a, b and c".
func List(names []string) string {
	out := names[0]
	for i, n := range names[1:] {
		if i == len(names)-2 {
			out += " and " + n
		} else {
			out += ", " + n
		}
	}
	return out
}
