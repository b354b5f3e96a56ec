package sim_test

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// counts reads a counter and writes it back, one higher: updates get lost.
func counts(k *kit, w http.ResponseWriter, r *http.Request) {
	key := strings.Trim(r.URL.Path, "/")
	n, _ := strconv.Atoi(k.redis.Get(r.Context(), key).Val())
	if err := k.redis.Set(r.Context(), key, n+1, 0).Err(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

// reductions are small scenarios, and the bound that is tried.
func reductions() map[string]sim.Scenario {
	order := func(s *sim.Scenario) { s.Faults.Kinds = []string{sim.RunOther, sim.Reorder} }
	one := func(s *sim.Scenario) {
		s.Faults.Kinds = []string{sim.RunOther, sim.LoseResponse, sim.Crash, sim.Duplicate}
	}
	count := serves("count", counts)
	return map[string]sim.Scenario{
		"one counter":        scenario(count, calls("a", "count/x"), calls("b", "count/x"), order),
		"two counters":       scenario(count, calls("a", "count/x"), calls("b", "count/y"), calls("c", "count/x"), order),
		"faults":             scenario(count, told(calls("a", "count/x"), 1), calls("b", "count/x"), one),
		"messages":           scenario(publishes("post", "orders"), takes("charge", "orders", chargeOnce), calls("a", "post/o-1"), calls("b", "post/o-1"), order),
		"messages and death": scenario(publishes("post", "orders"), takes("charge", "orders", chargeOnce), calls("a", "post/o-1"), one),
	}
}

// shown runs all plans of a bounded space and returns what they show: verdict,
// and what properties see, in order.
func shown(s *sim.Simulation, b *scheduler.Bounded) (map[string]bool, int) {
	out := map[string]bool{}
	for n := 0; ; n++ {
		p, ok := b.Next()
		if !ok {
			return out, n
		}
		r := s.Watched(scheduler.NewReplay(p))
		line := fmt.Sprint(r.Verdict, r.Violation, r.Why)
		for _, step := range r.Steps {
			for _, e := range step.Events {
				line += fmt.Sprint(" ", e.Type, e.Data)
			}
		}
		out[line] = true
	}
}

// The reduced search of a bounded space shows exactly what the whole one shows:
// the verdicts, and every sequence of events that properties see.
func TestReductionIsExact(t *testing.T) {
	defer sim.Steady()()
	total, kept := 0, 0
	for name, scenario := range reductions() {
		s := compile(t, scenario)
		run := func(source scheduler.Source) *scheduler.Record { return s.Watched(source).Record }
		bound := 2
		if len(scenario.Faults.Kinds) == 2 { // orders alone
			bound = 3
		}
		whole, n := shown(s, scheduler.NewBounded(bound, run).Whole())
		reduced, m := shown(s, scheduler.NewBounded(bound, run))
		t.Logf("%s: %d schedules instead of %d show %d", name, m, n, len(whole))
		for line := range whole {
			if !reduced[line] {
				t.Errorf("%s: the reduced search does not show %s", name, line)
			}
		}
		if !maps.Equal(whole, reduced) {
			t.Errorf("%s: %d are shown with reduction, %d without", name, len(reduced), len(whole))
		}
		total, kept = total+n, kept+m
	}
	if kept == total {
		t.Errorf("%d schedules: nothing is reduced", kept)
	}
}
