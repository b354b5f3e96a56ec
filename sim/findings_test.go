package sim_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// finding is a function that does what none should, and what a run says of
// it. With nothing wanted, it is in order.
type findingTest struct {
	hooked  bool // the patched runtime has a way for it
	name    string
	f       sim.Function
	verdict sim.Verdict
	want    []string // in property, binding, reason and stack
	faults  scheduler.Plan
}

func body(h handler) sim.Function { return serves("suspect", h) }

// constructor makes a function of what its New does.
func constructor(f func(env cloud.Env)) sim.Function {
	return sim.Function{Name: "suspect", New: func(env cloud.Env) (cloud.Handler, error) {
		f(env)
		return cloud.HTTP(http.HandlerFunc(answer)), nil
	}}
}

func panics() []findingTest {
	var nowhere *sim.Client
	const property = "handlers do not panic"
	return []findingTest{
		{name: "panic", f: body(func(*kit, http.ResponseWriter, *http.Request) { panic("boom") }),
			verdict: sim.Violated, want: []string{property, "suspect", "panic: boom", "findings_test.go"}},
		{name: "nil", f: body(func(*kit, http.ResponseWriter, *http.Request) { fmt.Println(nowhere.Name) }),
			verdict: sim.Violated, want: []string{property, "suspect", "nil pointer", "findings_test.go"}},
		{name: "panic(nil)", f: body(func(*kit, http.ResponseWriter, *http.Request) { panic(nil) }),
			verdict: sim.Violated, want: []string{property, "nil argument"}},
		{name: "in New", f: constructor(func(cloud.Env) { panic("boom") }),
			verdict: sim.Violated, want: []string{property, "suspect", "panic: boom", "findings_test.go"}},
		{name: "no such service", f: constructor(func(env cloud.Env) { env.Backend("nothing") }),
			verdict: sim.Inconclusive, want: []string{`no service "nothing"`}},
		{name: "aborted", f: body(func(*kit, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), verdict: sim.Held},
		{name: "Goexit", f: body(func(*kit, http.ResponseWriter, *http.Request) { runtime.Goexit() }), verdict: sim.Held},
		{name: "Goexit in New", f: constructor(func(cloud.Env) { runtime.Goexit() }), verdict: sim.Held},
		{name: "of a dead instance", f: body(func(k *kit, _ http.ResponseWriter, r *http.Request) {
			if err := k.redis.Set(r.Context(), "key", "1", 0).Err(); err != nil {
				panic(err)
			}
		}), verdict: sim.Held, faults: scheduler.Plan{{At: "suspect(alice/1):redis.SET key/1", Do: cloud.Crash, With: "after"}}},
	}
}

func leaks() []findingTest {
	const property = "invocations leave no goroutine blocked"
	forEver := func(c chan int) { <-c }
	return []findingTest{
		{name: "blocked goroutine", f: body(func(*kit, http.ResponseWriter, *http.Request) { go forEver(make(chan int)) }),
			verdict: sim.Violated, want: []string{property, "suspect", "findings_test.go", "chan receive"}},
		{name: "grandchild", f: body(func(*kit, http.ResponseWriter, *http.Request) {
			go func() { go forEver(nil) }()
		}), verdict: sim.Violated, want: []string{property, "suspect"}},
		{name: "one of two, the other sleeps", f: body(func(*kit, http.ResponseWriter, *http.Request) {
			go time.Sleep(time.Hour)
			go forEver(make(chan int))
		}), verdict: sim.Violated, want: []string{property, "chan receive"}},
		{name: "sleeping goroutine", f: body(func(*kit, http.ResponseWriter, *http.Request) { go time.Sleep(time.Hour) }), verdict: sim.Held},
		{name: "until the instance ends", f: body(func(k *kit, _ http.ResponseWriter, _ *http.Request) {
			go func() { <-k.env.Context().Done() }()
		}), verdict: sim.Held},
		{name: "until the invocation ends", f: body(func(_ *kit, _ http.ResponseWriter, r *http.Request) {
			go func() { <-r.Context().Done() }()
		}), verdict: sim.Held},
		{name: "New blocks one", f: constructor(func(cloud.Env) { go forEver(make(chan int)) }), verdict: sim.Held},
		{name: "New waits for the end", f: constructor(func(env cloud.Env) {
			go func() { <-env.Context().Done() }()
		}), verdict: sim.Held},
		{name: "New ticks", f: constructor(func(env cloud.Env) {
			go func() {
				for range time.Tick(time.Second) {
				}
			}()
		}), verdict: sim.Held},
		{name: "of a dead instance", f: body(func(k *kit, _ http.ResponseWriter, r *http.Request) {
			if k.redis.Get(r.Context(), "key").Err() == nil {
				return
			}
			go forEver(make(chan int))
			k.redis.Set(r.Context(), "key", "1", 0)
		}), verdict: sim.Held, faults: scheduler.Plan{{At: "suspect(alice/1):redis.SET key/1", Do: cloud.Crash, With: "after"}}},
	}
}

func endless() []findingTest {
	const property = "invocations end"
	return []findingTest{
		{name: "channel", f: body(func(*kit, http.ResponseWriter, *http.Request) { <-make(chan int) }),
			verdict: sim.Violated, want: []string{property, "suspect", "chan receive", "findings_test.go"}},
		{name: "no cases", f: body(func(*kit, http.ResponseWriter, *http.Request) { select {} }),
			verdict: sim.Violated, want: []string{property, "suspect", "no cases"}},
		{name: "WaitGroup", f: body(func(*kit, http.ResponseWriter, *http.Request) {
			var wg sync.WaitGroup
			wg.Add(1)
			wg.Wait()
		}), verdict: sim.Violated, want: []string{property, "WaitGroup"}},
		{name: "in New", f: constructor(func(cloud.Env) { select {} }), verdict: sim.Violated, want: []string{property, "suspect"}},
		{name: "sleeps on", f: body(func(*kit, http.ResponseWriter, *http.Request) {
			for {
				time.Sleep(time.Second)
			}
		}), verdict: sim.Violated, want: []string{property, "suspect", "sleep", "findings_test.go"}},
		{name: "polls with its own context", f: body(func(k *kit, _ http.ResponseWriter, _ *http.Request) {
			for k.redis.Get(context.Background(), "key").Err() != nil {
				time.Sleep(time.Second)
			}
		}), verdict: sim.Violated, want: []string{property, "suspect"}},
		{name: "spins on an operation", f: body(func(k *kit, _ http.ResponseWriter, _ *http.Request) {
			for k.redis.Get(context.Background(), "key").Err() != nil {
			}
		}), verdict: sim.Inconclusive, want: []string{"20000 steps", "suspect"}},
		{name: "spins on errors", f: body(func(k *kit, _ http.ResponseWriter, r *http.Request) {
			for k.redis.Set(r.Context(), "key", "1", 0).Err() != nil {
			}
		}), verdict: sim.Held, faults: scheduler.Plan{{At: "suspect(alice/1):redis.SET key/1", Do: cloud.Crash, With: "after"}}},
		{name: "spins on errors with its own context", f: body(func(k *kit, _ http.ResponseWriter, _ *http.Request) {
			for k.redis.Set(context.Background(), "key", "1", 0).Err() != nil {
			}
		}), verdict: sim.Held, faults: scheduler.Plan{{At: "suspect(alice/1):redis.SET key/1", Do: cloud.Crash, With: "after"}}},
		{name: "late", f: body(func(*kit, http.ResponseWriter, *http.Request) { time.Sleep(30 * time.Minute) }), verdict: sim.Held},
		{name: "late, by a timer", f: body(func(*kit, http.ResponseWriter, *http.Request) { <-time.After(30 * time.Minute) }), verdict: sim.Held},
		{name: "computes", f: body(func(*kit, http.ResponseWriter, *http.Request) {
			computeWhile(func() bool { return true })
		}), verdict: sim.Violated, want: []string{"invocations end", "suspect", "findings_test.go"}},
		{name: "computes until the clock says", f: body(func(*kit, http.ResponseWriter, *http.Request) {
			start := time.Now()
			computeWhile(func() bool { return time.Since(start) < time.Minute })
		}), verdict: sim.Inconclusive, want: []string{"suspect POST / (from alice/1) computes without end", "findings_test.go"}},
		{name: "computes until its context ends", f: body(func(_ *kit, _ http.ResponseWriter, r *http.Request) {
			computeWhile(func() bool { return r.Context().Err() == nil })
		}), verdict: sim.Inconclusive, want: []string{"suspect POST / (from alice/1) computes without end", "findings_test.go"}},
		{name: "computes until another has called", f: body(func(k *kit, _ http.ResponseWriter, r *http.Request) {
			var done atomic.Bool
			go func() { k.redis.Get(r.Context(), "key"); done.Store(true) }()
			computeWhile(func() bool { return !done.Load() })
		}), verdict: sim.Inconclusive, want: []string{"suspect POST / (from alice/1) computes without end", "findings_test.go"}},
	}
}

// lockTest is a lock that is held across a call: plain Go cannot get past it,
// the patched runtime can.
func lockTest() findingTest {
	t := findingTest{name: "mutex across a call", f: lockAcrossCall(), verdict: sim.Inconclusive,
		want: []string{"suspect", "sync.Mutex.Lock", "findings_test.go", "wtsim test"}}
	if sim.RuntimeName() == sim.Patched {
		t.verdict, t.want = sim.Held, nil
	}
	return t
}

func locks() []findingTest {
	var outside chan int
	return []findingTest{
		lockTest(),
		{name: "channel of a package variable", f: body(func(*kit, http.ResponseWriter, *http.Request) {
			<-packageVariable
		}), verdict: sim.Inconclusive, want: []string{"suspect POST / (from alice/1)", "channel that was made outside", "findings_test.go"}},
		{name: "nil channel", f: body(func(*kit, http.ResponseWriter, *http.Request) { <-outside }),
			verdict: sim.Violated, want: []string{"invocations end"}},
	}
}

// stopSpinning ends the goroutines that compute, which spinning counts.
var (
	stopSpinning atomic.Bool
	spinning     atomic.Int32
)

// computeWhile computes while a condition holds, and for no longer than its test.
func computeWhile(holds func() bool) {
	spinning.Add(1)
	defer spinning.Add(-1)
	for holds() && !stopSpinning.Load() {
	}
}

func endSpinning() {
	stopSpinning.Store(true)
	for spinning.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
	stopSpinning.Store(false)
}

var packageVariable = make(chan int)

// lockAcrossCall makes a function whose instance has a cache with a mutex.
func lockAcrossCall() sim.Function {
	return sim.Function{Name: "suspect", New: func(env cloud.Env) (cloud.Handler, error) {
		var mu sync.Mutex
		k := newKit(env)
		return cloud.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			k.redis.Get(r.Context(), "before")
			mu.Lock()
			defer mu.Unlock()
			k.redis.Get(r.Context(), "within")
		})), nil
	}}
}

func pastSeam() []findingTest {
	get := func(url string) sim.Function {
		return body(func(*kit, http.ResponseWriter, *http.Request) { _, _ = http.Get(url) })
	}
	dial := func(addr string) sim.Function {
		return body(func(*kit, http.ResponseWriter, *http.Request) {
			if c, err := net.DialTimeout("tcp", addr, time.Minute); err == nil {
				_ = c.Close()
			}
		})
	}
	return []findingTest{
		{name: "known host", f: body(func(_ *kit, w http.ResponseWriter, _ *http.Request) {
			resp, err := http.Get("https://api.example/")
			if err != nil || resp.StatusCode != 200 {
				panic(errors.Join(err, errors.New("no answer")))
			}
		}), verdict: sim.Held},
		{name: "unknown host", f: get("https://elsewhere.example/"), verdict: sim.Inconclusive, want: []string{"suspect", "elsewhere.example", "seam"}},
		{name: "clone of the default transport", f: body(func(*kit, http.ResponseWriter, *http.Request) {
			c := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
			_, _ = c.Get("http://api.example/")
		}), hooked: true, verdict: sim.Inconclusive, want: []string{"suspect", "api.example:80", "seam"}},
		{name: "a transport of its own", f: body(func(*kit, http.ResponseWriter, *http.Request) {
			_, _ = (&http.Client{Transport: &http.Transport{}}).Get("https://elsewhere.example/")
		}), verdict: sim.Inconclusive, want: []string{"suspect", "elsewhere.example", "seam"}},
		{name: "look-up", f: body(func(_ *kit, _ http.ResponseWriter, r *http.Request) {
			_, _ = net.DefaultResolver.LookupHost(r.Context(), "elsewhere.example")
		}), verdict: sim.Inconclusive, want: []string{"suspect", "elsewhere.example", "seam"}},
		{name: "dial by name", f: dial("elsewhere.example:5432"), verdict: sim.Inconclusive, want: []string{"suspect", "elsewhere.example", "seam"}},
	}
}

// What a function must not do is told by its name, with the stack, and never
// hangs or ends the process; what it may do is not told. After each of them a
// normal run in the same process is as before.
func TestFindings(t *testing.T) {
	normal := compile(t, scenario(publishes("order", "orders"), takes("charge", "orders", chargeOnce), calls("alice", "order/1", "order/2")))
	before := normal.Run(scheduler.Benign{}).Hash
	groups := map[string][]findingTest{"panic": panics(), "leak": leaks(), "never ends": endless(), "lock": locks(), "seam": pastSeam()}
	for group, tests := range groups {
		for _, test := range tests {
			t.Run(group+"/"+test.name, func(t *testing.T) {
				test.check(t)
				endSpinning()
				if now := normal.Run(scheduler.Benign{}); now.Hash != before || now.Verdict != sim.Held {
					t.Errorf("a normal run is not as before:\n%s", trace(now))
				}
			})
		}
	}
}

func (f findingTest) check(t *testing.T) {
	if f.hooked && sim.RuntimeName() == sim.Patched { // every transport reaches the services there
		f.verdict, f.want = sim.Held, nil
	}
	s := compile(t, scenario(f.f, calls("alice", "suspect", "suspect"), calls("bob", "suspect"), func(s *sim.Scenario) { s.MaxSteps = 20_000 }))
	busy := 400 * time.Millisecond
	if sim.RuntimeName() == sim.Patched {
		busy = 2500 * time.Millisecond // who computes there keeps its turn for a second
	}
	s.Watchdog(bubble.Options{Busy: busy})
	var source scheduler.Source = scheduler.NewReplay(f.faults)
	if strings.Contains(f.name, "mutex") {
		source = scheduler.NewReplay(scheduler.Plan{
			{At: "after suspect(alice/1):redis.GET before/1", Do: cloud.RunOther, With: "suspect(bob/1)"}})
	}
	before := runtime.NumGoroutine()
	r := s.Run(source)
	if n := runtime.NumGoroutine() - before; f.clean() && n > 0 {
		t.Errorf("%d goroutines are left", n)
	}
	if len(r.Unmatched) > 0 || r.Verdict != f.verdict {
		t.Fatalf("want %s, got\n%s\n%s", f.verdict, lastLines(trace(r), 25), r.Stack)
	}
	told := r.Why + "\n" + r.Stack
	if r.Violation != nil {
		told = r.Violation.Property + " " + r.Violation.Binding.String() + "\n" + told
	}
	for _, want := range f.want {
		if !strings.Contains(told, want) {
			t.Errorf("want %q in\n%s", want, told)
		}
	}
}

// clean reports whether all goroutines must have ended: in order, or ended by
// force.
func (f findingTest) clean() bool { return strings.Contains(f.name, "spins") }
