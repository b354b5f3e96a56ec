package nasty_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wtsim/wtsim/internal/runtimepatch"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// jobVariable makes this test binary print the traces of schedules instead of
// running tests: "FIRST LAST", in this order.
const jobVariable = "WTSIM_TEST_NASTY"

func TestMain(m *testing.M) {
	if benignJob() {
		return
	}
	if job := os.Getenv(jobVariable); job != "" {
		var first, last uint64
		if _, err := fmt.Sscan(job, &first, &last); err != nil {
			panic(err)
		}
		for seed := first; seed <= last; seed++ {
			fmt.Println(trace(seed))
		}
		return
	}
	os.Exit(m.Run())
}

func simulation() *sim.Simulation {
	s, err := sim.Compile(scenario())
	if err != nil {
		panic(err)
	}
	return s
}

func trace(seed uint64) string {
	r := simulation().Run(scheduler.NewRandom(seed))
	return fmt.Sprintf("seed %d: %s %d steps %s %s", seed, r.Verdict, len(r.Steps), r.Hash, r.Why)
}

// The nastiest scenario has one trace a seed, in every process, with any
// number of threads. On plain Go it has none.
func TestSameTraces(t *testing.T) {
	if !seeded.Runtime {
		t.Skip("needs the patched runtime: wtsim test runs it, as make check does")
	}
	sameTraces(t, os.Args[0], 60, 6)
}

// The same for 10 000 runs in 20 processes, with and without the race
// detector.
func TestSoakSameTraces(t *testing.T) {
	if os.Getenv("WTSIM_SOAK") == "" {
		t.Skip("takes minutes: make soak runs it")
	}
	sameTraces(t, build(t), 500, 20)
	sameTraces(t, build(t, "-race"), 500, 20)
}

// sameTraces runs the same seeds in every one of the processes, each from
// another seed on, so that no run comes after the same ones.
func sameTraces(t *testing.T, bin string, seeds, processes int) {
	t.Helper()
	var mu sync.Mutex
	want := map[string]string{}
	slots, wg := make(chan bool, 2), sync.WaitGroup{}
	for p := range processes {
		wg.Go(func() {
			slots <- true
			defer func() { <-slots }()
			threads := []int{1, 2, 4}[p%3]
			for _, line := range traces(t, bin, threads, 1+p*seeds/processes, seeds) {
				seed, _, _ := strings.Cut(line, ":")
				mu.Lock()
				if want[seed] == "" {
					want[seed] = line
				} else if want[seed] != line {
					t.Errorf("process %d, GOMAXPROCS=%d: %s, elsewhere %s", p, threads, line, want[seed])
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(want) != seeds {
		t.Errorf("%d seeds were run, wanted %d", len(want), seeds)
	}
	for _, line := range want {
		if !strings.Contains(line, ": held ") {
			t.Error(line)
		}
	}
	t.Logf("%d runs in %d processes: %d seeds, one trace each", seeds*processes, processes, len(want))
}

// traces runs all seeds in one process, beginning with the one given.
func traces(t *testing.T, bin string, threads, first, seeds int) (lines []string) {
	for _, job := range []string{fmt.Sprint(first, " ", seeds), fmt.Sprint(1, " ", first-1)} {
		c := exec.Command(bin)
		c.Env = append(os.Environ(), jobVariable+"="+job, fmt.Sprint("GOMAXPROCS=", threads))
		var stderr bytes.Buffer
		c.Stderr = &stderr
		out, err := c.Output()
		if err != nil {
			t.Errorf("%v\n%s", err, stderr.String())
		}
		lines = append(lines, strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })...)
	}
	return lines
}

// build makes this test binary on the patched runtime.
func build(t *testing.T, flags ...string) string {
	t.Helper()
	release, err := runtimepatch.Installed("go", ".", os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := release.Overlay(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "nasty.test")
	args := append([]string{"test", "-c", "-o", bin, "-overlay", overlay.File, "-tags", runtimepatch.Tag}, flags...)
	c := exec.Command(overlay.Command(), append(args, ".")...)
	c.Env = append(os.Environ(), overlay.Env()...)
	if len(flags) > 0 {
		c.Env = append(c.Env, "CGO_ENABLED=1")
	}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}
