package sim_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// meeting is a scenario in which "first" and "second" may change places, each
// on a function instance of its own that was started before, and meet again
// before "look", one of whose operations may fail: whether a bounded search
// tries that after both orders depends on whether it tells the two states
// apart.
func meeting(first, second, look handler, parts ...any) sim.Scenario {
	warm := func(name string, h handler) sim.Function {
		return sim.Function{Name: name, MinInstances: 1, Concurrency: 1, New: func(env cloud.Env) (cloud.Handler, error) {
			k := newKit(env)
			k.redis.Set(env.Context(), "started:"+name, "yes", 0) // so another order of starts is another partial order
			return cloud.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h(k, w, r) })), nil
		}}
	}
	parts = append([]any{warm("first", first), warm("second", second), serves("look", look),
		calls("a", "first"), calls("b", "second"), calls("c", "look"), onlyFails}, parts...)
	return scenario(parts...)
}

// tells makes events of what is written under a and b, each of its own.
func tells(s *sim.Scenario) {
	s.Rules = []probe.Rule{
		{Service: "redis", Method: "SET", Resource: "a", Emit: "A"},
		{Service: "redis", Method: "SET", Resource: "b", Emit: "B"},
		{Service: "redis", Method: "INCR", Resource: "a:n", Emit: "ANSWERED"},
	}
}

func onlyFails(s *sim.Scenario) {
	s.Faults.Kinds, s.Faults.Functions = []string{cloud.RunOther, cloud.Fail}, []string{"look"}
}

// untold takes the events away: their order is a part of the state.
func untold(s *sim.Scenario) { s.Rules = nil }

func sets(key, value string, d time.Duration) handler {
	return func(k *kit, _ http.ResponseWriter, r *http.Request) { k.redis.Set(r.Context(), key, value, d) }
}

func gets(key string) handler {
	return func(k *kit, _ http.ResponseWriter, r *http.Request) { k.redis.Get(r.Context(), key) }
}

// lastPath is an API whose paths hang together.
type lastPath struct {
	mu   sync.Mutex
	last string
}

func (l *lastPath) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = r.URL.Path
}

func (l *lastPath) Contents() []cloud.Content {
	return []cloud.Content{{Key: "last", Value: l.last}}
}

func posts(path string) handler {
	return func(k *kit, _ http.ResponseWriter, r *http.Request) {
		req, _ := http.NewRequestWithContext(r.Context(), http.MethodPost, "https://api.example"+path, nil)
		if resp, err := k.env.HTTPClient().Do(req); err == nil {
			_ = resp.Body.Close()
		}
	}
}

// remembers keeps the last path in memory, and writes it down when it is
// asked to look.
func remembers() sim.Function {
	return sim.Function{Name: "look", MinInstances: 1, MaxInstances: 1, Concurrency: 1, New: func(env cloud.Env) (cloud.Handler, error) {
		k := newKit(env)
		last := ""
		return cloud.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			switch path := strings.Trim(r.URL.Path, "/"); path {
			case "look":
				k.redis.Get(r.Context(), "x")
				k.redis.Set(r.Context(), "saw", last, 0)
			default:
				k.redis.Get(r.Context(), "saw") // so it is before or after the look
				last = path
			}
		})), nil
	}}
}

// between runs a scenario to learn the instant between its two operations on a
// key each, and returns the one that looks then.
func between(t *testing.T, make func(cut time.Time) sim.Scenario, one, other string) sim.Scenario {
	t.Helper()
	var at []time.Time
	for _, step := range benign(t, make(time.Time{})).Steps {
		if op := step.Operation; op != nil && step.Function != "look" && (op.Resource == one || op.Resource == other) {
			at = append(at, step.Time)
		}
	}
	if len(at) != 2 {
		t.Fatal("wanted two operations, got", at)
	}
	return make(at[0].Add(at[1].Sub(at[0]) / 2))
}

// needed are scenarios that need one part of the state.
func needed(t *testing.T) map[string]sim.Scenario {
	losing := func(s *sim.Scenario) {
		s.Services = []cloud.Service{redis.New("redis").Replicated()}
		s.Faults.Kinds = []string{cloud.RunOther, cloud.LoseWrites}
	}
	remembering := func(s *sim.Scenario) {
		s.Services[1] = web.New("api.example", func() http.Handler { return &lastPath{} })
	}
	expires := func(cut time.Time) sim.Scenario {
		return meeting(sets("a", "1", time.Second), sets("b", "1", time.Second), func(k *kit, _ http.ResponseWriter, r *http.Request) {
			k.redis.Get(r.Context(), "x")
			time.Sleep(time.Until(cut.Add(time.Second))) //wtsim:clock the bubble's clock
			saw := k.redis.Exists(r.Context(), "a").Val() + 2*k.redis.Exists(r.Context(), "b").Val()
			k.redis.Set(r.Context(), "saw", saw, 0)
		}, untold)
	}
	late := func(cut time.Time) sim.Scenario {
		return meeting(sets("a", "1", 0), gets("b"), func(k *kit, _ http.ResponseWriter, r *http.Request) {
			k.redis.Get(r.Context(), "a")                // so it comes after
			time.Sleep(time.Until(cut.Add(time.Second))) //wtsim:clock the bubble's clock
			k.redis.Incr(r.Context(), "a:n")
		}, tells, func(s *sim.Scenario) {
			s.Properties = []*props.Property{props.Responds("soon", props.On("A"), props.On("ANSWERED"), time.Second)}
		})
	}
	return map[string]sim.Scenario{
		"order":    meeting(sets("x", "a", 0), sets("x", "b", 0), gets("x"), untold),
		"events":   meeting(sets("a", "1", 0), sets("b", "1", 0), gets("x"), tells),
		"expiry":   between(t, expires, "a", "b"),
		"time":     between(t, late, "a", "b"),
		"writes":   meeting(sets("a", "1", 0), sets("b", "1", 0), gets("x"), untold, losing),
		"service":  meeting(posts("/a"), posts("/b"), gets("x"), untold, remembering),
		"instance": scenario(remembers(), calls("a", "look/x"), calls("b", "look/y"), calls("c", "look/look"), onlyFails, untold),
	}
}

// The state at a decision has no part that could be left out: for each there
// is a scenario of which the reduced search then loses something. So the test
// of the reduction can fail; with all parts it loses nothing.
func TestStateIsNeeded(t *testing.T) {
	defer search.Steady()()
	for part, s := range needed(t) {
		s.Name = part
		lost, whole, reduced := differences(t, s, 2, 2000, "")
		if whole == 0 || len(lost) > 0 {
			t.Errorf("%s: %d schedules instead of %d; lost: %s", part, reduced, whole, strings.Join(lost, "\n"))
		}
		without, _, fewer := differences(t, s, 2, 2000, part)
		t.Logf("%s: %d schedules, %d reduced; %d without it, which loses %d facets", part, whole, reduced, fewer, len(without))
		if len(without) == 0 {
			t.Errorf("%s: nothing is lost without it: %s", part, fmt.Sprint(compile(t, s).Run(scheduler.Benign{}).Verdict))
		}
	}
}
