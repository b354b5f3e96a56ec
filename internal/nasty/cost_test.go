package nasty_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/scenarios"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// benignVariable makes this test binary run the benign schedule of the first
// example scenario so many times.
const benignVariable = "WTSIM_TEST_BENIGN"

func benign(runs int) {
	s, err := sim.Compile(scenarios.All()[0])
	if err != nil {
		panic(err)
	}
	for range runs {
		if r := s.Run(scheduler.Benign{}); r.Verdict != sim.Held {
			panic(r.Why)
		}
	}
}

// The patched runtime costs a benign run less than 5 %: two binaries, by
// turns, in processor time (the machine is not ours alone), the median of the
// ratios.
func TestSoakCost(t *testing.T) {
	if os.Getenv("WTSIM_SOAK") == "" {
		t.Skip("builds two binaries and measures for a minute: make soak runs it")
	}
	plain := filepath.Join(t.TempDir(), "plain.test")
	if out, err := exec.Command("go", "test", "-c", "-o", plain, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	patched := build(t)
	var ratios []float64
	for range 41 {
		ratios = append(ratios, float64(spent(t, patched))/float64(spent(t, plain)))
	}
	slices.Sort(ratios)
	n := len(ratios)
	t.Logf("patched over plain: %.3f (quartiles %.3f and %.3f)", ratios[n/2], ratios[n/4], ratios[3*n/4])
	if ratios[n/2] > 1.05 {
		t.Errorf("the ratio is %.3f, wanted at most 1.05", ratios[n/2])
	}
}

func spent(t *testing.T, bin string) time.Duration {
	t.Helper()
	c := exec.Command(bin)
	c.Env = append(os.Environ(), benignVariable+"=150")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return c.ProcessState.UserTime() + c.ProcessState.SystemTime()
}

// benignJob does what the environment asks for, if it asks.
func benignJob() bool {
	var runs int
	if _, err := fmt.Sscan(os.Getenv(benignVariable), &runs); err != nil {
		return false
	}
	benign(runs)
	return true
}
