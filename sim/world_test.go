package sim_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/scenarios"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// Whoever calls, the call belongs to the invocation that the goroutine works
// for, however two invocations of one instance interleave; so do its events,
// whose sequence is the instance's.
func TestAttribution(t *testing.T) {
	work := serves("desk", func(k *kit, _ http.ResponseWriter, r *http.Request) {
		who := r.URL.Path[1:]
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() { k.redis.Set(context.Background(), fmt.Sprintf("%s:%d", who, i), "x", 0) })
		}
		wg.Wait()
		k.redis.Set(r.Context(), who+":end", "x", 0)
		k.env.Tap().Emit("DONE", map[string]any{"who": who})
	})
	s := compile(t, scenario(work, calls("alice", "desk/alice", "desk/alice"), calls("bob", "desk/bob"),
		func(s *sim.Scenario) { s.Faults.Kinds = []string{cloud.RunOther} }))
	for seed := range uint64(many(300)) {
		r := s.Run(scheduler.NewRandom(seed))
		sequence := 0
		for i := range r.Steps {
			step := &r.Steps[i]
			if op := step.Operation; op != nil {
				who, _, _ := strings.Cut(op.Resource, ":")
				if !strings.HasPrefix(step.Task.Text, "desk("+who+"/") || op.Caller != (event.Caller{Function: "desk", Instance: "i-1", Invocation: step.Task.Text}) {
					t.Fatalf("seed %d: %s belongs to %s, %+v", seed, op.Resource, step.Task, op.Caller)
				}
			}
			for _, e := range step.Events {
				sequence++
				if e.Invocation != step.Task.Text || e.Source != "/functions/desk/i-1" || e.Sequence != fmt.Sprint(sequence) || e.ID != fmt.Sprintf("i-1/%d", sequence) {
					t.Fatalf("seed %d: event %+v in a step of %s", seed, e, step.Task)
				}
			}
		}
	}
}

// A call of a finished invocation's goroutine belongs to the only live
// invocation, or to the instance if there are several or none.
func TestAttributionOfLeftovers(t *testing.T) {
	work := serves("desk", func(k *kit, _ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			go func() {
				time.Sleep(time.Second)
				k.redis.Set(context.Background(), "late", "x", 0)
			}()
			return
		}
		time.Sleep(3 * time.Second)
	})
	for name, clients := range map[string][]any{
		"desk(bob/1)":           {calls("bob", "desk/second")},
		"instance(desk(bob/1))": {calls("bob", "desk/second"), calls("carol", "desk/second")},
		"":                      {},
	} {
		parts := append([]any{work, calls("alice", "desk/first")}, clients...)
		got := ""
		r := benign(t, scenario(parts...))
		for i := range r.Steps {
			if op := r.Steps[i].Operation; op != nil && op.Resource == "late" {
				got = r.Steps[i].Task.Text
			}
		}
		if name == "instance(desk(bob/1))" {
			name = "instance(desk(alice/1))" // the instance was started for alice
		}
		if got != name || r.Verdict != sim.Held {
			t.Errorf("the call belongs to %q, want %q:\n%s", got, name, trace(r))
		}
	}
}

// A task goes on until it has made 50 operations in a row while another is
// ready; a client's next request waits for all that follows from the one
// before.
func TestFifty(t *testing.T) {
	write := func(k *kit, w http.ResponseWriter, r *http.Request) {
		for i := range 120 {
			k.redis.Set(r.Context(), fmt.Sprint("key", i), "x", 0)
		}
	}
	s := compile(t, scenario(serves("write", write), calls("alice", "write"), calls("bob", "write")))
	if got := turns(s.Run(scheduler.Benign{})); got != "alice 122, bob 122" {
		t.Errorf("requests: %s", got)
	}
	r := s.Run(scheduler.NewReplay(scheduler.Plan{{At: "after start write(alice/1)", Do: cloud.RunOther, With: "write(bob/1)"}}))
	if got := turns(r); got != "alice 1, bob 50, alice 50, bob 50, alice 50, bob 22, alice 21" {
		t.Errorf("invocations: %s", got)
	}
}

// turns tells how many steps in a row each client's tasks have.
func turns(r *sim.Result) string {
	var out []string
	last, n := "", 0
	for i := range r.Steps {
		_, who, _ := strings.Cut(r.Steps[i].Task.Text, "(")
		who, _, _ = strings.Cut(who, "/")
		if who != last && n > 0 {
			out, n = append(out, fmt.Sprint(last, " ", n)), 0
		}
		last, n = who, n+1
	}
	return strings.Join(append(out, fmt.Sprint(last, " ", n)), ", ")
}

// A run that has no end is given up at its limits, and says so.
func TestLimits(t *testing.T) {
	forEver := scenario(publishes("order", "orders"), with(takes("reject", "orders", reject), keepsFor(1<<62)), calls("alice", "order/1"))
	if r := benign(t, forEver); r.Verdict != sim.Inconclusive || !strings.Contains(r.Why, "168h0m0s of virtual time (Horizon)") {
		t.Error(r.Verdict, r.Why)
	}
	forEver.MaxSteps = 50
	if r := benign(t, forEver); r.Verdict != sim.Inconclusive || !strings.Contains(r.Why, "50 steps (MaxSteps)") || len(r.Steps) != 50 {
		t.Error(r.Verdict, r.Why, len(r.Steps))
	}
	keepsFor(24 * time.Hour)(&forEver.Functions[1])
	forEver.MaxSteps = 0
	r := benign(t, forEver)
	last := r.Steps[len(r.Steps)-1]
	if r.Verdict != sim.Held || !strings.HasPrefix(last.Identity, "give up ") || last.Time.Sub(r.Steps[0].Time) < 23*time.Hour {
		t.Errorf("the last of %d steps is %s at %v", len(r.Steps), last.Identity, last.Time)
	}
	checkBackoff(t, r)
}

// checkBackoff looks at the times between deliveries: 10 s, 20 s, ..., 600 s.
func checkBackoff(t *testing.T, r *sim.Result) {
	t.Helper()
	var ended time.Time
	want := 10 * time.Second
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.Kind == sim.KindStart && !ended.IsZero() {
			if got := s.Time.Sub(ended); got != want {
				t.Fatalf("%s comes after %v, want %v", s.Identity, got, want)
			}
			want = min(2*want, 600*time.Second)
		}
		if s.Kind == sim.KindEnd && s.Function == "reject" {
			ended = s.Time
		}
	}
}

// The number of workers changes nothing about the first failure, and a shrunk
// plan is 1-minimal.
func TestWorkersFindTheSame(t *testing.T) {
	s := compile(t, scenarios.All()[1])
	first := map[int]string{}
	for workers := 1; workers <= 3; workers++ {
		best := search.Found{Number: 1 << 30}
		for worker := range workers {
			found, err := subject(s).Search(context.Background(), search.Options{Worker: worker, Workers: workers, Schedules: 300})
			if err != nil {
				t.Fatal(err)
			}
			if found.Result != nil && found.Number < best.Number {
				best = found
			}
		}
		first[workers] = fmt.Sprint(best.Number, best.Schedule.Strategy, best.Schedule.Seed, best.Result.Hash)
		if first[workers] != first[1] {
			t.Errorf("%d workers find %s, one %s", workers, first[workers], first[1])
		}
		if workers > 1 {
			continue
		}
		shrunk, _ := subject(s).Shrink(best.Result, nil)
		if !shrunk.Minimal || len(shrunk.Plan) != 1 || shrunk.Result.Verdict != sim.Violated {
			t.Errorf("shrunk to %v, minimal %t", shrunk.Plan, shrunk.Minimal)
		}
	}
}
