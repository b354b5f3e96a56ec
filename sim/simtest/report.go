package simtest

import (
	"fmt"
	"strings"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// message is the constant message of a violation: nothing of the run is in
// it but the property's name.
func message(r *sim.Result) string {
	return fmt.Sprintf("property %q violated", r.Violation.Property)
}

// details tells a run: what the message leaves out, the head, the deviations,
// the timeline, and the command that repeats it. benign may be nil.
func details(head string, run, benign *sim.Result, command string) string {
	var parts []string
	add := func(s string) {
		if s = strings.TrimRight(s, "\n"); s != "" {
			parts = append(parts, s)
		}
	}
	add(strings.Trim(binding(run)+"\n"+head, "\n"))
	add(numbered(run))
	add(indent(story(run, benign)))
	add(indent(report.FirstLines(run.Stack, 40)))
	add("replay:  " + command)
	return strings.Join(parts, "\n\n")
}

// binding is what the message leaves out of the violation, such as
// `for order="o-1"`.
func binding(r *sim.Result) string {
	if r.Violation == nil {
		return ""
	}
	return strings.TrimLeft(strings.TrimPrefix(r.Violation.String(), message(r)), ": ")
}

// story is the timeline. Of a run that is not compared with the benign one
// (it could not be judged: it may be endless) it is the end that matters.
func story(r, benign *sim.Result) string {
	if benign != nil {
		return report.Story(r, benign, storyOptions())
	}
	short := *r
	short.Steps = r.Steps[max(0, len(r.Steps)-20):]
	return report.Story(&short, nil, storyOptions())
}

// numbered lists the deviations of a run, and those of its plan that did not
// occur.
func numbered(r *sim.Result) string {
	text := report.New("", r, nil).Numbered(storyOptions())
	for _, d := range r.Unmatched {
		text += "  " + report.DidNotOccur(d) + "\n"
	}
	return text
}

// indent indents the lines that have something on them.
func indent(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight("  "+line, " ")
	}
	return strings.Join(lines, "\n")
}

// foundIn says how a counterexample came about.
func foundIn(number int, s search.Shrunk) string {
	return fmt.Sprintf("found in schedule %d, %s:", number, report.Reduction(s))
}

// unjudged says which schedule could not be judged.
func unjudged(number int) string { return fmt.Sprintf("in schedule %d:", number) }

func deviations(n int) string { return report.Plural(n, "deviation") }

// command is the shell command that runs a test again, with a flag.
func command(test, flag string, value any) string {
	pattern := strings.ReplaceAll(pattern(test), "'", `'\''`)
	return fmt.Sprintf("%s -run '%s' %s %v", sim.GoTest(), pattern, flag, value)
}
