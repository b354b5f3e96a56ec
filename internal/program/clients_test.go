package program_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/cron"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/tasks"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// inProduction is the environment of a program that no emulator is told to.
var inProduction = []string{"PUBSUB_EMULATOR_HOST=", "STORAGE_EMULATOR_HOST="}

// clients is a program of another module, that has a client of every kind.
func clients(env []string, paths ...string) sim.Scenario {
	s := sim.Scenario{
		Name: "program/clients", Platform: gcp.CloudRun(),
		Services: []cloud.Service{redis.New("redis").At("redis:6379"), gcs.New("gcs", "photos"), pubsub.New("pubsub").Topics("orders"),
			tasks.New("tasks").With(tasks.Queue{Name: "work"})},
		Functions: []sim.Function{sim.Program("./testdata/clients")},
	}
	s.Functions[0].Main.Env = env
	c := sim.Client{Name: "alice"}
	for _, path := range paths {
		c.Requests = append(c.Requests, sim.Request{Function: "clients", Path: path})
	}
	s.Clients = []sim.Client{c}
	return s
}

// Clients that a program makes by itself reach the scenario's services, at their
// default endpoints as in production, past TLS and with the platform's tokens,
// and where emulators' variables say; the same in every run.
func TestProgramClients(t *testing.T) {
	want := map[string]string{
		"/pubsub": "pubsub.publish orders/1", "/pubsub1": "pubsub.publish orders/1", "/storage": "gcs.objects.get photos/cat/1",
		"/tasks": "redis.INCR /task/1", "/redigo": "redis.INCR /redigo/1", "/rueidis": "redis.INCR /rueidis/3",
	}
	for name, env := range map[string][]string{"production": inProduction, "emulators": nil} {
		for path, step := range want {
			c := compiled(t, clients(env, path))
			r := c.Run(scheduler.Benign{})
			if got := story(r); r.Verdict != sim.Held || !strings.Contains(got, step) {
				t.Errorf("%s, %s: %s (%s), wanted %s\n%s\n%s", name, path, r.Verdict, r.Why, step, got, r.Stack)
				continue
			}
			for seed := range uint64(3) {
				one, two := c.Run(scheduler.NewRandom(seed)), c.Run(scheduler.NewRandom(seed))
				if one.Hash != two.Hash || one.Verdict == sim.Inconclusive {
					t.Errorf("%s, %s, seed %d: %s (%s)\n%s\nthen %s (%s)\n%s", name, path, seed, one.Verdict, one.Why, story(one), two.Verdict, two.Why, story(two))
				}
			}
		}
	}
}

// Many calls share a connection of gRPC: each belongs to the invocation that
// makes it.
func TestProgramCallers(t *testing.T) {
	s := clients(inProduction, "/pubsub")
	s.Clients = append(s.Clients, sim.Client{Name: "bob", Requests: []sim.Request{{Function: "clients", Path: "/pubsub"}}})
	c := compiled(t, s)
	both := 0
	for seed := range uint64(20) {
		got := story(c.Run(scheduler.NewRandom(seed)))
		if strings.Contains(got, "clients(alice/1):pubsub.publish") && strings.Contains(got, "clients(bob/1):pubsub.publish") {
			both++
		}
		if strings.Contains(got, "(i-1):pubsub.publish") {
			t.Errorf("seed %d: nobody's\n%s", seed, got)
		}
	}
	if both < 10 {
		t.Errorf("%d of 20 runs", both)
	}
}

// A program asks another by gRPC, as an invocation of that, and itself at
// localhost.
func TestProgramRPC(t *testing.T) {
	s := clients(nil, "/ask/a", "/ask/none", "/self")
	rpc, stock := sim.Program("./testdata/clients/rpc"), sim.Program("./testdata/clients/rpc")
	rpc.Name, stock.Name, stock.Main.Args = "clients", "stock", []string{"-serve"}
	s.Functions = []sim.Function{rpc, stock}
	c := compiled(t, s)
	r := c.Run(scheduler.Benign{})
	got := story(r)
	for _, want := range []string{"clients(alice/1):stock.POST /grpc.health.v1.Health/Check/1", "redis.INCR asked:a", "SERVING OK", "UNKNOWN NotFound rpc error: code = NotFound desc = no such service", "metrics of /metrics for 127.0.0.1"} {
		if r.Verdict != sim.Held || !strings.Contains(got, want) {
			t.Errorf("%s (%s), wanted %s\n%s", r.Verdict, r.Why, want, got)
		}
	}
	for seed := range uint64(20) {
		one, two := c.Run(scheduler.NewRandom(seed)), c.Run(scheduler.NewRandom(seed))
		if one.Hash != two.Hash || one.Verdict == sim.Inconclusive {
			t.Errorf("seed %d: %s (%s)\n%s\nthen %s (%s)\n%s", seed, one.Verdict, one.Why, story(one), two.Verdict, two.Why, story(two))
		}
	}
}

// What may go wrong with a call of gRPC between programs is offered: its answer is
// lost, to a reset or the caller's timeout; who calls, or who is called, dies; the
// message that leads to it comes twice. Each makes the store count twice, which is
// found, and the same in another run.
func TestProgramRPCFaults(t *testing.T) {
	s := clients(nil, "/ask/a")
	rpc, stock := sim.Program("./testdata/clients/rpc"), sim.Program("./testdata/clients/rpc")
	rpc.Name, rpc.Triggers = "clients", []cloud.Trigger{pubsub.Trigger{Topic: "orders", Push: true}}
	stock.Name, stock.Main.Args = "stock", []string{"-serve"}
	s.Functions = []sim.Function{rpc, stock}
	s.Clients[0].Retries = 1
	s.Services = append(s.Services, cron.New("scheduler").With(cron.Job{Name: "daily", Every: 60e9, Ticks: 1, Topic: "orders"}))
	s.Rules = []probe.Rule{{Service: "redis", Method: "INCR", Resource: "asked:{service}", Emit: "ASKED", With: map[string]string{"service": "{service}"}}}
	s.Properties = []*props.Property{props.AtMostOnce("asked once", props.On("ASKED", "service"))}
	const call = "clients(alice/1):stock.POST /grpc.health.v1.Health/Check/1"
	subject := search.Subject{Simulation: compiled(t, s)}
	for _, d := range []scheduler.Deviation{
		{At: call, Do: cloud.LoseResponse, With: "reset"}, {At: call, Do: cloud.LoseResponse, With: "timeout"}, {At: call, Do: cloud.Crash, With: "after"},
	} {
		violates(t, subject, d)
	}
	for _, kind := range []string{cloud.LoseResponse, cloud.Crash, cloud.Duplicate} {
		s.Faults.Kinds = []string{kind}
		found, err := (search.Subject{Simulation: compiled(t, s)}).Search(t.Context(), search.Options{Strategy: "bounded", Bound: 1})
		if err != nil || found.Result == nil || len(found.Result.Record.Plan) != 1 || found.Result.Record.Plan[0].Do != kind {
			t.Errorf("%s: nothing is found in %d schedules: %v, %+v", kind, found.Ran, err, found.Inconclusive)
		}
	}
}

// violates wants a violation of one deviation, twice the same.
func violates(t *testing.T, s search.Subject, d scheduler.Deviation) {
	t.Helper()
	one, two := s.Run(scheduler.NewReplay(scheduler.Plan{d})), s.Run(scheduler.NewReplay(scheduler.Plan{d}))
	if one.Verdict != sim.Violated || len(one.Unmatched) > 0 || one.Hash != two.Hash {
		t.Errorf("%v: %s (%s), unmatched %v\n%s\nthen %s", d, one.Verdict, one.Why, one.Unmatched, story(one), story(two))
	}
}

// A worker pulls until SIGTERM, which may come at any of its operations; another
// takes its place.
func TestProgramPulls(t *testing.T) {
	s := clients(inProduction)
	s.Clients = nil
	s.Functions = []sim.Function{sim.Program("./testdata/clients/puller")}
	s.Functions[0].Main.Worker, s.Functions[0].Main.Env = true, inProduction
	s.Services[2] = pubsub.New("pubsub").Topics("orders").Pulled(pubsub.Subscription{Name: "work", Topic: "orders"})
	s.Services = append(s.Services, cron.New("scheduler").With(cron.Job{Name: "daily", Every: 60e9, Ticks: 2, Topic: "orders", Request: cloud.Request{Body: "o-1"}}))
	c := compiled(t, s)
	r := c.Run(scheduler.Benign{})
	if got := story(r); r.Verdict != sim.Held || strings.Count(got, "redis.INCR seen:o-1") != 2 {
		t.Errorf("%s (%s)\n%s", r.Verdict, r.Why, got)
	}
	done := map[string]int{}
	for seed := range uint64(20) {
		one, two := c.Run(scheduler.NewRandom(seed)), c.Run(scheduler.NewRandom(seed))
		if one.Hash != two.Hash || one.Verdict == sim.Inconclusive {
			t.Errorf("seed %d: %s (%s)\n%s\nthen %s (%s)\n%s", seed, one.Verdict, one.Why, story(one), two.Verdict, two.Why, story(two))
		}
		for _, step := range one.Steps {
			done[step.Outcome.Do]++
		}
	}
	if done[cloud.Reap] == 0 || done[cloud.Crash] == 0 {
		t.Errorf("got %v", done)
	}
}

// An answer that is lost shows as the timeout of a caller that has one.
func TestProgramTimesOut(t *testing.T) {
	s := shop("/buy/a")
	s.Faults.Kinds = []string{cloud.LoseResponse}
	subject := search.Subject{Simulation: compiled(t, s)}
	seen := map[string]*sim.Result{}
	_, err := subject.Search(t.Context(), search.Options{Strategy: "bounded", Bound: 1, After: func(_ scheduler.Schedule, r *sim.Result) {
		for _, step := range r.Steps {
			if step.Outcome.Do != "" {
				seen[step.Identity+" "+step.Outcome.String()] = r
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	lost := seen["shop(alice/1):redis.INCR charged:a/1 lose-response timeout"]
	if lost == nil {
		t.Fatalf("no answer was lost to a timeout, but %q", slices.Sorted(maps.Keys(seen)))
	}
	again := subject.Run(scheduler.NewReplay(lost.Record.Plan))
	if got := story(lost); lost.Verdict != sim.Held || again.Hash != lost.Hash || !strings.Contains(got, "redis.INCR charged:a/2") {
		t.Errorf("%s (%s), wanted another attempt of the client's\n%s", lost.Verdict, lost.Why, got)
	}
}
