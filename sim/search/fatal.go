package search

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/sim"
)

// Fatal is how a handler has ended its process.
type Fatal struct {
	Why      string // the first line that it printed
	Function string // if a label tells
	Stack    string
}

var (
	fatalLine  = regexp.MustCompile(`(?m)^(panic: |fatal error: |SIG[A-Z]+: |unexpected fault address )`)
	labelValue = regexp.MustCompile(`goroutine \d+.*\{.*"?wtsim"?: "?\d+ (?:new )?([^ ("]+)\(`)
)

// Labelled is the environment of a process whose fatal errors name, in their
// stacks, what each goroutine works for: so they tell the function.
func Labelled(env []string) []string {
	debug := "tracebacklabels=1"
	if old := os.Getenv("GODEBUG"); old != "" {
		debug = old + "," + debug
	}
	return append(env, "GODEBUG="+debug)
}

// BeginsFatal reports whether a process begins to tell of its end.
func BeginsFatal(stderr []byte) bool { return fatalLine.Match(stderr) }

// ReadFatal reads what a dead process has printed; why is the reason where
// that tells none. It returns nil if it was not a handler's doing.
func ReadFatal(why, stderr string) *Fatal {
	if !fatalLine.MatchString(stderr) || !strings.Contains(stderr, "\ngoroutine ") {
		return nil
	}
	f := &Fatal{Why: why, Stack: stderr[fatalLine.FindStringIndex(stderr)[0]:]}
	f.Why, _, _ = strings.Cut(f.Stack, "\n")
	if m := labelValue.FindStringSubmatch(f.Stack); m != nil {
		f.Function = m[1]
	}
	return f
}

// Exit is how a process has ended itself while a handler ran.
type Exit struct{ Code int }

// Error says so.
func (e *Exit) Error() string { return fmt.Sprintf("os.Exit(%d)", e.Code) }

// Fatal is what it comes to, as far as the process that has waited knows.
func (e *Exit) Fatal() *Fatal { return &Fatal{Why: e.Error(), Stack: e.Error()} }

// fatal is the same, with what the process has printed: its last word.
func (e *Exit) fatal(printed string) *Fatal {
	f := e.Fatal()
	if printed = strings.TrimSpace(printed); printed != "" {
		f.Stack += ", after it has printed:\n\n" + printed
	}
	return f
}

// Violation is the finding.
func (f *Fatal) Violation() *monitor.Violation {
	v := &monitor.Violation{Property: sim.NoExit, Certainty: monitor.Certain}
	if f.Function != "" {
		v.Binding = monitor.Binding{{Name: "function", Value: event.Str(f.Function)}}
	}
	return v
}
