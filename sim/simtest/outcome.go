package simtest

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/wtsim/wtsim/internal/wholefile"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
)

// outcomes are those of this process's tests so far, for -wtsim.junit and
// -wtsim.sarif: the files are written anew with each.
var outcomes struct {
	mu  sync.Mutex
	all []report.Outcome
}

// note keeps the outcome of a test for the tools that want it.
func note(t testing.TB, o report.Outcome) {
	t.Helper()
	if *format == "" && *junitFile == "" && *sarifFile == "" {
		return
	}
	o.Name = t.Name()
	o.File, o.Line = testLine()
	outcomes.mu.Lock()
	defer outcomes.mu.Unlock()
	outcomes.all = append(outcomes.all, o)
	if *format != "" {
		fmt.Fprint(os.Stdout, "\n"+o.GitHub()) // at the beginning of a line
	}
	write := func(path string, as func(io.Writer, []report.Outcome) error) {
		if path == "" {
			return
		}
		if err := wholefile.Write(path, func(w io.Writer) error { return as(w, outcomes.all) }); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	write(*junitFile, report.JUnit)
	write(*sarifFile, report.SARIF)
}

// testLine is the line of the test that is running, its file as in the
// repository where that is known.
func testLine() (file string, line int) {
	pcs := make([]uintptr, 50)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for f, more := frames.Next(); ; f, more = frames.Next() {
		if strings.HasSuffix(f.File, "_test.go") {
			return inRepository(f.File), f.Line
		}
		if !more {
			return "", 0
		}
	}
}

// inRepository is a file's path from the root of what continuous integration has
// checked out.
func inRepository(path string) string {
	for _, variable := range []string{"GITHUB_WORKSPACE", "CI_PROJECT_DIR"} {
		if root := os.Getenv(variable); root != "" {
			if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) {
				return filepath.ToSlash(rel)
			}
		}
	}
	return path
}

// fail fails a test that could not be judged: the message on a line of its own,
// the details apart.
func fail(t testing.TB, message, details string) {
	t.Helper()
	note(t, report.Outcome{Verdict: sim.Inconclusive, Rule: "inconclusive", Message: message, Text: message + "\n" + details})
	t.Error(message)
	t.Log(details)
	t.FailNow()
}

// violates tells a violation, and lets the test go on.
func violates(t testing.TB, r *sim.Result, details string) {
	t.Helper()
	note(t, report.Outcome{Verdict: sim.Violated, Rule: r.Violation.Property, Message: message(r), Text: message(r) + "\n" + details})
	t.Error(message(r))
	t.Log(details)
}
