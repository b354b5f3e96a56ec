package e2e

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-dap"
)

// How long an editor waits for step 4 000 of 5 000, and for the step before it.
func BenchmarkDebugFar(b *testing.B) {
	for b.Loop() {
		benchmarkDebugFar(b)
	}
}

func benchmarkDebugFar(b *testing.B) {
	dir := ownModule(b)
	file := filepath.Join(dir, "long.json")
	text := `{"format":"wtsim-counterexample/1","scenario":"long","inputs":{},"deviations":[],"trace_hash":"","wtsim":"","go":"","runtime":"patched"}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	told, addr, wait := debugServer(b, dir, "debug", file, "--of", "./longsim:Scenario", "--step", "4000", "--dap", "127.0.0.1:0")
	if !strings.HasPrefix(told[0], "step 4000: count #1  redis INCR n") {
		b.Fatal(told)
	}
	b.ReportMetric(time.Since(began).Seconds(), "s-to-build")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	e := &editor{t: b, conn: conn, in: bufio.NewReader(conn)}
	began = time.Now()
	e.ask("initialize", dap.InitializeRequestArguments{AdapterID: "go", PathFormat: "path", LinesStartAt1: true, ColumnsStartAt1: true})
	e.ask("launch", map[string]any{})
	e.until("initialized")
	e.ask("configurationDone", nil)
	said, _, _, thread := e.stopped()
	b.ReportMetric(time.Since(began).Seconds(), "s-to-step")
	if stepIn(said) != 4000 {
		b.Fatal(said)
	}
	began = time.Now()
	e.ask("stepBack", dap.StepBackArguments{ThreadId: thread})
	if said, _, _, _ = e.stopped(); stepIn(said) != 3999 {
		b.Fatal(said)
	}
	b.ReportMetric(time.Since(began).Seconds(), "s-back")
	e.ask("disconnect", nil)
	if code := wait(); code != 0 {
		b.Errorf("exit code %d", code)
	}
}
