package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/pgserver"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// childVariable makes this test binary print trace hashes instead of running
// tests.
const childVariable = "WTSIM_TEST_HASHES"

// usesVariable names a service: the scenarios that have it are looked at alone.
const usesVariable = "WTSIM_TEST_USES"

func TestMain(m *testing.M) {
	if n := os.Getenv(childVariable); n != "" {
		var seeds uint64
		if _, err := fmt.Sscan(n, &seeds); err != nil {
			panic(err)
		}
		for _, line := range hashes(seeds) {
			fmt.Println(line)
		}
		return
	}
	os.Exit(m.Run())
}

// hashes runs every scenario with seeds 1 to n, each as A, B, A: the benign
// run lies between the two, so that what a run leaves behind shows.
func hashes(n uint64) []string {
	var out []string
	for _, scenario := range here() {
		uses := os.Getenv(usesVariable)
		if uses != "" && !slices.ContainsFunc(scenario.Services, func(v cloud.Service) bool { return v.Name() == uses }) {
			continue
		}
		s, err := sim.Compile(scenario)
		if err != nil {
			panic(err)
		}
		for seed := uint64(1); seed <= n; seed++ {
			a := s.Run(scheduler.NewRandom(seed))
			s.Run(scheduler.Benign{})
			again := s.Run(scheduler.NewRandom(seed))
			line := fmt.Sprintf("%s seed %d: %s %s", scenario.Name, seed, a.Verdict, a.Hash)
			if again.Hash != a.Hash {
				line += ", again " + again.Hash + ": " + report.FirstDifference(a, again)
			}
			out = append(out, line)
		}
		if uses != "" && scenario.Expect.Violation {
			out = append(out, counterexample(s))
		}
	}
	return out
}

// counterexample is that of the first seed that violates, as a file has it; and whether
// its replay is another run.
func counterexample(s *sim.Simulation) string {
	for seed := uint64(1); seed <= 1000; seed++ {
		r := s.Run(scheduler.NewRandom(seed))
		if r.Verdict != sim.Violated {
			continue
		}
		c := search.NewCounterexample(s, seed, r)
		again := s.Run(scheduler.NewReplay(c.Deviations))
		line, err := json.Marshal(c)
		if err != nil {
			panic(err)
		}
		if !c.Same(again) {
			return string(line) + ", again " + report.FirstDifference(r, again)
		}
		return string(line)
	}
	return ", again and again nothing is found"
}

// Same seed, same bytes: in this process, and in others with one and two
// threads. (Of more seeds [TestGoldenHashes] says so, against processes of
// another day.)
func TestDeterminism(t *testing.T) { sameInProcesses(t, 5) }

// The same for more seeds of what uses Firestore: locks, the goroutines of
// listeners, clients with backoffs of their own.
func TestFirestoreDeterminism(t *testing.T) {
	t.Setenv(usesVariable, "firestore")
	sameInProcesses(t, 20)
}

// And of what uses PostgreSQL, where each process has a server of its own, and statements
// wait for each other there.
func TestPostgresDeterminism(t *testing.T) {
	if os.Getenv("WTSIM_LONG") == "" {
		t.Skip("searches in three processes: WTSIM_LONG=1 runs it")
	}
	pgserver.Need(t)
	t.Setenv(usesVariable, "postgres")
	sameInProcesses(t, 20)
}

// What happens in one instant has one order, though on plain Go either goroutine
// may be the first: two answers that are 200 and 300 ms under way, each an event;
// a context's deadline, and that of a read that has it from there. (The soak has
// found them, each in 1 of 500 000 schedules.)
func TestOneInstant(t *testing.T) {
	for _, name := range []string{"answers", "deadlines"} {
		file, err := search.ReadCounterexample("testdata/oneinstant-" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		s, err := sim.Compile(All()[slices.IndexFunc(All(), func(s sim.Scenario) bool { return s.Name == file.Scenario })])
		if err != nil {
			t.Fatal(err)
		}
		first := s.Run(scheduler.NewReplay(file.Deviations))
		if len(first.Unmatched) > 0 {
			t.Fatalf("%s: the plan fits no more: %v did not occur", name, first.Unmatched)
		}
		for range 20 {
			if again := s.Run(scheduler.NewReplay(file.Deviations)); again.Hash != first.Hash {
				t.Fatalf("%s: %s", name, report.FirstDifference(first, again))
			}
		}
	}
}

// The same for longer; part of `make soak`.
func TestSoakDeterminism(t *testing.T) {
	soaking(t)
	sameInProcesses(t, 200)
}

// soaking skips a test that takes long, unless it is asked for.
func soaking(t *testing.T) {
	if os.Getenv("WTSIM_SOAK") == "" {
		t.Skip("takes minutes: make soak runs it")
	}
}

func sameInProcesses(t *testing.T, seeds uint64) {
	if testing.Short() {
		seeds = 3
	}
	other := map[string]func() []string{}
	for _, threads := range []string{"1", "2"} {
		other[threads] = inProcess(t, seeds, threads)
	}
	want := hashes(seeds)
	for _, line := range want {
		if strings.Contains(line, ", again ") {
			t.Error(line)
		}
	}
	for threads, lines := range other {
		got := lines()
		for i, line := range want {
			if i >= len(got) || got[i] != line {
				t.Errorf("GOMAXPROCS=%s: got %q, want %q", threads, got[min(i, len(got)-1)], line)
			}
		}
	}
}

// inProcess has another process print the hashes, and returns a function that
// waits for them.
func inProcess(t *testing.T, seeds uint64, threads string) func() []string {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%d", childVariable, seeds), "GOMAXPROCS="+threads)
	var out bytes.Buffer
	c.Stdout = &out
	if err := c.Start(); err != nil {
		t.Fatalf("GOMAXPROCS=%s: %v", threads, err)
	}
	return func() []string {
		if err := c.Wait(); err != nil {
			t.Fatalf("GOMAXPROCS=%s: %v", threads, err)
		}
		return strings.Split(strings.TrimSpace(out.String()), "\n")
	}
}
