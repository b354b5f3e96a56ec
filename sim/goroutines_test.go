package sim_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// patched skips what plain Go cannot do.
func patched(t *testing.T) {
	t.Helper()
	if !seeded.Runtime {
		t.Skip("needs the patched runtime: wtsim test runs it, as make check does")
	}
}

// tally is what two goroutines add to without a lock around both the read and
// the write.
type tally struct {
	mu sync.Mutex
	n  int
}

func (c *tally) get() int  { c.mu.Lock(); defer c.mu.Unlock(); return c.n }
func (c *tally) set(n int) { c.mu.Lock(); defer c.mu.Unlock(); c.n = n }

// lost is a scenario in which an update is lost between two goroutines of one
// invocation.
func lost() sim.Scenario {
	return scenario(serves("count", func(k *kit, w http.ResponseWriter, r *http.Request) {
		k.redis.Get(r.Context(), "warm")
		var c tally
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { c.set(c.get() + 1) })
		}
		wg.Wait()
		if c.get() != 2 {
			panic(fmt.Sprintf("counted %d, wanted 2", c.get()))
		}
	}), calls("alice", "count"))
}

// oversold is a scenario in which two invocations of one function instance
// both take the last one.
func oversold() sim.Scenario {
	s := scenario(calls("alice", "shop/warm", "shop/buy"), calls("bob", "shop/buy"))
	s.Functions = append(s.Functions, sim.Function{Name: "shop", New: func(cloud.Env) (cloud.Handler, error) {
		left := &tally{n: 1}
		return cloud.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/buy" && left.get() > 0 {
				left.set(left.get() - 1)
			}
			if left.get() < 0 {
				panic("sold one that was not there")
			}
		})), nil
	}})
	return s
}

// crossed is a scenario in which two invocations of one function instance
// take two locks in different orders.
func crossed() sim.Scenario {
	s := scenario(calls("alice", "bank/warm", "bank/give"), calls("bob", "bank/take"))
	s.Functions = append(s.Functions, sim.Function{Name: "bank", New: func(cloud.Env) (cloud.Handler, error) {
		var mine, yours tally
		move := func(from, to *tally) {
			from.mu.Lock()
			defer from.mu.Unlock()
			to.mu.Lock()
			defer to.mu.Unlock()
			from.n, to.n = from.n-1, to.n+1
		}
		return cloud.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/give":
				move(&mine, &yours)
			case "/take":
				move(&yours, &mine)
			}
		})), nil
	}})
	return s
}

// left is a scenario in which a goroutine is left behind whose result comes
// after the handler was told to stop.
func left() sim.Scenario {
	return scenario(serves("work", func(_ *kit, w http.ResponseWriter, r *http.Request) {
		result, stop := make(chan int), make(chan bool)
		go func() { result <- 1 }()
		go close(stop)
		select {
		case <-result:
		case <-stop:
		}
	}), calls("alice", "work"))
}

// swapped is a scenario in which a select that has both a result and a
// cancellation takes the latter.
func swapped() sim.Scenario {
	return scenario(serves("work", func(_ *kit, w http.ResponseWriter, r *http.Request) {
		result, stop := make(chan int, 1), make(chan bool, 1)
		result <- 1
		stop <- true
		select {
		case <-result:
		case <-stop:
			panic("a result that was there is lost")
		}
	}), calls("alice", "work"))
}

// What goroutines of one invocation, or of two that an instance serves at the
// same time, do to each other is found, shrunk to a minimal plan and replayed
// with the same trace.
func TestGoroutineOrderIsFound(t *testing.T) {
	patched(t)
	for name, c := range map[string]struct {
		scenario sim.Scenario
		kinds    []string // of the minimal plan
	}{
		"one invocation":  {lost(), []string{cloud.RunGoroutine}},
		"a channel":       {left(), []string{cloud.RunGoroutine}},
		"lock order":      {crossed(), []string{cloud.Overlap, cloud.RunGoroutine}},
		"two invocations": {oversold(), []string{cloud.Overlap, cloud.RunGoroutine}},
	} {
		t.Run(name, func(t *testing.T) {
			c.scenario.Faults.Most = -1
			s := compile(t, c.scenario)
			if r := s.Run(scheduler.Benign{}); r.Verdict != sim.Held {
				t.Fatalf("benign: %s %s %v", r.Verdict, r.Why, r.Violation)
			}
			checkFound(t, s, c.kinds)
		})
	}
}

func checkFound(t *testing.T, s *sim.Simulation, kinds []string) {
	t.Helper()
	for _, strategy := range []string{"random", "portfolio"} {
		found, err := subject(s).Search(context.Background(), search.Options{Strategy: strategy, Schedules: 1000})
		if err != nil || found.Result == nil {
			t.Fatalf("%s has not found it in %d schedules: %v", strategy, found.Ran, err)
		}
		property := found.Result.Violation.Property
		shrunk, _ := subject(s).Shrink(found.Result, nil)
		r := shrunk.Result
		var got []string
		for _, d := range shrunk.Plan {
			got = append(got, d.Do)
		}
		missing := slices.ContainsFunc(kinds, func(k string) bool { return !slices.Contains(got, k) })
		if !shrunk.Minimal || missing || len(got) > len(kinds)+1 { // minimal is not smallest
			t.Errorf("%s: shrunk from %d to %v (minimal: %v), wanted %v", strategy, len(found.Result.Record.Plan), shrunk.Plan, shrunk.Minimal, kinds)
		}
		again := s.Run(scheduler.NewReplay(shrunk.Plan))
		if again.Hash != r.Hash || again.Verdict != sim.Violated || again.Violation.Property != property || len(again.Unmatched) > 0 {
			t.Errorf("%s: replay: %s %v %s, unmatched %v, wanted %s", strategy, again.Verdict, again.Violation, again.Hash, again.Unmatched, r.Hash)
		}
		if c := search.NewCounterexample(s, 1, again); c.Runtime != sim.Patched || !c.Same(again) {
			t.Errorf("%s: the counterexample says runtime %q", strategy, c.Runtime)
		}
		t.Logf("%s: schedule %d, %d deviations, shrunk to %v", strategy, found.Number, len(found.Result.Record.Plan), shrunk.Plan)
	}
}

// Which of the ready cases a select takes is a decision, where the one that is
// drawn is benign.
func TestSelectCase(t *testing.T) {
	patched(t)
	verdicts := map[sim.Verdict]bool{}
	s := compile(t, swapped())
	for _, option := range []string{"", "receive 1", "receive 2"} {
		plan := scheduler.Plan{}
		if option != "" {
			plan = scheduler.Plan{{At: selectOf(t, s), Do: cloud.SelectCase, With: option}}
		}
		verdicts[s.Run(scheduler.NewReplay(plan)).Verdict] = true
	}
	if len(verdicts) != 2 || !verdicts[sim.Held] || !verdicts[sim.Violated] {
		t.Errorf("got %v", verdicts)
	}
}

// selectOf returns the one decision about a select.
func selectOf(t *testing.T, s *sim.Simulation) string {
	t.Helper()
	for _, d := range s.Run(scheduler.Benign{}).Record.Decisions {
		if strings.HasSuffix(d.At, " select") {
			return d.At
		}
	}
	t.Fatal("no select is asked about")
	return ""
}

// Without the kinds nothing is asked; a deviation that does not occur is
// named.
func TestGoroutineKinds(t *testing.T) {
	patched(t)
	config := lost()
	config.Faults.Kinds = []string{cloud.RunOther}
	plan := scheduler.Plan{{At: "goroutine count(alice/1)#1", Do: cloud.RunGoroutine, With: "nobody"}}
	r := compile(t, config).Run(scheduler.NewReplay(plan))
	for _, d := range r.Record.Decisions {
		if d.Options[1].Do != cloud.RunOther {
			t.Errorf("%s is asked for %s", d.At, d.Options[1])
		}
	}
	if r.Verdict != sim.Held || len(r.Unmatched) != 1 {
		t.Errorf("%s, unmatched %v", r.Verdict, r.Unmatched)
	}
	if r := compile(t, lost()).Run(scheduler.NewReplay(plan)); len(r.Unmatched) != 1 {
		t.Errorf("unmatched %v", r.Unmatched)
	}
}

// A decision about goroutines has an identity of its own, once a run.
func TestGoroutineIdentities(t *testing.T) {
	patched(t)
	s := compile(t, oversold())
	for seed := range uint64(many(100)) {
		seen := map[string]bool{}
		for _, d := range s.Run(scheduler.NewRandom(seed)).Record.Decisions {
			if seen[d.At] {
				t.Fatalf("seed %d: %q is asked twice", seed, d.At)
			}
			seen[d.At] = true
		}
	}
}
