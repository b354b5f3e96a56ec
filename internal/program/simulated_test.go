package program_test

import (
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// shop is a program that nobody has changed for wtsim: package main, its client
// in a package variable.
func shop(requests ...string) sim.Scenario {
	var c sim.Client
	for _, path := range requests {
		c.Requests = append(c.Requests, sim.Request{Function: "shop", Path: path})
	}
	c.Name, c.Retries = "alice", 2
	return sim.Scenario{
		Name: "program/shop", Platform: gcp.CloudRun(),
		Services:  []cloud.Service{redis.New("redis").At("redis:6379")},
		Functions: []sim.Function{sim.Program("github.com/wtsim/wtsim/internal/program/testdata/shop")},
		Clients:   []sim.Client{c},
	}
}

func compiled(t *testing.T, s sim.Scenario) *sim.Simulation {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the standard library; runs without -short")
	}
	c, err := sim.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func story(r *sim.Result) string {
	var b strings.Builder
	for _, s := range r.Steps {
		b.WriteString(s.Identity + " " + s.Outcome.String() + " " + s.Status + " " + s.Output + "\n")
	}
	return b.String()
}

// A program gets its requests, reaches its services by the names that it has
// written down, and prints; the same in every run.
func TestProgram(t *testing.T) {
	s := compiled(t, shop("/buy/a", "/buy/a"))
	first := s.Run(scheduler.Benign{})
	if first.Verdict != sim.Held {
		t.Fatalf("%+v %s", first.Verdict, first.Why)
	}
	if got := story(first); !strings.Contains(got, "shop(alice/1):redis.INCR charged:a/1  1") || !strings.Contains(got, "2026/01/01 00:00:00 buy a as ") {
		t.Errorf("got %s", got)
	}
	for seed := range uint64(20) {
		one, two := s.Run(scheduler.NewRandom(seed)), s.Run(scheduler.NewRandom(seed))
		if one.Hash != two.Hash || story(one) != story(two) {
			t.Errorf("seed %d: %s (%s)\n%s\nthen %s\n%s", seed, one.Verdict, one.Why, story(one), two.Why, story(two))
		}
	}
}

// overcharged is the shop with what must hold.
func overcharged() sim.Scenario {
	s := shop("/buy/a")
	s.Rules = []probe.Rule{{Service: "redis", Method: "INCR", Resource: "charged:{order}", Emit: "CHARGED", With: map[string]string{"order": "{order}"}}}
	s.Properties = []*props.Property{props.AtMostOnce("charged at most once", props.On("CHARGED", "order"))}
	return s
}

// A crash is the end of a process, and what comes after is another one: the
// violation is found, shrunk to what it needs, and the same when it is run
// again.
func TestProgramCrash(t *testing.T) {
	s := overcharged()
	s.Faults.Kinds = []string{cloud.Crash}
	subject := search.Subject{Simulation: compiled(t, s)}
	found, err := subject.Search(t.Context(), search.Options{Schedules: 200})
	if err != nil || found.Result == nil {
		t.Fatalf("%v after %d schedules, %+v", err, found.Ran, found.Inconclusive)
	}
	shrunk, _ := subject.Shrink(found.Result, nil)
	if len(shrunk.Plan) != 1 || shrunk.Plan[0].Do != cloud.Crash || shrunk.Parted != "" {
		t.Fatalf("got %v, %s", shrunk.Plan, shrunk.Parted)
	}
	again := subject.Run(scheduler.NewReplay(shrunk.Plan))
	if again.Hash != shrunk.Result.Hash || again.Verdict != sim.Violated {
		t.Errorf("%s %s, wanted %s", again.Verdict, again.Hash, shrunk.Result.Hash)
	}
}

// Every deviation of an instance is one of a process: whatever happens, a run is
// judged, and the same when it is run again.
func TestProgramDeviations(t *testing.T) {
	s := shop("/buy/a", "/buy/b", "/buy/a")
	s.Clients = append(s.Clients, sim.Client{Name: "bob", Requests: []sim.Request{{Function: "shop", Path: "/buy/a"}, {Function: "shop", Path: "/buy/c"}}})
	c := compiled(t, s)
	done := map[string]int{}
	for seed := range uint64(40) {
		one, two := c.Run(scheduler.NewRandom(seed)), c.Run(scheduler.NewRandom(seed))
		if one.Hash != two.Hash || story(one) != story(two) || one.Verdict == sim.Inconclusive {
			t.Errorf("seed %d: %s (%s)\n%s\nthen %s (%s)\n%s", seed, one.Verdict, one.Why, story(one), two.Verdict, two.Why, story(two))
		}
		for _, step := range one.Steps {
			done[step.Outcome.Do]++
		}
	}
	for _, kind := range []string{cloud.Crash, cloud.ColdStart, cloud.Reap, cloud.Timeout, cloud.Stall, cloud.Fail} {
		if done[kind] == 0 {
			t.Errorf("no %s", kind)
		}
	}
}

// How a process ends is told as what it is.
func TestProgramEnds(t *testing.T) {
	for path, want := range map[string]string{"/exit": "os.Exit(1)", "/panic": "panic: boom"} {
		r := compiled(t, shop(path)).Run(scheduler.Benign{})
		if r.Verdict != sim.Violated || !strings.HasPrefix(r.Stack, want) || !strings.Contains(r.Stack, "main.main.func") {
			t.Errorf("%s: %s (%s) %v\n%s", path, r.Verdict, r.Why, r.Violation, r.Stack)
		}
	}
	r := compiled(t, shop("/spin")).Run(scheduler.Benign{})
	if r.Verdict != sim.Inconclusive || !strings.Contains(r.Why, "computes without end") {
		t.Errorf("%s (%s)", r.Verdict, r.Why)
	}
}
