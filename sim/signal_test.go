package sim_test

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// flushing is a function that keeps what it is told in memory and stores it
// when its instance is told to end.
func flushing(wait func(env cloud.Env, flush func())) sim.Scenario {
	s := scenario(calls("alice", "collect/a", "collect/b"))
	s.Functions = append(s.Functions, sim.Function{Name: "collect", New: func(env cloud.Env) (cloud.Handler, error) {
		k, buffer := newKit(env), make(chan string, 10)
		go wait(env, func() {
			for len(buffer) > 0 {
				k.redis.Set(context.Background(), <-buffer, 1, 0)
			}
		})
		return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) { buffer <- r.URL.Path }), nil
	}})
	return s
}

// byContext waits as programs in production do.
func byContext(env cloud.Env, flush func()) {
	ctx, stop := signal.NotifyContext(env.Context(), syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	flush()
}

// byChannel waits as they did before there was signal.NotifyContext.
func byChannel(_ cloud.Env, flush func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	<-c
	flush()
}

// Who has asked os/signal for SIGTERM gets it when the platform takes its
// instance away, and has time to store what it has; not when that crashes.
func TestSignal(t *testing.T) {
	patched(t)
	for name, wait := range map[string]func(cloud.Env, func()){"context": byContext, "channel": byChannel} {
		for plan, want := range map[string]int{"": 2, "end collect(alice/2)": 0} {
			var p scheduler.Plan
			if plan != "" {
				p = scheduler.Plan{{At: plan, Do: cloud.Crash, With: cloud.BeforeAck}}
			}
			r := compile(t, flushing(wait)).Run(scheduler.NewReplay(p))
			stored := 0
			for _, s := range r.Steps {
				if s.Operation != nil && s.Operation.Method == "SET" && s.Status == "OK" {
					stored++
				}
			}
			if r.Verdict != sim.Held || stored != want || len(r.Unmatched) > 0 {
				t.Errorf("%s, %q: %s %s, stored %d, wanted %d, unmatched %v", name, plan, r.Verdict, r.Why, stored, want, r.Unmatched)
			}
		}
	}
}

// Each instance has its own: one that is asked to stop no more is not.
func TestSignalStopped(t *testing.T) {
	patched(t)
	r := compile(t, flushing(func(env cloud.Env, flush func()) {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM)
		signal.Stop(c)
		<-c
		panic("it is told")
	})).Run(scheduler.Benign{})
	if r.Verdict != sim.Held {
		t.Errorf("%s %s\n%s", r.Verdict, r.Why, r.Stack)
	}
}

// Plain Go survives, and says what it cannot do.
func TestSignalOnPlainGo(t *testing.T) {
	if seeded.Runtime {
		t.Skip("the patched runtime can")
	}
	s := flushing(byContext)
	if r := compile(t, s).Run(scheduler.Benign{}); r.Verdict != sim.Inconclusive || !strings.Contains(r.Why, "SIGTERM through os/signal on plain Go") {
		t.Errorf("%s %s", r.Verdict, r.Why)
	}
	s.Functions[0].MinInstances = 1 // is never taken away
	if r := compile(t, s).Run(scheduler.Benign{}); r.Verdict != sim.Held {
		t.Errorf("%s %s %v\n%s", r.Verdict, r.Why, r.Violation, r.Stack)
	}
}

// What a rollout leaves behind is taken away, with SIGTERM, even where the
// function has minimum instances: these are of the new revision.
func TestRolloutEndsTheOld(t *testing.T) {
	s := scenario(calls("alice", "serve", "serve", "serve"))
	revision := func(name string) func(cloud.Env) (cloud.Handler, error) {
		return func(env cloud.Env) (cloud.Handler, error) {
			env.OnTerminate(func(ctx context.Context) { probe.Emit(ctx, name+" ends", nil) })
			return cloud.HTTPFunc(func(http.ResponseWriter, *http.Request) {}), nil
		}
	}
	s.Functions = append(s.Functions, sim.Function{Name: "serve", New: revision("new"), Old: revision("old"), MinInstances: 1})
	for _, at := range []struct {
		plan scheduler.Plan
		want string
	}{
		{nil, ""},
		{scheduler.Plan{{At: "start serve(alice/1)", Do: cloud.OldRevision}, {At: "start serve(alice/3)", Do: cloud.OldRevision}}, "old ends"},
		{scheduler.Plan{{At: "start serve(alice/1)", Do: cloud.OldRevision}, {At: "end serve(alice/1)", Do: cloud.Reap}}, "old ends"},
	} {
		r := compile(t, s).Run(scheduler.NewReplay(at.plan))
		var got []string
		for _, step := range r.Steps {
			for _, e := range step.Events {
				got = append(got, e.Type)
			}
		}
		if r.Verdict != sim.Held || len(r.Unmatched) > 0 || strings.Join(got, ", ") != at.want {
			t.Errorf("%v: %s %s, got %v, wanted %q, unmatched %v", at.plan, r.Verdict, r.Why, got, at.want, r.Unmatched)
		}
	}
}
