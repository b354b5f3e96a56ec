package nasty_test

import (
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// shared is what the invocations of a function instance share.
type shared struct {
	mu    sync.Mutex
	state sync.RWMutex
	once  sync.Once
	redis *goredis.Client
}

// sharing is a scenario in which three clients invoke one function at the
// same time.
func sharing(f func(*shared, *http.Request)) sim.Scenario {
	client := func(name string) sim.Client {
		return sim.Client{Name: name, Requests: []sim.Request{{Function: "f"}}}
	}
	return sim.Scenario{
		Name: "sharing", Platform: gcp.CloudRun().Within(time.Minute), Services: []cloud.Service{redis.New("redis")},
		Functions: []sim.Function{{Name: "f", New: func(env cloud.Env) (cloud.Handler, error) {
			s := &shared{redis: redis.Client(env, "redis", nil)}
			return cloud.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(s, r) })), nil
		}}},
		Clients: []sim.Client{client("a"), client("b"), client("c")},
		Faults:  sim.Faults{Most: -1},
	}
}

var held = map[string]func(*shared, *http.Request){
	"mutex across a call": func(s *shared, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.redis.Incr(r.Context(), "n")
	},
	"mutex across a sleep": func(s *shared, r *http.Request) {
		s.redis.Incr(r.Context(), "n")
		s.mu.Lock()
		defer s.mu.Unlock()
		time.Sleep(time.Second)
	},
	"once around a call": func(s *shared, r *http.Request) {
		s.once.Do(func() { s.redis.Incr(r.Context(), "n") })
	},
	"readers and writers": func(s *shared, r *http.Request) {
		s.state.RLock()
		s.redis.Get(r.Context(), "n")
		s.state.RUnlock()
		s.state.Lock()
		defer s.state.Unlock()
		s.redis.Incr(r.Context(), "n")
	},
}

// Invocations that share a lock, held across a call or a sleep, run to the
// end on the patched runtime, in whatever order they run. On plain Go a
// watchdog ends the run and names the function, the lock and what helps.
func TestLocks(t *testing.T) {
	for name, f := range held {
		s, err := sim.Compile(sharing(f))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[sim.Verdict]*sim.Result{}
		for seed := uint64(1); seed <= 30 && (seeded.Runtime || seen[sim.Inconclusive] == nil); seed++ {
			r := s.Run(scheduler.NewRandom(seed))
			seen[r.Verdict] = r
		}
		r := seen[sim.Inconclusive]
		switch {
		case seeded.Runtime && (len(seen) != 1 || seen[sim.Held] == nil):
			t.Errorf("%s: %v, wanted all to hold: %+v", name, seen, r)
		case !seeded.Runtime && (r == nil || !strings.Contains(r.Why, "waits for a lock (sync.") || !strings.Contains(r.Why, "`wtsim test` makes such waits work")):
			t.Errorf("%s: %+v, wanted a lock, and what helps", name, r)
		}
	}
}

// A lock that nobody gives back is a finding, not a hang.
func TestDeadlock(t *testing.T) {
	if !seeded.Runtime {
		t.Skip("plain Go cannot wait for locks: a watchdog reports them, see TestLocks")
	}
	s, err := sim.Compile(sharing(func(s *shared, r *http.Request) {
		s.mu.Lock()
		s.redis.Incr(r.Context(), "n")
	}))
	if err != nil {
		t.Fatal(err)
	}
	r := s.Run(scheduler.Benign{})
	if r.Verdict != sim.Violated || r.Violation.Property != "invocations end" || !strings.Contains(r.Stack, "sync.(*Mutex).Lock") {
		t.Errorf("got %s %s %v\n%s", r.Verdict, r.Why, r.Violation, r.Stack)
	}
}

// A goroutine that spins until another has done something does not spin for
// ever: it keeps its turn for a second.
func TestSpinning(t *testing.T) {
	s, err := sim.Compile(sharing(func(s *shared, r *http.Request) {
		go func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.redis = nil
		}()
		for {
			s.mu.Lock()
			done := s.redis == nil
			s.mu.Unlock()
			if done {
				return
			}
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Run(scheduler.Benign{}); r.Verdict != sim.Held {
		t.Errorf("got %s %s\n%s", r.Verdict, r.Why, r.Stack)
	}
}

// Nor does the collector end a turn, however often it stops the goroutine. A run
// that takes longer than a turn may says nothing.
func TestCollected(t *testing.T) {
	if !seeded.Runtime {
		t.Skip("goroutines have turns on the patched runtime alone")
	}
	between, short := 0, 0
	s, err := sim.Compile(sharing(func(s *shared, r *http.Request) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) // the collector works beside
		defer debug.SetGCPercent(debug.SetGCPercent(5))
		turn := true
		go func() {
			if turn {
				between++
			}
		}()
		for range 2000 {
			garbage = make([]byte, 64<<10)
		}
		turn = false
	}))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		start, was := time.Now(), between
		r := s.Run(scheduler.Benign{})
		if r.Verdict != sim.Held {
			t.Fatalf("got %s %s\n%s", r.Verdict, r.Why, r.Stack)
		}
		if time.Since(start) > time.Second {
			between = was
		} else {
			short++
		}
	}
	if short == 0 {
		t.Skip("each of 5 runs took longer than a second: others have the machine")
	}
	if between > 0 {
		t.Errorf("another goroutine had a turn %d times in %d runs", between, short)
	}
}

var garbage []byte
