package program_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// Two invocations at a time of one instance, each by a loop of the platform's library
// that polls on its own: what they call is theirs, and not the instance's.
func TestProgramInvocationsAtATime(t *testing.T) {
	pair := sim.Program("./testdata/pair")
	pair.Concurrency, pair.MaxInstances = 2, 1
	s := sim.Scenario{Name: "program/pair", Platform: aws.Lambda(), Services: []cloud.Service{redis.New("redis").At("redis:6379")}, Functions: []sim.Function{pair}}
	for _, name := range []string{"alice", "bob"} {
		s.Clients = append(s.Clients, sim.Client{Name: name, Requests: []sim.Request{{Function: "pair", Path: "/" + name}}})
	}
	c := compiled(t, s)
	both := 0
	for seed := range uint64(20) {
		r := c.Run(scheduler.NewRandom(seed))
		if r.Verdict == sim.Inconclusive {
			t.Fatalf("seed %d: %s", seed, r.Why)
		}
		got := story(r)
		for _, name := range []string{"alice", "bob"} {
			for _, line := range strings.Split(got, "\n") {
				if strings.Contains(line, "redis.") && strings.Contains(line, "/"+name) && !strings.Contains(line, fmt.Sprintf("pair(%s/1)", name)) {
					t.Errorf("seed %d: %s is not %s's\n%s", seed, line, name, got)
				}
			}
		}
		if first := strings.Index(got, "SET last/alice"); first >= 0 && strings.Contains(got, "SET last/bob") {
			both++
		}
	}
	if both < 10 {
		t.Errorf("both are done in %d of 20 runs", both)
	}
}
