package sim_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

// example returns a scenario of the text tests by name.
func example(t *testing.T, name string) sim.Scenario {
	t.Helper()
	if s, ok := platformExample(name); ok {
		return s
	}
	alice, bob := told(calls("alice", "order/1"), 1), told(calls("bob", "order/2"), 1)
	counters := scenario(serves("count", count), calls("alice", "count"), calls("bob", "count"))
	counters.Properties = []*props.Property{props.AtQuiescence("both are counted", func(s props.State) error {
		if n, _ := s.Get("redis", "n"); n != "2" {
			return fmt.Errorf("n is %q", n)
		}
		return nil
	})}
	s, ok := map[string]sim.Scenario{
		"order":      scenario(publishes("order", "orders"), takes("charge", "orders", chargeOnce), alice),
		"orders":     scenario(publishes("order", "orders"), takes("charge", "orders", chargeOnce), alice, bob),
		"counters":   counters,
		"lease":      leases(),
		"rejected":   scenario(publishes("order", "orders"), takes("reject", "orders", reject), calls("alice", "order/1")),
		"short":      scenario(publishes("order", "orders"), with(takes("reject", "orders", reject), keepsFor(time.Minute)), calls("alice", "order/1")),
		"slow":       scenario(with(serves("slow", slow), func(f *sim.Function) { f.Timeout = 5 * time.Second }), told(calls("alice", "slow", "slow"), 1)),
		"background": background(),
		"spin":       scenario(serves("spin", spin), calls("alice", "spin"), calls("bob", "spin")),
		"poll": scenario(serves("poll", poll), serves("set", func(k *kit, _ http.ResponseWriter, r *http.Request) {
			k.redis.Set(r.Context(), "answer", "yes", 0)
		}), calls("alice", "poll"), calls("bob", "set")),
		"broken": scenario(serves("broken", broken), told(calls("alice", "broken"), 2)),
	}[name]
	if !ok {
		t.Fatalf("there is no scenario %q", name)
	}
	return s
}

func with(f sim.Function, change func(*sim.Function)) sim.Function {
	change(&f)
	return f
}

// count reads a counter and writes it back: an update that can be lost.
func count(k *kit, _ http.ResponseWriter, r *http.Request) {
	n, _ := k.redis.Get(r.Context(), "n").Int()
	k.redis.Set(r.Context(), "n", n+1, 0)
}

func reject(*kit, context.Context, gcp.Message) error { return errors.New("no") }

// slow takes longer than its time limit the first time that it is called, and
// does not look at its context.
func slow(k *kit, _ http.ResponseWriter, _ *http.Request) {
	ctx := context.Background()
	if k.redis.Incr(ctx, "calls").Val() == 1 {
		time.Sleep(8 * time.Second)
	}
	k.redis.Set(ctx, "done", "yes", 0)
}

func broken(_ *kit, w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 500) }

// leases has two clients that take a lock with a lease, and write a fencing
// token that must not fall: Kleppmann's paused lock holder.
func leases() sim.Scenario {
	take := serves("write", func(k *kit, w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		for !k.redis.SetNX(ctx, "lock", "held", 10*time.Second).Val() {
			time.Sleep(3 * time.Second)
		}
		token := k.redis.Incr(ctx, "token").Val()
		k.redis.Set(ctx, "data", token, 0)
		k.env.Tap().Emit("WRITTEN", map[string]any{"token": token})
		k.redis.Del(ctx, "lock")
	})
	s := scenario(take, calls("alice", "write"), calls("bob", "write"))
	s.Properties = []*props.Property{props.AtQuiescence("the newest token is last", func(s props.State) error {
		if token, _ := s.Get("redis", "data"); token != "2" {
			return fmt.Errorf("data is %q", token)
		}
		return nil
	})}
	return s
}

// background works on after the return, which fails the first time.
func background() sim.Scenario {
	return scenario(publishes("order", "orders"), takes("work", "orders", func(k *kit, ctx context.Context, m gcp.Message) error {
		if m.Attempt > 1 {
			k.redis.Get(ctx, "late")
			return nil
		}
		go func() {
			time.Sleep(time.Second)
			k.redis.Set(context.Background(), "late", "yes", 0)
		}()
		return errors.New("later")
	}), calls("alice", "order/1"))
}

// spin takes a lock without ever waiting.
func spin(k *kit, _ http.ResponseWriter, r *http.Request) {
	for !k.redis.SetNX(r.Context(), "lock", "held", 0).Val() {
	}
	k.redis.Incr(r.Context(), "n")
	k.redis.Del(r.Context(), "lock")
}

// poll waits for another client's request.
func poll(k *kit, _ http.ResponseWriter, r *http.Request) {
	for k.redis.Get(r.Context(), "answer").Err() != nil {
	}
}
