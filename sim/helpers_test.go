package sim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gpubsub "cloud.google.com/go/pubsub/v2"
	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/eventarc"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// kit is what a function instance of these tests is made of: the real clients
// of a Redis and of an HTTP API.
type kit struct {
	env   cloud.Env
	redis *goredis.Client
}

func newKit(env cloud.Env) *kit { return &kit{env, redis.Client(env, "redis", nil)} }

// handler is the body of an HTTP function of these tests.
type handler func(k *kit, w http.ResponseWriter, r *http.Request)

// serves makes an HTTP function.
func serves(name string, h handler) sim.Function {
	return sim.Function{Name: name, New: func(env cloud.Env) (cloud.Handler, error) {
		k := newKit(env)
		return cloud.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h(k, w, r) })), nil
	}}
}

// takes makes a function that takes messages of a topic.
func takes(name, topic string, h func(k *kit, ctx context.Context, m gcp.Message) error) sim.Function {
	return sim.Function{Name: name, Triggers: pubsub.On(topic), New: func(env cloud.Env) (cloud.Handler, error) {
		k := newKit(env)
		return gcp.OnMessage(func(ctx context.Context, m gcp.Message) error { return h(k, ctx, m) }), nil
	}}
}

// keepsFor gives a function's topic another time to live.
func keepsFor(d time.Duration) func(*sim.Function) {
	return func(f *sim.Function) {
		t := f.Triggers[0].(pubsub.Trigger)
		t.KeepFor = d
		f.Triggers = []cloud.Trigger{t}
	}
}

// publishes is an HTTP function that publishes its path to a topic, at once,
// with what the query says: "key" is the ordering key, all else attributes.
func publishes(name, topic string) sim.Function {
	return sim.Function{Name: name, New: func(env cloud.Env) (cloud.Handler, error) {
		p := pubsub.Client(env, "pubsub").Publisher(topic)
		p.EnableMessageOrdering = true
		p.PublishSettings.CountThreshold = 1
		return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
			m := &gpubsub.Message{Data: []byte(strings.Trim(r.URL.Path, "/")), OrderingKey: r.URL.Query().Get("key"), Attributes: map[string]string{}}
			for name := range r.URL.Query() {
				if name != "key" {
					m.Attributes[name] = r.URL.Query().Get(name)
				}
			}
			if _, err := p.Publish(r.Context(), m).Get(r.Context()); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		}), nil
	}}
}

// calls makes a client that calls functions one after the other. A path may
// follow a function's name.
func calls(name string, functions ...string) sim.Client {
	c := sim.Client{Name: name}
	for _, f := range functions {
		f, path, _ := strings.Cut(f, "/")
		c.Requests = append(c.Requests, sim.Request{Function: f, Path: "/" + path})
	}
	return c
}

// chargeOnce charges for a message unless it did before.
func chargeOnce(k *kit, ctx context.Context, m gcp.Message) error {
	if k.redis.Get(ctx, "charged:"+string(m.Data)).Err() == nil {
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.example/charges", bytes.NewReader(m.Data))
	if err != nil {
		return err
	}
	resp, err := k.env.HTTPClient().Do(r)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return errors.New(resp.Status)
	}
	return k.redis.Set(ctx, "charged:"+string(m.Data), "yes", 0).Err()
}

// told is a client that retries and says when it got an answer.
func told(c sim.Client, retries int) sim.Client {
	c.Retries = retries
	for i := range c.Requests {
		c.Requests[i].Told = func(r cloud.Response) (string, map[string]any) {
			return "TOLD", map[string]any{"status": r.Status}
		}
	}
	return c
}

// scenario puts functions and clients together, with a Redis and an API at
// api.example. Every write to Redis and every charge is an event.
func scenario(parts ...any) sim.Scenario {
	s := sim.Scenario{
		Name:     "test",
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), web.New("api.example", func() http.Handler { return http.HandlerFunc(answer) }), pubsub.New("pubsub")},
		Rules: []probe.Rule{
			{Service: "redis", Method: "SET", Resource: "{key}", Emit: "SET"},
			{Service: "redis", Method: "INCR", Resource: "{key}", Emit: "INCR"},
			{Service: "api.example", Method: "POST", Resource: "/charges", Emit: "CHARGED"},
		},
	}
	for _, p := range parts {
		switch p := p.(type) {
		case sim.Function:
			s.Functions = append(s.Functions, p)
			if slices.ContainsFunc(p.Triggers, func(t cloud.Trigger) bool { return t.Service() == eventarc.DefaultName }) {
				put(&s, eventarc.New(eventarc.DefaultName))
			}
		case sim.Client:
			s.Clients = append(s.Clients, p)
		case func(*sim.Scenario):
			p(&s)
		default:
			panic(fmt.Sprintf("a scenario has no part of type %T", p))
		}
	}
	return s
}

// put declares a service, instead of one that has its name.
func put(s *sim.Scenario, v cloud.Service) {
	s.Services = slices.Clone(s.Services)
	if i := slices.IndexFunc(s.Services, func(x cloud.Service) bool { return x.Name() == v.Name() }); i >= 0 {
		s.Services[i] = v
		return
	}
	s.Services = append(s.Services, v)
}

func answer(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }

func compile(t testing.TB, s sim.Scenario) *sim.Simulation {
	t.Helper()
	compiled, err := sim.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// subject is what is searched of a simulation.
func subject(s *sim.Simulation) search.Subject {
	return search.Subject{Simulation: s, Explain: report.Parting}
}

// benign runs a scenario without deviations.
func benign(t testing.TB, s sim.Scenario) *sim.Result {
	t.Helper()
	return compile(t, s).Run(scheduler.Benign{})
}

// trace renders a run, a line a step: time, identity, outcome, status, events.
func trace(r *sim.Result) string {
	var b strings.Builder
	for i := range r.Steps {
		s := &r.Steps[i]
		fmt.Fprintf(&b, "%s %s", offset(s.Time), s.Identity)
		if s.Cold {
			b.WriteString(" (cold)")
		}
		if s.Outcome != (sim.Outcome{}) {
			fmt.Fprintf(&b, " !%s", s.Outcome)
		}
		if s.Status != "" {
			fmt.Fprintf(&b, " = %s", s.Status)
		}
		for _, e := range s.Events {
			fmt.Fprintf(&b, " [%s %s by %s]", e.Type, e.Data, e.ID)
		}
		if s.Output != "" {
			fmt.Fprintf(&b, " prints %q", s.Output)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s", r.Verdict)
	if r.Violation != nil {
		fmt.Fprintf(&b, ": %s %s", r.Violation.Property, r.Violation.Binding)
	}
	if r.Why != "" {
		fmt.Fprintf(&b, ": %s", r.Why)
	}
	for _, d := range r.Unmatched {
		fmt.Fprintf(&b, "\nunmatched: %s %s %s", d.At, d.Do, d.With)
	}
	return b.String() + "\n"
}

func offset(t time.Time) string {
	return t.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).String()
}

// identities are those of a run's steps.
func identities(r *sim.Result) []string {
	var out []string
	for i := range r.Steps {
		out = append(out, r.Steps[i].Identity)
	}
	return out
}

// lastLines cuts a long text short.
func lastLines(s string, n int) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
