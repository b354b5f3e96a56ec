package program_test

import (
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
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
	t.Log(story(first))
	if first.Verdict != sim.Held {
		t.Fatalf("%+v %s", first.Verdict, first.Why)
	}
	if got := story(first); !strings.Contains(got, "shop(alice/1):redis.INCR charged:a/1  :1") || !strings.Contains(got, "2026/01/01 00:00:00 buy a as ") {
		t.Errorf("got %s", got)
	}
	for seed := range uint64(20) {
		one, two := s.Run(scheduler.NewRandom(seed)), s.Run(scheduler.NewRandom(seed))
		if one.Hash != two.Hash || story(one) != story(two) {
			t.Errorf("seed %d: %s (%s)\n%s\nthen %s\n%s", seed, one.Verdict, one.Why, story(one), two.Why, story(two))
		}
	}
}
