package command

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// How fast is `wtsim check`, as a whole process, on the field's own traces of
// about a million events? See docs/benchmarks.md for the figures that others
// reach.
//
//	go test ./cmd/wtsim/command -run '^$' -bench 'Check$' -benchtime 3x
func BenchmarkCheck(b *testing.B) {
	for _, t := range traces() {
		b.Run(t.name, func(b *testing.B) {
			dir := b.TempDir()
			props, events := filepath.Join(dir, "props.json"), filepath.Join(dir, "events.ndjson")
			if err := os.WriteFile(props, t.property(1), 0o644); err != nil {
				b.Fatal(err)
			}
			n, err := t.write(events, 1)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				checkOnce(b, t.violations, "--props", props, "--events", events)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// checkOnce runs the command; the violations are those that were seeded.
func checkOnce(b *testing.B, violations int, args ...string) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	c := exec.Command(exe)
	c.Args = append([]string{"wtsim", "check", "--json"}, args...)
	out, err := c.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitViolated || !strings.Contains(string(out), fmt.Sprintf(`"violations":%d,`, violations)) {
		b.Fatalf("%v: %s", err, out[max(0, len(out)-300):])
	}
	b.ReportMetric(float64(c.ProcessState.UserTime()+c.ProcessState.SystemTime())/1e9, "cpu-s")
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		b.ReportMetric(float64(u.Maxrss)/1024, "peak-MB")
	}
}
