package command

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
)

// How fast is `wtsim check`, as a whole process, on a million events of
// 100 000 parameter values with 98 violations? See docs/benchmarks.md for the
// field's figures on traces of this shape.
//
//	go test ./cmd/wtsim/command -run '^$' -bench Check
func BenchmarkCheck(b *testing.B) {
	for _, p := range []struct{ name, machine string }{
		{"once", `{"APPROVE":{"params":["a"],"INITIAL":{"to":"approved"}},
			"PUBLISH":{"params":["a"],"INITIAL":{"to":"FAILURE"}}}`},
		{"since", `{"APPROVE":{"params":["a"],"INITIAL":{"to":"approved"}},
			"REVOKE":{"params":["a"],"approved":{"to":"INITIAL"}},
			"PUBLISH":{"params":["a"],"INITIAL":{"to":"FAILURE"}}}`},
	} {
		b.Run(p.name, func(b *testing.B) {
			dir := b.TempDir()
			props, events := filepath.Join(dir, "props.json"), filepath.Join(dir, "events.ndjson")
			text := fmt.Sprintf(`{"name":%q,"quantifiedVariables":["a"],"stateMachine":%s}`, p.name, p.machine)
			if err := os.WriteFile(props, []byte(text), 0o644); err != nil {
				b.Fatal(err)
			}
			million(b, events, p.name == "since")
			for b.Loop() {
				checkOnce(b, props, events)
			}
			b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// million writes the trace: every value is approved first, but 98; with
// revocations, each is followed by a new approval.
func million(b *testing.B, path string, revoked bool) {
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	r := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var line []byte
	for i := range 1_000_000 {
		at = at.Add(time.Millisecond)
		kind, a := "PUBLISH", r.IntN(100_000)
		switch {
		case i < 100_000:
			kind, a = "APPROVE", i
			if i%1000 == 0 && i < 98_000 {
				kind = "PUBLISH" // one of the 98
			}
		case revoked && i%4 == 0:
			kind, a = "REVOKE", i/4%50_000
		case revoked && i%4 == 1:
			kind, a = "APPROVE", (i-1)/4%50_000
		}
		e := event.Event{ID: fmt.Sprint(i), Source: fmt.Sprintf("/functions/f/i-%d", i%64), Type: kind, Time: at,
			Data: event.Data{{Name: "a", Value: event.Str(fmt.Sprintf("value-%d", a))}}}
		line = append(e.AppendJSON(line[:0]), '\n')
		if _, err := w.Write(line); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		b.Fatal(err)
	}
}

// checkOnce runs the command; the violations are those that were seeded.
func checkOnce(b *testing.B, props, events string) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	c := exec.Command(exe)
	c.Args = []string{"wtsim", "check", "--props", props, "--events", events, "--json"}
	out, err := c.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitViolated || !strings.Contains(string(out), `"violations":98,`) {
		b.Fatalf("%v: %s", err, out[max(0, len(out)-300):])
	}
	b.ReportMetric(float64(c.ProcessState.UserTime()+c.ProcessState.SystemTime())/1e9, "cpu-s")
}
