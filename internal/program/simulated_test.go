package program_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// shop is a program that nobody has changed for wtsim: package main, its client
// in a package variable.
func shop(requests ...string) sim.Scenario {
	var c sim.Client
	for _, path := range requests {
		c.Requests = append(c.Requests, sim.Request{Function: "shop", Path: path})
	}
	c.Name, c.Retries = "alice", 2
	return sim.Scenario{
		Name: "program/shop", Platform: gcp.CloudRun(),
		Services:  []cloud.Service{redis.New("redis").At("redis:6379")},
		Functions: []sim.Function{sim.Program("github.com/wtsim/wtsim/internal/program/testdata/shop")},
		Clients:   []sim.Client{c},
	}
}

func compiled(t *testing.T, s sim.Scenario) *sim.Simulation {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the standard library; runs without -short")
	}
	c, err := sim.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func story(r *sim.Result) string {
	var b strings.Builder
	for _, s := range r.Steps {
		b.WriteString(s.Identity + " " + s.Outcome.String() + " " + s.Status + " " + s.Output + "\n")
	}
	return b.String()
}

// A program gets its requests, reaches its services by the names that it has
// written down, and prints; the same in every run.
func TestProgram(t *testing.T) {
	s := compiled(t, shop("/buy/a", "/buy/a"))
	first := s.Run(scheduler.Benign{})
	if first.Verdict != sim.Held {
		t.Fatalf("%+v %s", first.Verdict, first.Why)
	}
	if got := story(first); !strings.Contains(got, "shop(alice/1):redis.INCR charged:a/1  1") || !strings.Contains(got, "2026/01/01 00:00:00 buy a as ") {
		t.Errorf("got %s", got)
	}
	for seed := range uint64(20) {
		one, two := s.Run(scheduler.NewRandom(seed)), s.Run(scheduler.NewRandom(seed))
		if one.Hash != two.Hash || story(one) != story(two) {
			t.Errorf("seed %d: %s (%s)\n%s\nthen %s\n%s", seed, one.Verdict, one.Why, story(one), two.Why, story(two))
		}
	}
}

// overcharged is the shop with what must hold.
func overcharged() sim.Scenario {
	s := shop("/buy/a")
	s.Rules = []probe.Rule{{Service: "redis", Method: "INCR", Resource: "charged:{order}", Emit: "CHARGED", With: map[string]string{"order": "{order}"}}}
	s.Properties = []*props.Property{props.AtMostOnce("charged at most once", props.On("CHARGED", "order"))}
	return s
}

// hashesVariable makes TestProgramSettings tell the hashes of its runs.
const hashesVariable = "WTSIM_TEST_HASHES"

// The processes of a run, and the one that it is in, may have any number of
// processors: a seed has one hash.
func TestProgramSettings(t *testing.T) {
	s := ten(true)
	s.Clients = append(s.Clients, sim.Client{Name: "bob", Requests: []sim.Request{{Function: "one"}}})
	c := compiled(t, s)
	if os.Getenv(hashesVariable) != "" {
		for seed := range uint64(20) {
			r := c.Run(scheduler.NewRandom(seed))
			fmt.Println("hash", seed, r.Verdict, r.Hash)
		}
		return
	}
	want := ""
	for _, processors := range []string{"1", "2", "8"} {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestProgramSettings$")
		cmd.Env = append(os.Environ(), hashesVariable+"=1", "GOMAXPROCS="+processors)
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Count(string(out), "hash ") != 20 {
			t.Fatalf("%v\n%s", err, out)
		}
		got, _, _ := strings.Cut(string(out), "PASS")
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("with %s processors\n%s, wanted\n%s", processors, got, want)
		}
	}
}

// A crash is the end of a process, and what comes after is another one: the
// violation is found, shrunk to what it needs, and the same when it is run
// again.
func TestProgramCrash(t *testing.T) {
	s := overcharged()
	s.Faults.Kinds = []string{cloud.Crash}
	subject := search.Subject{Simulation: compiled(t, s)}
	found, err := subject.Search(t.Context(), search.Options{Schedules: 200})
	if err != nil || found.Result == nil {
		t.Fatalf("%v after %d schedules, %+v", err, found.Ran, found.Inconclusive)
	}
	shrunk, _ := subject.Shrink(found.Result, nil)
	if len(shrunk.Plan) != 1 || shrunk.Plan[0].Do != cloud.Crash || shrunk.Parted != "" {
		t.Fatalf("got %v, %s", shrunk.Plan, shrunk.Parted)
	}
	again := subject.Run(scheduler.NewReplay(shrunk.Plan))
	if again.Hash != shrunk.Result.Hash || again.Verdict != sim.Violated {
		t.Errorf("%s %s, wanted %s", again.Verdict, again.Hash, shrunk.Result.Hash)
	}
}

// Every deviation of an instance is one of a process: whatever happens, a run is
// judged, and the same when it is run again.
func TestProgramDeviations(t *testing.T) {
	s := shop("/buy/a", "/buy/b", "/buy/a")
	s.Clients = append(s.Clients, sim.Client{Name: "bob", Requests: []sim.Request{{Function: "shop", Path: "/buy/a"}, {Function: "shop", Path: "/buy/c"}}})
	c := compiled(t, s)
	done := map[string]int{}
	for seed := range uint64(40) {
		one, two := c.Run(scheduler.NewRandom(seed)), c.Run(scheduler.NewRandom(seed))
		if one.Hash != two.Hash || story(one) != story(two) || one.Verdict == sim.Inconclusive {
			t.Errorf("seed %d: %s (%s)\n%s\nthen %s (%s)\n%s", seed, one.Verdict, one.Why, story(one), two.Verdict, two.Why, story(two))
		}
		for _, step := range one.Steps {
			done[step.Outcome.Do]++
		}
	}
	for _, kind := range []string{cloud.Crash, cloud.ColdStart, cloud.Reap, cloud.Timeout, cloud.Stall, cloud.Fail} {
		if done[kind] == 0 {
			t.Errorf("no %s", kind)
		}
	}
}

// How a process ends is told as what it is.
func TestProgramEnds(t *testing.T) {
	for path, want := range map[string]string{"/exit": "os.Exit(1)", "/panic": "panic: boom", "/later": "panic: order: boom\n\ngoroutine "} {
		r := compiled(t, shop(path)).Run(scheduler.Benign{})
		if r.Verdict != sim.Violated || !strings.HasPrefix(r.Stack, want) || !strings.Contains(r.Stack, "main.main.func") {
			t.Errorf("%s: %s (%s) %v\n%s", path, r.Verdict, r.Why, r.Violation, r.Stack)
		}
	}
	r := compiled(t, shop("/spin")).Run(scheduler.Benign{})
	if r.Verdict != sim.Inconclusive || !strings.Contains(r.Why, "computes without end") {
		t.Errorf("%s (%s)", r.Verdict, r.Why)
	}
}

// What a program is called, and where it runs, is not the machine's: it may say so
// in what it stores.
func TestProgramName(t *testing.T) {
	r := compiled(t, shop("/who")).Run(scheduler.Benign{})
	if got := story(r); r.Verdict != sim.Held || !strings.Contains(got, "redis.SET shop@localhost <nil>/1") {
		t.Errorf("%s (%s)\n%s", r.Verdict, r.Why, got)
	}
}

// An idle instance gets SIGTERM, arguments and environment are the scenario's,
// and what a program does then is done.
func TestProgramTerminated(t *testing.T) {
	s := shop("/buy/a")
	s.Functions[0].Main.Args = []string{"-graceful"}
	s.Functions[0].Main.Env = []string{"REGION=${redis.host}"}
	r := compiled(t, s).Run(scheduler.Benign{})
	last := r.Steps[len(r.Steps)-1]
	if r.Verdict != sim.Held || !strings.Contains(last.Identity, "redis.SET stopped:192.0.2.10/1") || last.Time.Sub(r.Steps[0].Time) < 15*time.Minute {
		t.Errorf("%s (%s)\n%s", r.Verdict, r.Why, story(r))
	}
}

// A worker runs without requests, and again when it has ended.
func TestProgramWorker(t *testing.T) {
	s := shop()
	s.Clients, s.Functions = nil, []sim.Function{sim.Program("github.com/wtsim/wtsim/internal/program/testdata/worker")}
	s.Functions[0].Main.Worker = true
	r := compiled(t, s).Run(scheduler.Benign{})
	if got := story(r); r.Verdict != sim.Held || strings.Count(got, "redis.INCR rounds") < 6 || !strings.Contains(got, "exit instance(worker(min/1))") {
		t.Errorf("%s (%s)\n%s", r.Verdict, r.Why, got)
	}
}

// What is wrong with a program is told before anything runs.
func TestProgramMistakes(t *testing.T) {
	handler := func(cloud.Env) (cloud.Handler, error) { return cloud.Handler{}, nil }
	for want, change := range map[string]func(*sim.Function){
		"wanted package main":    func(f *sim.Function) { f.Main.Package = "github.com/wtsim/wtsim/internal/program" },
		"no package":             func(f *sim.Function) { f.Main.Package = "./none" },
		"names no package":       func(f *sim.Function) { f.Main.Package = "" },
		"wanted one from 1":      func(f *sim.Function) { f.Main.Port = 70000 },
		"wanted one of them":     func(f *sim.Function) { f.New = handler },
		"neither New nor Handle": func(f *sim.Function) { f.Main = nil },
	} {
		s := shop("/")
		change(&s.Functions[0])
		if _, err := sim.Compile(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, wanted %s", err, want)
		}
	}
}

// ten is two functions of ten operations each: programs, or handlers of this
// process.
func ten(programs bool) sim.Scenario {
	s := shop()
	s.Functions = nil
	for _, name := range []string{"one", "two"} {
		f := sim.Program("github.com/wtsim/wtsim/internal/program/testdata/ten")
		if f.Name = name; !programs {
			f.Main, f.New = nil, tenHere
		}
		s.Functions = append(s.Functions, f)
		s.Clients[0].Requests = append(s.Clients[0].Requests, sim.Request{Function: name})
	}
	return s
}

func tenHere(env cloud.Env) (cloud.Handler, error) {
	db := redis.Client(env, "redis", &goredis.Options{})
	return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 10 {
			if err := db.Incr(r.Context(), "n").Err(); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
	}), nil
}

// What two processes cost a schedule, beside two instances in this process; by
// turns, as the machine is not ours alone.
func BenchmarkProgram(b *testing.B) { byTurns(b, ten) }

func byTurns(b *testing.B, scenario func(programs bool) sim.Scenario) {
	b.Helper()
	apart, err := sim.Compile(scenario(true))
	if err != nil {
		b.Fatal(err)
	}
	here, err := sim.Compile(scenario(false))
	if err != nil {
		b.Fatal(err)
	}
	var took [2]time.Duration
	n := uint64(0)
	for b.Loop() {
		n++
		for i, s := range []*sim.Simulation{apart, here} {
			began := time.Now()
			if r := s.Run(scheduler.NewRandom(n)); r.Verdict != sim.Held {
				b.Fatalf("%s (%s)\n%s", r.Verdict, r.Why, story(r))
			}
			took[i] += time.Since(began)
		}
	}
	b.ReportMetric(float64(n)/took[0].Seconds(), "programs/s")
	b.ReportMetric(float64(n)/took[1].Seconds(), "handlers/s")
}
