package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-dap"
)

// A program's process is stopped where it makes the operation of a step, in its
// own frame: by a command, and in an editor, which goes on there and back.
func TestDebugProgram(t *testing.T) {
	t.Parallel() // all of it is in other processes
	long(t)
	dir := filepath.Join(exampleModule(t, "programs"), "orders")
	file := filepath.Join(t.TempDir(), "bug.json")
	asWtsim(t, dir, 1, "run", "--config", "wtsim.yaml", "--out", file)
	source := filepath.Join(dir, "main.go")
	line := lineOf(t, source, "provider.Do(")
	here := fmt.Sprintf("main.go:%d", line)
	steps := stepsOf(t, asWtsim(t, dir, 1, "replay", file, "--full", "--config", "wtsim.yaml"), "POST payments.example/charges")
	again := strconv.Itoa(steps[1])

	out := asWtsim(t, dir, 0, "debug", file, "--config", "wtsim.yaml", "--step", again, "--command", "print o.ID")
	lines := strings.Split(out, "\n")
	if len(lines) < 3 || !strings.HasPrefix(lines[0], "step "+again+": orders #") || !strings.HasSuffix(lines[1], here+"  main.charge") || !strings.Contains(out, `"o-1"`) {
		t.Errorf("got %s", out)
	}

	told, addr, wait := debugServer(t, dir, "debug", file, "--config", "wtsim.yaml", "--step", again, "--dap", "127.0.0.1:0")
	if len(told) < 2 || !strings.HasPrefix(told[0], "step "+again+": orders #") || !strings.HasSuffix(told[1], here+"  main.charge") {
		t.Errorf("it says %q", told)
	}
	e := attached(t, addr, source, line)
	said, at, frame, thread := e.stopped()
	if !strings.HasPrefix(said, "step step "+again+": ") || at != here {
		t.Fatalf("it begins at %s: %s", at, said)
	}
	if v := e.ask("evaluate", dap.EvaluateArguments{Expression: "o.ID", FrameId: frame}).(*dap.EvaluateResponse).Body.Result; v != `"o-1"` {
		t.Errorf("o.ID is %s", v)
	}
	e.ask("next", dap.NextArguments{ThreadId: thread})
	if said, at, _, thread = e.stopped(); at != fmt.Sprintf("main.go:%d", line+1) {
		t.Errorf("next goes to %s: %s", at, said)
	}
	e.ask("stepBack", dap.StepBackArguments{ThreadId: thread}) // over what it has just done
	if said, at, _, thread = e.stopped(); !strings.HasPrefix(said, "step step "+again+": ") || at != here {
		t.Errorf("step back goes to %s: %s", at, said)
	}
	e.ask("stepBack", dap.StepBackArguments{ThreadId: thread})
	if said, _, _, _ = e.stopped(); stepIn(said) == 0 || stepIn(said) >= steps[1] {
		t.Errorf("step back says %s, wanted a step before %s", said, again)
	}
	e.ask("disconnect", nil)
	if code := wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// exampleModule is a copy of a module of the examples.
func exampleModule(t *testing.T, name string) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "examples", name))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "go.mod")
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, []byte(strings.Replace(string(text), "=> ../..", "=> "+root, 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
