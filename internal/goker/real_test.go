package goker

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/internal/runtimepatch"
	"github.com/wtsim/wtsim/scheduler"
)

// What a process of the comparison is asked to run: a kernel as it is, or by
// schedules.
const (
	realVariable      = "WTSIM_GOKER_REAL"
	schedulesVariable = "WTSIM_GOKER_SCHEDULES"
)

// runs counts what a process has run until it fails.
var runs int

func TestMain(m *testing.M) {
	code := m.Run()
	if runs > 0 {
		fmt.Println("runs:", runs)
	}
	os.Exit(code)
}

func named(t *testing.T, variable string) Kernel {
	t.Helper()
	for _, k := range Kernels() {
		if k.Name == os.Getenv(variable) {
			return k
		}
	}
	t.Skip("runs one kernel, a bug: TestSoakYardstick asks for it by " + variable)
	return Kernel{}
}

// TestReal runs a kernel as a test of its program would: it fails if
// goroutines have not ended after a second.
func TestReal(t *testing.T) {
	kernel := named(t, realVariable)
	runs++
	k := &K{}
	kernel.Run(k)
	for began := time.Now(); k.Live() > 0 && k.Failure() == ""; time.Sleep(100 * time.Microsecond) {
		if time.Since(began) > time.Second {
			t.Fatalf("%d goroutines have not ended", k.Live())
		}
	}
	if f := k.Failure(); f != "" {
		t.Fatal(f)
	}
}

// TestOneBySchedules runs a kernel's schedules, for the race detector to look
// at.
func TestOneBySchedules(t *testing.T) {
	kernel := named(t, schedulesVariable)
	onOneThread(t)
	for runs = 1; runs <= most; runs++ {
		if failure, _ := run(kernel.Run, scheduler.NewRandom(uint64(runs))); failure != "" || t.Failed() {
			t.Fatal(failure)
		}
	}
}

// The yardstick: how many kernels are found by 1000 schedules, and how many by
// go test -race -count=1000. It prints the table of docs/benchmarks.md.
func TestSoakYardstick(t *testing.T) {
	if os.Getenv("WTSIM_SOAK") == "" {
		t.Skip("builds three binaries and runs them for minutes: make soak runs it")
	}
	plain, patched, raced := binary(t, false, true), binary(t, true, false), binary(t, true, true)
	found := map[string]int{}
	var table strings.Builder
	for _, k := range Kernels() {
		row := []string{k.Name, k.Bug}
		for _, c := range []struct {
			column, bin string
			args        []string
			env         string
		}{
			{"schedules", patched, []string{"-test.run=^TestOneBySchedules$"}, schedulesVariable},
			{"schedules -race", raced, []string{"-test.run=^TestOneBySchedules$"}, schedulesVariable},
			{"go test -race", plain, []string{"-test.run=^TestReal$", "-test.count=1000", "-test.failfast"}, realVariable},
		} {
			n := firstFailure(c.bin, c.env+"="+k.Name, c.args)
			if n != "" {
				found[c.column]++
			}
			row = append(row, n)
		}
		fmt.Fprintf(&table, "| %s |\n", strings.Join(row, " | "))
	}
	t.Logf("found of %d: %v\n%s", len(Kernels()), found, table.String())
	if found["schedules -race"] < len(Kernels()) {
		t.Errorf("schedules with the race detector find %d of %d", found["schedules -race"], len(Kernels()))
	}
}

// firstFailure returns the number of the first run that fails, "crash" if the
// process ends with it, or nothing.
func firstFailure(bin, env string, args []string) string {
	c := exec.Command(bin, append(args, "-test.timeout=5m")...)
	c.Env = append(os.Environ(), env, "GORACE=halt_on_error=0")
	out, err := c.CombinedOutput()
	if err == nil {
		return ""
	}
	if m := regexp.MustCompile(`(?m)^runs: (\d+)$`).FindSubmatch(out); m != nil {
		if bytes.Contains(out, []byte("DATA RACE")) {
			return string(m[1]) + " (race)"
		}
		return string(m[1])
	}
	return "crash"
}

// binary makes this test binary, on the patched runtime or on the plain one.
func binary(t *testing.T, patched, race bool) string {
	t.Helper()
	release, err := runtimepatch.Installed("go", ".", os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir() // where wtsim test has it, too
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := release.Overlay(filepath.Join(cache, "wtsim", "runtime"))
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "goker.test")
	args := []string{"test", "-c", "-o", bin}
	if patched {
		args = append(args, "-overlay", overlay.File, "-tags", runtimepatch.Tag)
	}
	if race {
		args = append(args, "-race")
	}
	c := exec.Command(overlay.Command(), append(args, ".")...)
	c.Env = append(append(os.Environ(), overlay.Env()...), "CGO_ENABLED=1")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}
