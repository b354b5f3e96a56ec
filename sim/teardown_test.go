package sim_test

import (
	"context"
	"net/http"
	"os"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// listening is a scenario with a function that an instance of which listens to
// a channel of Redis, from its start.
func listening(listen func(*kit)) sim.Scenario {
	s := scenario(calls("alice", "say/hello"))
	s.Functions = append(s.Functions, sim.Function{Name: "say", New: func(env cloud.Env) (cloud.Handler, error) {
		k := newKit(env)
		go listen(k)
		return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := k.redis.Publish(r.Context(), "said", r.URL.Path).Err(); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
			}
		}), nil
	}})
	return s
}

// heard counts what it hears; that its client is closed it does not expect, as
// nobody closes it (asynq's subscriber is written so).
func heard(k *kit) {
	said := k.redis.Subscribe(context.Background(), "said").Channel()
	for n := 0; ; {
		n += len((<-said).Payload)
	}
}

// Nothing that handlers do after the end of their run is judged: a client that
// is alone is no more closed under an application than in production.
func TestTeardown(t *testing.T) {
	for range 3 { // what one run leaves does not disturb the next
		if r := compile(t, listening(heard)).Run(scheduler.Benign{}); r.Verdict != sim.Held {
			t.Fatalf("%s %s %v\n%s", r.Verdict, r.Why, r.Violation, r.Stack)
		}
	}
}

// On the patched runtime not even what comes of a context that is cancelled, or
// of a dead instance's calls.
func TestTeardownPatched(t *testing.T) {
	patched(t)
	for name, listen := range map[string]func(*kit){
		"panic":    func(k *kit) { <-k.env.Context().Done(); panic("not meant to be seen") },
		"exit":     func(k *kit) { <-k.env.Context().Done(); os.Exit(3) },
		"nil":      func(k *kit) { <-k.env.Context().Done(); var p *int; *p = 1 },
		"deferred": func(k *kit) { defer func() { panic("at last") }(); heard(k) },
	} {
		t.Run(name, func(t *testing.T) {
			s := compile(t, listening(listen))
			for _, plan := range []scheduler.Plan{nil, {{At: "start say(alice/1)", Do: cloud.Crash, With: cloud.AtStart}}} {
				if r := s.Run(scheduler.NewReplay(plan)); r.Verdict != sim.Held || len(r.Unmatched) > 0 {
					t.Fatalf("%s %s %v, unmatched %v\n%s", r.Verdict, r.Why, r.Violation, r.Unmatched, r.Stack)
				}
			}
		})
	}
}
