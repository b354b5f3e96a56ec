package sim_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/fakes/cron"
	"github.com/wtsim/wtsim/fakes/eventarc"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/tasks"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// Each guarantee has a scenario that holds with it, uses it, and is violated
// without: so taking it away takes effect. Without a property of what it is
// for, nobody notices.
func TestWithout(t *testing.T) {
	for name, s := range relying() {
		t.Run(name, func(t *testing.T) {
			whole := compile(t, s)
			if r := searched(t, whole); r != nil {
				t.Fatalf("it does not hold as it is:\n%s", trace(r))
			}
			if !whole.Uses(name, whole.Run(scheduler.Benign{})) {
				t.Error("its benign run does not use it")
			}
			r := searched(t, without(t, whole, name))
			if r == nil {
				t.Fatal("its property does not notice")
			}
			if want := s.Properties[0].Name(); r.Violation.Property != want {
				t.Errorf("%q is violated, wanted %q", r.Violation.Property, want)
			}
			s.Properties = []*props.Property{props.Never("nothing is deleted", props.On("DELETED"))}
			if r := searched(t, without(t, compile(t, s), name)); r != nil {
				t.Errorf("a property that has nothing to do with it notices:\n%s", trace(r))
			}
			if r := searched(t, whole); r != nil {
				t.Errorf("the scenario itself has changed:\n%s", trace(r))
			}
		})
	}
}

// Every guarantee that there is has its scenario above.
func TestWithoutKnowsAll(t *testing.T) {
	s := scenario(serves("idle", count), calls("alice", "idle"), func(s *sim.Scenario) {
		put(s, gcs.New("gcs"))
		put(s, tasks.New("tasks"))
		put(s, eventarc.New("eventarc"))
		put(s, cron.New("scheduler"))
	})
	all := relying()
	var names []string
	idle := compile(t, s)
	r := idle.Run(scheduler.Benign{})
	for _, g := range idle.Guarantees() {
		names = append(names, g.Name)
		if _, ok := all[g.Name]; !ok {
			t.Errorf("%s has no scenario", g.Name)
		}
		if g.Without == "" || !strings.HasPrefix(g.Source, "https://") && g.Name != "clients/retries" {
			t.Errorf("%s: %+v says not what it is, or where it is promised", g.Name, g)
		}
		if idle.Uses(g.Name, r) {
			t.Errorf("%s is used by a scenario that uses nothing", g.Name)
		}
	}
	if !slices.IsSorted(names) || len(names) != len(all) {
		t.Errorf("got %q, wanted %d in order", names, len(all))
	}
	if _, err := idle.Without("redis/wach"); err == nil || !strings.HasPrefix(err.Error(), `there is no guarantee "redis/wach", wanted one of its services or of the platform: clients/retries, `) {
		t.Errorf("got %v", err)
	}
}

// What a scenario relies on has to be there.
func TestRelies(t *testing.T) {
	s := scenario(serves("idle", count), calls("alice", "idle"))
	s.Relies = []string{"redis/watch", "pubsub/order"}
	compile(t, s)
	s.Relies = []string{"gcs/preconditions"} // it has no such service
	_, err := sim.Compile(s)
	if want := `scenario "test": relies: there is no guarantee "gcs/preconditions", wanted one of its services or of the platform: clients/retries, `; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

// A weaker world is as repeatable as the documented one.
func TestWithoutRepeats(t *testing.T) {
	for name, s := range relying() {
		weak := without(t, compile(t, s), name)
		for seed := uint64(1); seed <= 5; seed++ {
			a, b := weak.Run(scheduler.NewRandom(seed)), weak.Run(scheduler.NewRandom(seed))
			if a.Hash != b.Hash {
				t.Errorf("%s, seed %d: %s", name, seed, report.FirstDifference(a, b))
			}
		}
	}
}

func without(t *testing.T, s *sim.Simulation, guarantee string) *sim.Simulation {
	t.Helper()
	weak, err := s.Without(guarantee)
	if err != nil {
		t.Fatal(err)
	}
	return weak
}

// searched returns the first result that violates, nil if none does.
func searched(t *testing.T, s *sim.Simulation) *sim.Result {
	t.Helper()
	found, err := subject(s).Search(context.Background(), search.Options{Schedules: 100})
	if err != nil {
		t.Fatal(err)
	}
	if found.Inconclusive != nil {
		t.Errorf("inconclusive: %s", found.Inconclusive.Why)
	}
	return found.Result
}

// ruled adds a rule without parameters.
func ruled(service, method, emit string) func(*sim.Scenario) {
	return func(s *sim.Scenario) {
		s.Rules = append(s.Rules, probe.Rule{Service: service, Method: method, Emit: emit})
	}
}

func must(p *props.Property) func(*sim.Scenario) {
	return func(s *sim.Scenario) { s.Properties = append(s.Properties, p) }
}
