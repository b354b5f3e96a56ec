// Package programstest searches the programs of examples/programs, which do not
// know of it: each has one bug that only the death of an instance, a new instance,
// a failed start, a time limit, a stale read or contention shows.
package programstest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cmd/wtsim/config"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// What a process of a test is told: the example, and the plan that it replays, or
// that it is to run many seeds.
const (
	exampleVariable = "WTSIM_EXAMPLE"
	planVariable    = "WTSIM_EXAMPLE_PLAN"
	seedsVariable   = "WTSIM_EXAMPLE_SEEDS"
)

// repairable are the examples that have a repaired form beside the bug.
var repairable = []string{"fulfil", "products", "credits", "tickets"}

func compiled(t *testing.T, name string) *sim.Simulation { return loaded(t, name, "wtsim.yaml") }

func loaded(t *testing.T, name, file string) *sim.Simulation {
	t.Helper()
	s, err := config.Load(filepath.Join("..", "programs", name, file))
	if err != nil {
		t.Fatal(err)
	}
	c, err := sim.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The bug of each example is found, shrunk to as few deviations as its file says,
// and is the same in three processes.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library and ten programs; runs without -short")
	}
	for _, name := range append([]string{"album", "orders", "ledger", "shipper", "pinger", "receipts"}, repairable...) {
		t.Run(name, func(t *testing.T) {
			subject := search.Subject{Simulation: compiled(t, name)}
			if r := subject.Run(scheduler.Benign{}); r.Verdict != sim.Held {
				t.Fatalf("without deviations: %s (%s)", r.Verdict, r.Why)
			}
			o := search.Options{Schedules: 1000}
			if name == "shipper" { // a worker's schedules take seconds, and one deviation is enough
				o.Strategy, o.Bound = "bounded", 1
			}
			found, err := subject.Search(t.Context(), o)
			if err != nil || found.Result == nil {
				t.Fatalf("nothing is found in %d schedules: %v, %+v", found.Ran, err, found.Inconclusive)
			}
			shrunk, _ := subject.Shrink(found.Result, nil)
			if want := subject.Scenario().Expect.Deviations; len(shrunk.Plan) != want {
				t.Errorf("%d deviations, wanted %d: %v", len(shrunk.Plan), want, shrunk.Plan)
			}
			t.Logf("after %d schedules: %v", found.Ran, shrunk.Plan)
			plan, err := json.Marshal(shrunk.Plan)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				c := exec.Command(os.Args[0], "-test.run", "^TestReplay$", "-test.v")
				c.Env = append(os.Environ(), exampleVariable+"="+name, planVariable+"="+string(plan))
				out, err := c.CombinedOutput()
				if err != nil || !strings.Contains(string(out), "violated "+shrunk.Result.Hash) {
					t.Errorf("wanted %s, got %v\n%s", shrunk.Result.Hash, err, out)
				}
			}
		})
	}
}

// The repaired form of an example holds where the bug was found.
func TestRepaired(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library and four programs; runs without -short")
	}
	for _, name := range repairable {
		t.Run(name, func(t *testing.T) {
			subject := search.Subject{Simulation: loaded(t, name, "repaired.yaml")}
			for _, o := range []search.Options{{Schedules: 100}, {Strategy: "bounded", Bound: 1}} {
				found, err := subject.Search(t.Context(), o)
				if err != nil || found.Result != nil || found.Inconclusive != nil {
					t.Errorf("%+v after %d schedules: %v, %+v, %+v", o, found.Ran, err, found.Result, found.Inconclusive)
				}
			}
		})
	}
}

// A seed has one hash, however many processors the world's process has.
func TestSettings(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library and four programs; runs without -short")
	}
	for _, name := range repairable {
		t.Run(name, func(t *testing.T) {
			want := ""
			for _, processors := range []string{"1", "2", "8"} {
				c := exec.Command(os.Args[0], "-test.run", "^TestSeeds$", "-test.v")
				c.Env = append(os.Environ(), exampleVariable+"="+name, seedsVariable+"=20", "GOMAXPROCS="+processors)
				out, err := c.CombinedOutput()
				got := strings.Join(slices.DeleteFunc(strings.Split(string(out), "\n"), func(line string) bool { return !strings.Contains(line, "seed ") }), "\n")
				if err != nil || strings.Count(got, "seed ") != 20 || strings.Contains(got, string(sim.Inconclusive)) {
					t.Fatalf("%v\n%s", err, out)
				}
				if want == "" {
					want = got
				}
				if got != want {
					t.Errorf("with %s processors\n%s\nwanted\n%s", processors, got, want)
				}
			}
		})
	}
}

// TestSeeds is what such a process does.
func TestSeeds(t *testing.T) {
	seeds, err := strconv.ParseUint(os.Getenv(seedsVariable), 10, 64)
	if err != nil {
		t.Skip("is started by TestSettings")
	}
	c := compiled(t, os.Getenv(exampleVariable))
	for seed := range seeds {
		r := c.Run(scheduler.NewRandom(seed))
		t.Logf("seed %d: %s %s", seed, r.Verdict, r.Hash)
	}
}

// A client of a service of the platform's that the scenario does not have may
// connect, as album's does in TestExamples; what it calls is told by name.
func TestServiceMissing(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library and a program; runs without -short")
	}
	s, err := config.Load(filepath.Join("..", "programs", "prints", "wtsim.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.Services = slices.DeleteFunc(s.Services, func(s cloud.Service) bool { return s.Name() == "tasks" })
	if r := sim.Run(s, scheduler.Benign{}); r.Verdict != sim.Inconclusive || !strings.Contains(r.Why, "order calls cloudtasks.googleapis.com past the seam") {
		t.Errorf("got %s (%s)", r.Verdict, r.Why)
	}
}

// One property speaks of what the program does, of what its client is told and of
// what the store holds in the end.
func TestOneProperty(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library and a program; runs without -short")
	}
	s, err := config.Load(filepath.Join("..", "programs", "orders", "wtsim.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, elsewhere := range []bool{false, true} {
		if elsewhere { // as if the program noted orders where nobody looks for them
			s.Rules[1].Resource = "orders/{order}"
		}
		c, err := sim.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		r := c.Run(scheduler.Benign{})
		var events []string
		for _, step := range r.Steps {
			for _, e := range step.Events {
				events = append(events, e.Type)
			}
		}
		switch got := strings.Join(events, " "); {
		case !elsewhere && (r.Verdict != sim.Held || got != "CHARGED ACCEPTED NOTED"):
			t.Errorf("got %s, events %s", r.Verdict, got)
		case elsewhere && (r.Verdict != sim.Violated || !strings.Contains(r.Violation.Property, "noted in the end") || got != "CHARGED ACCEPTED"):
			t.Errorf("not noted: got %s (%v), events %s", r.Verdict, r.Violation, got)
		}
	}
}

// TestReplay is what such a process does.
func TestReplay(t *testing.T) {
	name := os.Getenv(exampleVariable)
	if os.Getenv(planVariable) == "" {
		t.Skip("is started by TestExamples")
	}
	var plan []scheduler.Deviation
	if err := json.Unmarshal([]byte(os.Getenv(planVariable)), &plan); err != nil {
		t.Fatal(err)
	}
	r := compiled(t, name).Run(scheduler.NewReplay(plan))
	t.Log(r.Verdict, r.Hash)
}
