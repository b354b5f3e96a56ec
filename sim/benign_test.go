package sim_test

import (
	"context"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// A run that ends otherwise than the benign one violates, whichever is run
// first, and the benign run itself does not.
func TestAsIfOnce(t *testing.T) {
	counter := func() *sim.Simulation {
		s := scenario(publishes("order", "orders"), takes("count", "orders", func(k *kit, ctx context.Context, m gcp.Message) error {
			return k.redis.Incr(ctx, "n").Err()
		}), calls("alice", "order/1"))
		s.Properties = []*props.Property{props.AsIfOnce("as if once")}
		return compile(t, s)
	}
	twice := scheduler.Plan{{At: "start count(order(alice/1).orders/1)", Do: cloud.Duplicate}}
	first := counter().Run(scheduler.NewReplay(twice))
	if first.Verdict != sim.Violated || first.Violation.Detail != `redis holds "2" under "n", and "1" if everything happens once` {
		t.Fatalf("got %s %v %v, unmatched %v", first.Verdict, first.Violation, first.Why, first.Unmatched)
	}
	s := counter()
	if r := s.Run(scheduler.Benign{}); r.Verdict != sim.Held {
		t.Errorf("the benign run: %s %v", r.Verdict, r.Violation)
	}
	if again := s.Run(scheduler.NewReplay(twice)); again.Hash != first.Hash || again.Verdict != sim.Violated {
		t.Errorf("after the benign run: %s %s, before it %s", again.Verdict, again.Hash, first.Hash)
	}
}

// A benign run without an end is nothing to compare with.
func TestAsIfOnceUndecided(t *testing.T) {
	s := scenario(publishes("order", "orders"), takes("reject", "orders", reject), calls("alice", "order/1"))
	s.Properties, s.MaxSteps = []*props.Property{props.AsIfOnce("as if once")}, 20
	drop := scheduler.Plan{{At: "order(alice/1):pubsub.publish orders/1", Do: cloud.Crash, With: "before"}}
	r := compile(t, s).Run(scheduler.NewReplay(drop))
	if r.Verdict != sim.Inconclusive || !strings.Contains(r.Why, "the benign run does not become quiescent (inconclusive)") {
		t.Errorf("got %s %s, unmatched %v", r.Verdict, r.Why, r.Unmatched)
	}
}

// A request and its repetitions are one call.
func TestCalls(t *testing.T) {
	var got []props.Call
	s := scenario(serves("count", count), told(calls("alice", "count", "count"), 1), calls("bob", "count"))
	s.Properties = []*props.Property{props.OfCalls("calls", "are told", func(c []props.Call) error { got = c; return nil })}
	plan := scheduler.Plan{{At: "end count(alice/1)", Do: cloud.LoseResponse}, {At: "end count(bob/1)", Do: cloud.LoseResponse}}
	r := compile(t, s).Run(scheduler.NewReplay(plan))
	if r.Verdict != sim.Held || len(r.Unmatched) > 0 || len(got) != 3 {
		t.Fatalf("%s %v, unmatched %v: %+v", r.Verdict, r.Why, r.Unmatched, got)
	}
	for i, want := range []struct {
		client         string
		number, status int
	}{{"alice", 1, 200}, {"bob", 1, 0}, {"alice", 2, 200}} {
		c := got[i]
		if c.Client != want.client || c.Number != want.number || c.Status != want.status || c.Returned.IsZero() != (want.status == 0) || c.Function != "count" || c.Method != "POST" {
			t.Errorf("call %d: %+v, want %+v", i, c, want)
		}
	}
	if d := got[0].Returned.Sub(got[0].Called); d.Seconds() < 1 {
		t.Errorf("the repeated call took %v, wanted the backoff in it", d)
	}
}
