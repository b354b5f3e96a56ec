package sim_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/internal/eggtimer"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// breakfast boils eggs by a service that package sim has never heard of: all
// that there is of it is package eggtimer, and the line of Services below. A
// careless waiter serves whenever a timer rings, a careful one if it was on.
func breakfast(careful bool) sim.Scenario {
	return sim.Scenario{
		Name: "breakfast", Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{eggtimer.New("kitchen", time.Hour)},
		Functions: []sim.Function{
			{Name: "boil", New: func(env cloud.Env) (cloud.Handler, error) {
				timer := eggtimer.NewClient(env, "kitchen")
				return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, err := timer.Set(r.Context(), strings.Trim(r.URL.Path, "/"), 4*time.Minute); err != nil {
						http.Error(w, err.Error(), http.StatusServiceUnavailable)
					}
				}), nil
			}},
			{Name: "serve", Triggers: []cloud.Trigger{eggtimer.Rings{From: "kitchen"}}, New: func(env cloud.Env) (cloud.Handler, error) {
				timer := eggtimer.NewClient(env, "kitchen")
				return eggtimer.OnRing(func(ctx context.Context, egg string) error {
					wasOn, err := timer.Off(ctx, egg)
					if err == nil && (wasOn || !careful) {
						env.Tap().Emit("SERVED", map[string]any{"egg": egg})
					}
					return err
				}), nil
			}},
		},
		Clients:    []sim.Client{{Name: "alice", Retries: 2, Requests: []sim.Request{{Function: "boil", Path: "/soft"}}}},
		Properties: []*props.Property{props.AtMostOnce("an egg is served once", props.On("SERVED", "egg"))},
	}
}

// A new service is a folder and a line of wiring: its calls, its trigger, its
// guarantee and its state are a run's like those of any other.
func TestToy(t *testing.T) {
	careless, careful := compile(t, breakfast(false)), compile(t, breakfast(true))
	benign := careful.Run(scheduler.Benign{})
	if took := benign.Steps[len(benign.Steps)-1].Time.Sub(benign.Steps[0].Time); benign.Verdict != sim.Held || took < 4*time.Minute || !careful.Uses(eggtimer.OneTimer, benign) {
		t.Errorf("the careful waiter's benign run took %v:\n%s", took, trace(benign))
	}

	r := searched(t, careless)
	if r == nil {
		t.Fatal("a careless waiter is not found out")
	}
	if s, _ := subject(careless).Shrink(r, nil); len(s.Plan) != 1 || !strings.Contains(s.Plan[0].At, "serve(boil(alice/1).soft/1)") {
		t.Errorf("wanted a plan of one deviation at the ring, got %+v", s.Plan)
	}
	if r := searched(t, careful); r != nil {
		t.Errorf("a careful waiter is blamed:\n%s", trace(r))
	}
	if r := searched(t, without(t, careful, eggtimer.OneTimer)); r == nil {
		t.Error("a timer that is set twice is not noticed")
	}
	if _, err := careful.Without("eggtimer/none"); err == nil || !strings.Contains(err.Error(), eggtimer.OneTimer) {
		t.Errorf("another guarantee is taken away: %v", err)
	}
}

// A bounded search of it comes to its end, and loses nothing by what it leaves
// out.
func TestToyBounded(t *testing.T) {
	s := breakfast(true)
	s.Clients = []sim.Client{calls("alice", "boil/soft"), calls("bob", "boil/hard"), calls("carol", "boil/soft")}
	s.Faults.Kinds = []string{cloud.RunOther, cloud.Duplicate}
	found, err := subject(compile(t, s)).Search(t.Context(), search.Options{Strategy: "bounded", Bound: 2})
	if err != nil || found.Result != nil || !found.Complete {
		t.Errorf("got %+v, %v", found, err)
	}
	defer search.Steady()()
	if lost, whole, _ := differences(t, s, 2, 5000, ""); whole == 0 || len(lost) > 0 {
		t.Errorf("%d schedules; lost: %s", whole, strings.Join(lost, "\n"))
	}
}

// What a toy holds is a part of the state: where a search took two states for
// one that differ in until when an egg is known, it would lose schedules.
func TestToyState(t *testing.T) {
	defer search.Steady()()
	kitchen := func(s *sim.Scenario) { put(s, eggtimer.New("kitchen", time.Second)) }
	boil := func(egg string) handler {
		return func(k *kit, _ http.ResponseWriter, r *http.Request) {
			_, _ = eggtimer.NewClient(k.env, "kitchen").Set(r.Context(), egg, 2*time.Hour)
		}
	}
	s := between(t, func(cut time.Time) sim.Scenario {
		return meeting(boil("a"), boil("b"), func(k *kit, _ http.ResponseWriter, r *http.Request) {
			k.redis.Get(r.Context(), "x")
			time.Sleep(time.Until(cut.Add(time.Second))) //wtsim:clock the bubble's clock
			boil("a")(k, nil, r)
			boil("b")(k, nil, r)
		}, untold, kitchen)
	}, "a", "b")
	lost, whole, reduced := differences(t, s, 2, 2000, "")
	if whole == 0 || reduced == whole || len(lost) > 0 {
		t.Errorf("%d schedules instead of %d; lost: %s", reduced, whole, strings.Join(lost, "\n"))
	}
	if lost, _, _ := differences(t, s, 2, 2000, "platform"); len(lost) == 0 {
		t.Error("nothing is lost without what services hold")
	}
}
