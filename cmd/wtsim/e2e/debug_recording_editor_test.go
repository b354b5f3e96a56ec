package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-dap"
)

// An editor debugs an invocation of production as it does a run: it begins at an
// operation in the handler's frame, sees what was recorded, steps back to the one
// before, and continues back to a breakpoint.
func TestDebugRecordingEditor(t *testing.T) {
	t.Parallel() // all of it is in other processes
	long(t)
	dir := ownModule(t)
	file := filepath.Join(dir, "i-7_inv-1.jsonl")
	if err := os.WriteFile(file, []byte(recorded), 0o600); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "shop", "shop.go")
	post, incr := lineOf(t, source, "s.payments.Post"), lineOf(t, source, "s.store.Incr")
	told, addr, wait := debugServer(t, dir, "debug", file, "--of", "./shop:Played", "--event", "i-7/3", "--dap", "127.0.0.1:0")
	if !strings.HasPrefix(told[0], "step 2: i-7/inv-1  payments POST /charges") || !strings.Contains(told[1], fmt.Sprintf("shop.go:%d  ", post)) {
		t.Errorf("it says %q", told)
	}
	e := attached(t, addr, source, incr)

	said, at, frame, thread := e.stopped()
	if !strings.HasPrefix(said, "step step 2: ") || at != fmt.Sprintf("shop.go:%d", post) {
		t.Errorf("it begins at %s: %s", at, said)
	}
	if v := e.ask("evaluate", dap.EvaluateArguments{Expression: "seen", FrameId: frame}).(*dap.EvaluateResponse).Body.Result; v != "1" { // as Redis answered then
		t.Errorf("seen is %s", v)
	}
	e.ask("stepBack", dap.StepBackArguments{ThreadId: thread})
	if said, at, _, thread = e.stopped(); !strings.HasPrefix(said, "step step 1: ") || at != fmt.Sprintf("shop.go:%d", incr) {
		t.Errorf("step back goes to %s: %s", at, said)
	}
	e.ask("next", dap.NextArguments{ThreadId: thread})
	if said, at, _, thread = e.stopped(); at != fmt.Sprintf("shop.go:%d", incr+1) {
		t.Errorf("next goes to %s: %s", at, said)
	}
	e.ask("reverseContinue", dap.ReverseContinueArguments{ThreadId: thread})
	if said, at, _, _ = e.stopped(); said != "breakpoint " || at != fmt.Sprintf("shop.go:%d", incr) {
		t.Errorf("reverse continue goes to %s: %s", at, said)
	}
	e.ask("disconnect", nil)
	if code := wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
