package sim_test

import (
	"context"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// Variables of the package, as applications should not have them.
var (
	served int             // counts requests of all runs
	seen   map[string]bool // a cache that all runs share
	latest string          // what the newest run has left
)

// charges is a scenario of one function, charge, that two clients call.
func charges(h handler) sim.Scenario {
	return scenario(serves("charge", h), calls("alice", "charge/a"), calls("bob", "charge/b"))
}

// unsteady are handlers whose runs differ, with what is said about them. Those
// that wtsim test makes repeatable are marked.
var unsteady = []struct {
	name       string
	controlled bool
	handler    handler
	want       string // a regular expression
}{
	{"a map's keys", true, func(k *kit, _ http.ResponseWriter, r *http.Request) {
		k.redis.Get(r.Context(), "user:1")
		k.redis.Get(r.Context(), "user:2")
		cart := map[string]bool{}
		for i := range 64 { // of eight there are but eight orders, so that one run in 64 would be repeated
			cart[fmt.Sprint("cart:", i)] = true
		}
		left := 7
		for key := range cart {
			k.redis.Get(r.Context(), key)
			if left--; left == 0 {
				break
			}
		}
	}, `^invocation charge #[12]: (third|fourth|fifth|sixth|seventh|eighth|ninth) operation was redis GET cart:\d+, then redis GET cart:\d+; ` +
		`likely map iteration, math/rand or a goroutine race in charge `},
	{"a random key", true, func(k *kit, _ http.ResponseWriter, r *http.Request) {
		k.redis.Set(r.Context(), fmt.Sprint("token:", mathrand.Uint64()), "x", 0)
	}, `^invocation charge #[12]: first operation was redis SET token:\d+, then redis SET token:\d+; likely map iteration, math/rand or a goroutine race in charge `},
	{"a random value", true, func(k *kit, _ http.ResponseWriter, r *http.Request) {
		k.redis.Set(r.Context(), "token", fmt.Sprint(mathrand.Uint64()), 0)
	}, `^invocation charge #1: first operation, redis SET token, had the argument "\d+", then "\d+"; likely math/rand, map iteration or a package-level variable in charge `},
	{"a random status", true, func(_ *kit, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(400 + mathrand.IntN(50))
	}, `^invocation charge #[12]: it ends with "4\d\d", then with "4\d\d"; likely map iteration, math/rand or a goroutine race in charge `},
	{"a random delay", true, func(k *kit, _ http.ResponseWriter, r *http.Request) {
		k.redis.Get(r.Context(), "a")
		time.Sleep(time.Duration(mathrand.IntN(1e6)) * time.Microsecond)
		k.redis.Get(r.Context(), "b")
	}, `^invocation charge #1: second operation, redis GET b, came \d.*s, then \d.*s after its step before; likely math/rand in a delay, timers that fire at one instant or a goroutine race in charge `},
	{"a race of goroutines", true, func(k *kit, _ http.ResponseWriter, r *http.Request) {
		k.redis.Set(r.Context(), "order", raced(), 0)
	}, `^invocation charge #[12]: first operation, redis SET order, had the argument "[a-h]{8}", then "[a-h]{8}"; likely map iteration in charge `},
	{"a counter of the package", false, func(k *kit, _ http.ResponseWriter, r *http.Request) {
		served++
		k.redis.Set(r.Context(), "served", served, 0)
	}, `^invocation charge #1: first operation, redis SET served, had the argument "\d+", then "\d+"; ` +
		`it changes in one direction from run to run: a run leaves state behind, likely a package-level variable in charge$`},
	{"a counter in a key", false, func(k *kit, _ http.ResponseWriter, r *http.Request) {
		served++
		k.redis.Get(r.Context(), fmt.Sprint("order:", served))
	}, `^invocation charge #1: first operation was redis GET order:\d+, then redis GET order:\d+; it changes in one direction from run to run: `},
	{"a cache of the package", false, func(k *kit, _ http.ResponseWriter, r *http.Request) {
		if !seen[r.URL.Path] {
			k.redis.Get(r.Context(), "cart"+r.URL.Path)
			seen[r.URL.Path] = true
		}
	}, `^invocation charge #1: first operation was redis GET cart/[ab], then the end of the invocation, with 200; ` +
		`all further runs are as the second: likely the first run leaves state behind, likely a package-level variable in charge$`},
	{"what the last run has left", false, func(k *kit, _ http.ResponseWriter, r *http.Request) {
		k.redis.Get(r.Context(), "after"+latest)
		latest = r.URL.Path
	}, `^invocation charge #1: first operation was redis GET after/[ab], then redis GET after/[ab]; ` +
		`it depends on the schedule that was run before: a run leaves state behind, likely a package-level variable in charge$`},
}

// raced is the order in which goroutines get to run whose timers fire at one
// instant.
func raced() string {
	names := make(chan string)
	for _, name := range strings.Split("abcdefgh", "") {
		go func() {
			time.Sleep(time.Second)
			names <- name
		}()
	}
	order := ""
	for range 8 {
		order += <-names
	}
	return order
}

// bobFirst is a plan after which alice's request is the last.
var bobFirst = scheduler.Plan{{At: "after begin", Do: cloud.RunOther, With: "charge(bob/1)"}}

// A run that is not repeatable is named: invocation, place, both values, and
// the cause, as far as it can be told.
func TestRepeatsNames(t *testing.T) {
	for _, c := range unsteady {
		t.Run(c.name, func(t *testing.T) {
			served, seen, latest = 0, map[string]bool{}, "/a"
			s := compile(t, charges(c.handler))
			got := subject(s).Repeats(s.Run(scheduler.NewReplay(bobFirst)))
			if c.controlled && sim.RuntimeName() == sim.Patched {
				if got != "" {
					t.Errorf("on the patched runtime: %s", got)
				}
				return
			}
			if want := strings.ReplaceAll(c.want, "charge #1", "charge #[12]"); !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if strings.Contains(got, "flaky") {
				t.Error("says flaky")
			}
		})
	}
}

// op is a step of charge #1, as a run tells it.
func op(n int, method, resource string, words ...string) sim.Step {
	o := &event.Operation{Service: "redis", Method: method, Resource: resource, Request: event.Payload{Words: append([]string{method, resource}, words...)}}
	return sim.Step{Kind: sim.KindOperation, Task: cloud.Named("charge(a/1)"), Function: "charge", Number: 1, What: "redis " + method + " " + resource,
		Identity: fmt.Sprintf("charge(a/1):redis.%s %s/1", method, resource), Operation: o, Status: "OK", Time: instant(n)}
}

func end(n int, status string) sim.Step {
	return sim.Step{Kind: sim.KindEnd, Task: cloud.Named("charge(a/1)"), Function: "charge", Number: 1, What: "ends",
		Identity: "end charge(a/1)", Status: status, Time: instant(n)}
}

func instant(n int) time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * 10 * time.Microsecond)
}

func answered(s sim.Step, status string) sim.Step { s.Status = status; return s }

func steps(s ...sim.Step) *sim.Result { return &sim.Result{Verdict: sim.Held, Steps: s} }

// The words for every kind of difference.
func TestFirstDifference(t *testing.T) {
	const likely = "; likely map iteration, math/rand or a goroutine race in charge (`wtsim test` and `wtsim build` control these)"
	get := func(n int, key string) sim.Step { return op(n, "GET", key) }
	a := steps(get(1, "cart:0"), get(2, "cart:9"), get(3, "cart:1"), end(4, "200"))
	for _, c := range []struct {
		name string
		b    *sim.Result
		want string
	}{
		{"none", a, ""},
		{"another operation", steps(get(1, "cart:0"), get(2, "cart:9"), get(3, "cart:2"), end(4, "200")),
			"invocation charge #1: third operation was redis GET cart:1, then redis GET cart:2" + likely},
		{"another order", steps(get(1, "cart:0"), get(2, "cart:1"), get(3, "cart:9"), end(4, "200")),
			"invocation charge #1: second operation was redis GET cart:9, then redis GET cart:1" + likely},
		{"the end comes sooner", steps(get(1, "cart:0"), get(2, "cart:9"), end(3, "500")),
			"invocation charge #1: third operation was redis GET cart:1, then the end of the invocation, with 500" + likely},
		{"the run ends sooner", steps(get(1, "cart:0"), get(2, "cart:9")),
			"invocation charge #1: third operation was redis GET cart:1, then none" + likely},
		{"another end", steps(get(1, "cart:0"), get(2, "cart:9"), get(3, "cart:1"), end(4, "500")),
			`invocation charge #1: it ends with "200", then with "500"` + likely},
		{"another answer", steps(get(1, "cart:0"), answered(get(2, "cart:9"), "(nil)"), get(3, "cart:1"), end(4, "200")),
			`invocation charge #1: second operation, redis GET cart:9, was answered "OK", then "(nil)"; likely math/rand or state that outlives the run in the service redis, or operations of charge in another order (` + "`wtsim test` and `wtsim build` control these)"},
		{"another time", steps(get(1, "cart:0"), get(2, "cart:9"), get(7, "cart:1"), end(8, "200")),
			"invocation charge #1: third operation, redis GET cart:1, came 10µs, then 50µs after its step before; likely math/rand in a delay, timers that fire at one instant or a goroutine race in charge (`wtsim test` and `wtsim build` control these)"},
		{"another verdict", &sim.Result{Verdict: sim.Violated, Steps: a.Steps},
			"the same steps were judged held, then violated; likely a property that is not a function of what it is asked about: map iteration, math/rand or a variable that outlives the run"},
	} {
		if got := report.FirstDifference(a, c.b); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// Where long data differ is shown, not their beginning; an order of elements is
// told from other values.
func TestFirstDifferenceOfData(t *testing.T) {
	long := strings.Repeat("x", 100)
	got := report.FirstDifference(steps(op(1, "SET", "k", long+"ab"+long)), steps(op(1, "SET", "k", long+"ba"+long)))
	want := `invocation charge #1: first operation, redis SET k, had the argument ..."xxxxxxxxxxxxxxxxxxxxab` + strings.Repeat("x", 38) +
		`"..., then ..."xxxxxxxxxxxxxxxxxxxxba` + strings.Repeat("x", 38) + `"...; likely map iteration in charge (` + "`wtsim test` and `wtsim build` control these)"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// never is violated by the first event of a type.
func never(eventType string) *props.Property {
	return props.ForAll().Machine("never", props.From("start").On(props.On(eventType)).To(props.Violated))
}

// A search names what is not repeatable: among what holds it samples, what
// violates must repeat to count.
func TestSearchRepeats(t *testing.T) {
	served = 0
	counts := charges(func(k *kit, _ http.ResponseWriter, r *http.Request) {
		served++
		k.redis.Set(r.Context(), "served", served, 0)
	})
	found, err := subject(compile(t, counts)).Search(context.Background(), search.Options{Strategy: "random", Schedules: 20})
	if err != nil || found.Result != nil || found.Unrepeatable == nil || found.Ran != 20 {
		t.Fatalf("got %+v, %v", found, err)
	}
	if u := found.Unrepeatable; u.Number != 1 || u.Seed != 1 || u.Verdict != sim.Held || !strings.HasPrefix(u.Difference, "invocation charge #1: first operation, redis SET served,") {
		t.Errorf("got %+v", u)
	}

	counts.Properties = []*props.Property{never("SET")}
	counts.Faults.Kinds = []string{cloud.RunOther} // an operation that overlaps is told late
	found, err = subject(compile(t, counts)).Search(context.Background(), search.Options{Strategy: "random", Schedules: 20})
	if err != nil || found.Result != nil || found.Ran != 20 || found.Unrepeatable == nil || found.Unrepeatable.Verdict != sim.Violated || found.Repeated != 20 {
		t.Errorf("with a property: got %+v, %v", found, err)
	}

	steady := compile(t, charges(func(k *kit, _ http.ResponseWriter, r *http.Request) { k.redis.Get(r.Context(), "a") }))
	found, err = subject(steady).Search(context.Background(), search.Options{Strategy: "random", Schedules: 1000})
	if err != nil || found.Unrepeatable != nil || found.Ran != 1000 || found.Repeated < 10 || found.Repeated > 30 {
		t.Errorf("a steady scenario: got %+v, %v", found, err)
	}
}

// A shrink that meets a run that is not repeatable stops with the smallest
// plan whose run is, and says so.
func TestShrinkMeetsNondeterminism(t *testing.T) {
	served = 0
	s := charges(func(k *kit, _ http.ResponseWriter, r *http.Request) {
		if k.redis.Incr(r.Context(), "n").Val() == 1 && r.URL.Path == "/a" { // alice comes first
			served++
			k.redis.Set(r.Context(), "served", served, 0)
		}
	})
	s.Clients = []sim.Client{told(s.Clients[0], 0), told(s.Clients[1], 0)}
	s.Properties = []*props.Property{never("TOLD")}
	simulation := subject(compile(t, s))
	r := simulation.Run(scheduler.NewReplay(bobFirst))
	if difference := simulation.Repeats(r); difference != "" || len(r.Record.Plan) != 1 {
		t.Fatalf("plan %v, not repeatable: %s", r.Record.Plan, difference)
	}
	shrunk, _ := simulation.Shrink(r, nil)
	if shrunk.Minimal || len(shrunk.Plan) != 1 || shrunk.Result != r || !strings.HasPrefix(shrunk.Parted, "invocation charge #1: second operation, redis SET served,") {
		t.Errorf("minimal %t, plan %v, parted %q", shrunk.Minimal, shrunk.Plan, shrunk.Parted)
	}
}

// A search that is interrupted while its strategy lists schedules, for which it
// runs some, ends at once, and has not run all that there are.
func TestInterruptedWhileListing(t *testing.T) {
	s := compile(t, scenario(serves("count", counts), calls("a", "count/x"), calls("b", "count/x")))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	found, err := subject(s).Search(ctx, search.Options{Strategy: "bounded", Bound: 2, Before: func(n int) {
		if n == 5 {
			cancel()
		}
	}})
	if err != nil || !found.Interrupted || found.Complete || found.Ran != 4 {
		t.Errorf("%v: interrupted %v, complete %v, %d schedules; wanted an interrupted search after 4", err, found.Interrupted, found.Complete, found.Ran)
	}
}
