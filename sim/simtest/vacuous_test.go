package simtest

import (
	"errors"
	"net/http"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

// counts is a scenario of one function, that counts in Redis, and of a rule
// and a property on that.
func counts() sim.Scenario {
	return sim.Scenario{
		Name: "counts", Platform: gcp.CloudRun().Within(time.Minute), Services: []cloud.Service{redis.New("redis")},
		Functions: []sim.Function{{Name: "count", New: func(env cloud.Env) (cloud.Handler, error) {
			return incr(redis.Client(env, "redis", nil), http.StatusOK), nil
		}}},
		Clients:    []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "count"}}}},
		Rules:      []probe.Rule{{Service: "redis", Method: "INCR", Resource: "n", Emit: "COUNTED"}},
		Properties: []*props.Property{props.AtMostOnce("counted once", props.On("COUNTED"))},
		Faults:     sim.Faults{Kinds: []string{cloud.ColdStart}},
	}
}

func incr(c *goredis.Client, status int) cloud.Handler {
	return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
		if status == http.StatusOK {
			c.Incr(r.Context(), "n")
		}
		http.Error(w, "no luck", status)
	})
}

// A search that proves nothing fails with a sentence that names why, unless
// the scenario says that it is meant.
func TestVacuous(t *testing.T) {
	setFlag(t, "wtsim.schedules", "120")
	for _, c := range []struct {
		meant string
		spoil func(*sim.Scenario)
		says  string
	}{
		{"no properties", func(s *sim.Scenario) { s.Properties = nil }, "the scenario has no properties, wanted what must hold"},
		{"property nothing", func(s *sim.Scenario) {
			s.Properties = append(s.Properties, props.ForAll().Machine("nothing", props.From("INITIAL").On(props.On("COUNTED")).To("done"), props.From("done").On(props.On("COUNTED")).To("done")))
		}, `property "nothing" cannot be violated, whatever happens`},
		{"failing constructor count", func(s *sim.Scenario) {
			s.Functions[0].New = func(cloud.Env) (cloud.Handler, error) { return cloud.Handler{}, errors.New("no database") }
		}, `the constructor of count fails at every cold start of the benign run, at last with "no database"`},
		{"failing requests", func(s *sim.Scenario) {
			s.Functions[0].New = func(env cloud.Env) (cloud.Handler, error) {
				return incr(redis.Client(env, "redis", nil), http.StatusInternalServerError), nil
			}
		}, `every request of the benign run (1) is answered with a server's error, at last 500 "no luck"`},
		{"rule COUNTED", func(s *sim.Scenario) { s.Rules[0].Resource = "m" },
			`the rule for COUNTED matches nothing in any schedule (redis INCR m), and no rule is for redis INCR n`},
		{"event COUNTED", func(s *sim.Scenario) { s.Rules = nil },
			`property "counted once" is about COUNTED, which no rule emits and no schedule has seen`},
		{"property counted once", func(s *sim.Scenario) { s.Rules[0].Method = "DECR" },
			`property "counted once" has seen no event that it is about (COUNTED) in any schedule: nothing was asked of it`},
		{"no events", func(s *sim.Scenario) {
			s.Rules[0].Method = "DECR"
			s.Properties = []*props.Property{props.Never("never counted", props.On("COUNTED"))}
		}, "no schedule has seen any event that a property of the scenario is about"},
	} {
		fresh(t)
		s := counts()
		c.spoil(&s)
		recordCheck(t, t.Name(), s).wantFailure(t, "inconclusive: "+c.says+`; if this is meant, say so: Meant: []string{"`+c.meant+`"}`)
		s.Meant = []string{c.meant}
		recordCheck(t, t.Name(), s).wantPass(t, "120 schedules hold")
	}
}

// What may yet happen is told, and fails under an option.
func TestNotReached(t *testing.T) {
	fresh(t)
	setFlag(t, "wtsim.schedules", "120")
	s := counts()
	s.Rules = append(s.Rules, probe.Rule{Service: "redis", Method: "DECR", Resource: "n", Emit: "TAKEN BACK"})
	s.Properties = append(s.Properties, props.Never("never back", props.On("TAKEN BACK"))) // this is how it should be
	says := "the rule for TAKEN BACK matches nothing in any schedule (redis DECR n)"
	recordCheck(t, t.Name(), s).wantPass(t, "not reached: "+says)
	setFlag(t, "wtsim.strict", "true")
	recordCheck(t, t.Name(), s).wantFailure(t, "inconclusive: "+says+`; if this is meant, say so: Meant: []string{"rule TAKEN BACK"}`)
	s.Meant = []string{"rule GIVEN BACK"}
	if _, err := sim.Compile(s); err == nil {
		t.Error("a name that stands for nothing is taken")
	}
}

// An edit that changes the identities of a counterexample does not make it
// say that the bug is fixed: it is put to where its deviations have gone, and
// where they have gone nowhere it is stale. (A repair named a task; with the bug
// put back, the file "held: the bug is fixed".)
func TestRebased(t *testing.T) {
	fresh(t)
	setFlag(t, "wtsim.schedules", "120")
	counting := func(key string) sim.Scenario {
		s := counts()
		s.Faults = sim.Faults{}
		s.Functions[0].New = func(env cloud.Env) (cloud.Handler, error) {
			c := redis.Client(env, "redis", nil)
			return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) { c.Incr(r.Context(), key) }), nil
		}
		s.Rules[0].Resource = key
		return s
	}
	recordCheck(t, t.Name(), counting("n")).wantFailure(t, `property "counted once" violated`, "the response of redis INCR n is lost")
	recordCheck(t, t.Name(), counting("renamed")).wantFailure(t, `property "counted once" violated`,
		"rebased from testdata/wtsim/TestRebased-", "the response of redis INCR renamed is lost")
	recordCheck(t, t.Name(), counting("renamed")).wantFailure(t, `property "counted once" violated`, "replayed from ", ", to the same trace:")
}
