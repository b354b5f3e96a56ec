package sim_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"log/slog"
	mathrand "math/rand"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	gpubsub "cloud.google.com/go/pubsub/v2"
	"github.com/google/uuid"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/internal/steady"
	"github.com/wtsim/wtsim/scenarios"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// many is a number of runs, fewer with -short.
func many(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// nasty is a scenario of everything that makes runs hard to repeat:
// constructors that call, parallel goroutines, work after the return, leases
// that are waited for, generated keys, timers, output, a short time limit.
func nasty() sim.Scenario {
	order := sim.Function{Name: "order", Timeout: 2 * time.Second, Concurrency: 2, New: func(env cloud.Env) (cloud.Handler, error) {
		k := newKit(env)
		if err := k.redis.Incr(env.Context(), "instances").Err(); err != nil {
			return cloud.Handler{}, err
		}
		go func() {
			for range 3 {
				time.Sleep(700 * time.Millisecond)
				k.redis.Incr(env.Context(), "heartbeats")
			}
		}()
		orders := pubsub.Client(env, "pubsub").Publisher("orders")
		return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) { nastyOrder(k, orders, w, r) }), nil
	}}
	lease := takes("ship", "orders", func(k *kit, ctx context.Context, m gcp.Message) error {
		for n := 0; !k.redis.SetNX(ctx, "lease", m.ID, 1500*time.Millisecond).Val(); n++ {
			if n == 4 {
				return fmt.Errorf("the lease is taken")
			}
			time.Sleep(400 * time.Millisecond)
		}
		defer k.redis.Del(ctx, "lease")
		return k.redis.Set(ctx, "shipped:"+m.ID, uuid.NewString(), time.Hour).Err()
	})
	s := scenario(order, lease, with(takes("charge", "orders", chargeOnce), keepsFor(10*time.Minute)),
		told(calls("alice", "order/a", "order/b"), 2), told(calls("bob", "order/c"), 2), told(calls("carol", "order/c"), 1))
	s.Name = "nasty"
	s.Faults.Most = 6
	s.MaxSteps = 3000
	return s
}

func nastyOrder(k *kit, orders *gpubsub.Publisher, w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			n := k.redis.Incr(ctx, "requests").Val()
			k.redis.Set(context.Background(), fmt.Sprintf("item:%d", i%3), n, 0)
		})
	}
	wg.Wait()
	fmt.Println("order", r.URL.Path, uuid.New())
	k.redis.Set(ctx, "order:"+uuid.NewString(), r.URL.Path, time.Minute)
	if _, err := orders.Publish(ctx, &gpubsub.Message{Data: []byte(r.URL.Path[1:])}).Get(ctx); err != nil {
		log.Print(err)
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
	go func() {
		time.Sleep(time.Second)
		k.redis.Incr(context.Background(), "late")
		k.env.Tap().Emit("LATE", map[string]any{"path": r.URL.Path})
	}()
}

// all are the scenarios whose runs are compared.
func all() []sim.Scenario { return append(scenarios.All(), nasty()) }

// No decision and no step of a run has the name of another.
func TestIdentitiesAreUnique(t *testing.T) {
	defer search.Steady()()
	for _, scenario := range all() {
		s := compile(t, scenario)
		for seed := range uint64(many(2000) / len(all())) {
			r := s.Run(scheduler.NewRandom(seed))
			at := map[string]bool{}
			for _, d := range r.Record.Decisions {
				if at[d.At] {
					t.Fatalf("%s, seed %d: two decisions are named %q\n%s", scenario.Name, seed, d.At, trace(r))
				}
				at[d.At] = true
				distinctOptions(t, d)
			}
			steps, last := map[string]bool{}, time.Time{}
			for i, id := range identities(r) {
				if steps[id] {
					t.Fatalf("%s, seed %d: two steps are named %q\n%s", scenario.Name, seed, id, trace(r))
				}
				if !strings.Contains(id, ", output ") {
					if !r.Steps[i].Time.After(last) {
						t.Fatalf("%s, seed %d: time does not rise at %q\n%s", scenario.Name, seed, id, trace(r))
					}
					last = r.Steps[i].Time
				}
				steps[id] = true
			}
		}
	}
}

func distinctOptions(t *testing.T, d scheduler.Decision) {
	t.Helper()
	seen := map[string]bool{}
	for _, o := range d.Options {
		if seen[o.String()] {
			t.Fatalf("%q has the option %q twice", d.At, o)
		}
		seen[o.String()] = true
	}
}

// A run is a function of its decisions: another run before it changes
// nothing, and the plan that it followed leads to it again.
func TestRunsRepeat(t *testing.T) {
	defer search.Steady()()
	verdicts := map[sim.Verdict]int{}
	for _, scenario := range all() {
		s := compile(t, scenario)
		for seed := range uint64(many(300) / len(all())) {
			first := s.Run(scheduler.NewRandom(seed))
			s.Run(scheduler.NewRandom(seed + 1))
			again := s.Run(scheduler.NewRandom(seed))
			replayed := s.Run(scheduler.NewReplay(first.Record.Plan))
			if len(replayed.Unmatched) > 0 {
				t.Fatalf("%s, seed %d: unmatched %v", scenario.Name, seed, replayed.Unmatched)
			}
			for _, other := range []*sim.Result{again, replayed} {
				if other.Hash != first.Hash || other.Verdict != first.Verdict || output(other) != output(first) {
					t.Fatalf("%s, seed %d: %s", scenario.Name, seed, report.FirstDifference(first, other))
				}
			}
			verdicts[first.Verdict]++
			if first.Verdict == sim.Inconclusive {
				t.Errorf("%s, seed %d: %s", scenario.Name, seed, first.Why)
			}
		}
	}
	t.Log(verdicts)
}

func output(r *sim.Result) string {
	var b strings.Builder
	for i := range r.Steps {
		b.WriteString(r.Steps[i].Output)
	}
	return b.String()
}

// Parallel goroutines that do equal and unequal things lead to one trace, on
// one thread whatever their order of arrival, on two if they are unequal.
func TestParallelGoroutines(t *testing.T) {
	parallel := func(key func(i int) string) *sim.Simulation {
		return compile(t, scenario(serves("work", func(k *kit, _ http.ResponseWriter, r *http.Request) {
			var wg sync.WaitGroup
			for i := range 5 {
				wg.Go(func() {
					n := k.redis.Incr(r.Context(), key(i)).Val()
					k.redis.Set(r.Context(), fmt.Sprintf("result:%d", i), n, 0)
				})
			}
			wg.Wait()
		}), calls("alice", "work"), calls("bob", "work")))
	}
	equal := parallel(func(int) string { return "n" })
	unequal := parallel(func(i int) string { return fmt.Sprint("n", i%5) })
	for _, threads := range []int{1, 2} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
		sameHash(t, fmt.Sprintf("equal, GOMAXPROCS %d", threads), equal, many(500))
		sameHash(t, fmt.Sprintf("unequal, GOMAXPROCS %d", threads), unequal, many(200))
	}
	defer steady.Threads(2)()
	sameHash(t, "unequal, on two threads", unequal, many(200))
}

func sameHash(t *testing.T, name string, s *sim.Simulation, runs int) {
	t.Helper()
	first := s.Run(scheduler.NewRandom(1))
	for n := range runs {
		if r := s.Run(scheduler.NewRandom(1)); r.Hash != first.Hash {
			t.Fatalf("%s, run %d: %s\n%s", name, n, report.FirstDifference(first, r), trace(first))
		}
	}
}

// What a handler draws, and when, depends on who draws, not on what ran
// before; what it prints is kept apart from ours and told with its step.
func TestRandomnessTimeAndOutput(t *testing.T) {
	draw := serves("draw", func(k *kit, _ http.ResponseWriter, r *http.Request) {
		b := make([]byte, 4)
		_, _ = rand.Read(b)
		fmt.Println("uuid", uuid.New())
		fmt.Fprintf(os.Stderr, "crypto %x\n", b)
		log.Print("math ", mathrand.Intn(1e6))
		slog.Info("time", "now", time.Now().Format(time.TimeOnly))
		k.redis.Set(r.Context(), "key", uuid.NewString(), 0)
		fmt.Println("second", uuid.New())
	})
	s := compile(t, scenario(draw, calls("alice", "draw"), calls("bob", "draw")))
	usual := s.Run(scheduler.Benign{})
	if got := usual.Steps[0].Output; strings.Count(got, "\n") != 4 || !strings.Contains(got, "now=00:00:00") {
		t.Errorf("the first step prints %q", got)
	}
	if got := usual.Steps[1].Output; strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "second") {
		t.Errorf("the second step prints %q", got)
	}
	bobFirst := s.Run(scheduler.NewReplay(scheduler.Plan{{At: "after begin", Do: cloud.RunOther, With: "draw(bob/1)"}}))
	for _, word := range []string{"uuid", "crypto", "second"} {
		if a, b := lines(usual, word), lines(bobFirst, word); a[0] != b[1] || a[1] != b[0] || a[0] == a[1] {
			t.Errorf("with another order, %s is %q, then %q", word, a, b)
		}
	}
	if again := s.Run(scheduler.Benign{}); output(again) != output(usual) {
		t.Errorf("a second run prints\n%s\nthe first\n%s", output(again), output(usual))
	}
}

func lines(r *sim.Result, word string) (out []string) {
	for _, line := range strings.Split(output(r), "\n") {
		if strings.HasPrefix(line, word) {
			out = append(out, line)
		}
	}
	return append(out, "", "")
}
