package sim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/cron"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/sim"
)

// platformExample returns one of the scenarios whose texts are about what
// invokes functions, and on what.
func platformExample(name string) (sim.Scenario, bool) {
	sends := publishes("send", "mail")
	one, two := calls("alice", "send/1"), calls("alice", "send/1", "send/2")
	s, ok := map[string]func() sim.Scenario{
		"signatures": func() sim.Scenario {
			return scenario(sends, calls("alice", "send/7?lang=en"), on("push", takesPush, pubsub.Trigger{Topic: "mail", Push: true}),
				on("eventarc", takesBinary, pubsub.Trigger{Topic: "mail"}), on("event", takesEvent, pubsub.Trigger{Topic: "mail"}),
				sim.Function{Name: "number", Triggers: pubsub.On("mail"), Handler: gcp.OnData(takesNumber)})
		},
		"push": func() sim.Scenario {
			return scenario(sends, one, on("push", refusesFirst(302), pubsub.Trigger{Topic: "mail", Push: true}))
		},
		"push-slow": func() sim.Scenario {
			return scenario(sends, one, on("push", slowFirst(15*time.Second), pubsub.Trigger{Topic: "mail", Push: true, AckDeadline: 10 * time.Second}))
		},
		"poison": func() sim.Scenario {
			return scenario(sends, one, on("work", fails, pubsub.Trigger{Topic: "mail", Policy: gcp.Policy{DeadLetter: "dead", MaxBackoff: 20 * time.Second}}),
				on("bury", emitsData, pubsub.Trigger{Topic: "dead"}))
		},
		"once": func() sim.Scenario {
			return scenario(sends, two, on("work", failsFor("1"), pubsub.Trigger{Topic: "mail", Policy: gcp.Policy{Once: true}}))
		},
		"filter": func() sim.Scenario {
			return scenario(sends, calls("alice", "send/1?lang=en", "send/2?lang=de", "send/3"),
				on("english", emitsData, pubsub.Trigger{Topic: "mail", Policy: gcp.Policy{Filter: `attributes.lang = "en"`}}),
				on("other", emitsData, pubsub.Trigger{Topic: "mail", Policy: gcp.Policy{Filter: `NOT attributes:lang OR attributes.lang != "en"`}}))
		},
		"keys": func() sim.Scenario {
			return scenario(sends, calls("alice", "send/1?key=a", "send/2?key=a", "send/3?key=b"),
				on("work", failsOnceFor("1"), pubsub.Trigger{Topic: "mail", Policy: gcp.Policy{Ordered: true}}))
		},
		"chain": func() sim.Scenario {
			return scenario(serves("front", callsBack), serves("back", count), told(calls("alice", "front"), 0))
		},
		"rollout":  rollout,
		"skewed":   skewed,
		"slow-api": slowAPI,
	}[name]
	if !ok {
		return platformLimits(name)
	}
	return s(), true
}

// slowAPI is a function that calls an API which takes a while.
func slowAPI() sim.Scenario {
	return scenario(serves("pay", func(k *kit, w http.ResponseWriter, _ *http.Request) {
		resp, err := k.env.HTTPClient().Post("https://slow.example/payments", "text/plain", strings.NewReader("5"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = resp.Body.Close()
	}), told(calls("alice", "pay"), 1), func(s *sim.Scenario) {
		s.Services = append(s.Services, web.New("slow.example", func() http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) })
		}))
		s.Rules = append(s.Rules, probe.Rule{Service: "slow.example", Method: "POST", Emit: "PAID"})
	})
}

// platformLimits are scenarios about instances and about what comes by the
// clock.
func platformLimits(name string) (sim.Scenario, bool) {
	job := func(j cron.Job) func(*sim.Scenario) {
		return func(s *sim.Scenario) { put(s, cron.New("scheduler").With(j)) }
	}
	s, ok := map[string]func() sim.Scenario{
		"cron": func() sim.Scenario {
			return scenario(serves("work", emitsTick), job(cron.Job{Name: "nightly", Cron: "30 2 * * *", Zone: "Europe/Berlin", Function: "work", Ticks: 2}))
		},
		"skip": func() sim.Scenario {
			return scenario(serves("work", failsTwice), job(cron.Job{Name: "minutely", Every: time.Minute, Function: "work", Ticks: 4,
				Retries: 3, MinBackoff: 50 * time.Second}))
		},
		"job-topic": func() sim.Scenario {
			return scenario(on("work", emitsData, pubsub.Trigger{Topic: "ticks"}),
				job(cron.Job{Name: "hourly", Every: time.Hour, Topic: "ticks", Ticks: 2, Request: cloud.Request{Body: "tick"}}))
		},
		"crowd": func() sim.Scenario {
			return scenario(limited("slow", 1, 1, 8*time.Second), told(calls("alice", "slow"), 0), told(calls("bob", "slow"), 0))
		},
		"refused": func() sim.Scenario {
			return scenario(limited("slow", 1, 1, 15*time.Second), told(calls("alice", "slow"), 0), told(calls("bob", "slow"), 0))
		},
		"cold": func() sim.Scenario {
			f := serves("count", count)
			f.ColdStart = 2 * time.Second
			return scenario(f, calls("alice", "count", "count"))
		},
		"idle": func() sim.Scenario {
			return scenario(pauses(20*time.Minute), serves("count", count), calls("alice", "count", "pause", "count"))
		},
		"sigterm":   func() sim.Scenario { return scenario(sigterm(), calls("alice", "buffer/1", "buffer/2")) },
		"always-on": func() sim.Scenario { return alwaysOn(true) },
		"throttled": func() sim.Scenario { return alwaysOn(false) },
		"minimum":   minimum,
		"files":     func() sim.Scenario { return scenario(serves("file", countsFile), calls("alice", "file", "file")) },
		"errors": func() sim.Scenario {
			return scenario(serves("broken", broken), calls("alice", slices.Repeat([]string{"broken"}, 22)...))
		},
	}[name]
	if !ok {
		return clientExample(name)
	}
	return s(), true
}

// on makes a function with triggers.
func on(name string, h func(*kit) cloud.Handler, triggers ...cloud.Trigger) sim.Function {
	return sim.Function{Name: name, Triggers: triggers, New: func(env cloud.Env) (cloud.Handler, error) { return h(newKit(env)), nil }}
}

func emits(k *kit, ctx context.Context, what string, data any) {
	probe.Emit(ctx, what, map[string]any{"data": fmt.Sprint(data)})
}

// takesPush reads the envelope of a push subscription.
func takesPush(k *kit) cloud.Handler {
	return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		emits(k, r.Context(), "PUSHED", r.Header.Get("ce-type")+string(body))
	})
}

// takesBinary reads a CloudEvent as Eventarc sends it to a container.
func takesBinary(k *kit) cloud.Handler {
	return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct {
			Message struct {
				Data       []byte
				Attributes map[string]string
			}
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		emits(k, r.Context(), "ROUTED", fmt.Sprintln(r.Header.Get("ce-type"), r.Header.Get("ce-source"), r.Header.Get("ce-id"), r.Header.Get("ce-time"), string(body.Message.Data), body.Message.Attributes))
	})
}

// takesEvent is a function in the style of the Functions Framework's samples.
func takesEvent(k *kit) cloud.Handler {
	type messagePublished struct {
		Message struct {
			Data       []byte            `json:"data"`
			Attributes map[string]string `json:"attributes"`
		} `json:"message"`
	}
	return gcp.OnEvent(func(ctx context.Context, e event.Event) error {
		var msg messagePublished
		if err := e.DataAs(&msg); err != nil {
			return fmt.Errorf("event.DataAs: %w", err)
		}
		emits(k, ctx, "EVENT", fmt.Sprintf("%s %s %s", e.Type(), msg.Message.Data, msg.Message.Attributes["lang"]))
		return nil
	})
}

func takesNumber(ctx context.Context, n int) error {
	probe.Emit(ctx, "NUMBER", map[string]any{"n": n})
	return nil
}

func emitsData(k *kit) cloud.Handler {
	return gcp.OnMessage(func(ctx context.Context, m gcp.Message) error {
		emits(k, ctx, "GOT", fmt.Sprint(string(m.Data), m.Attributes["CloudPubSubDeadLetterSourceDeliveryCount"]))
		return nil
	})
}

func fails(*kit) cloud.Handler {
	return gcp.OnMessage(func(context.Context, gcp.Message) error { return errors.New("no") })
}

func failsFor(data string) func(*kit) cloud.Handler {
	return func(k *kit) cloud.Handler {
		return gcp.OnMessage(func(ctx context.Context, m gcp.Message) error {
			if string(m.Data) == data {
				return errors.New("no")
			}
			emits(k, ctx, "GOT", string(m.Data))
			return nil
		})
	}
}

func failsOnceFor(data string) func(*kit) cloud.Handler {
	return func(k *kit) cloud.Handler {
		return gcp.OnMessage(func(ctx context.Context, m gcp.Message) error {
			if string(m.Data) == data && m.Attempt == 1 {
				return errors.New("not yet")
			}
			emits(k, ctx, "GOT", string(m.Data))
			return nil
		})
	}
}

// refusesFirst answers the first request with a status.
func refusesFirst(status int) func(*kit) cloud.Handler {
	return func(*kit) cloud.Handler {
		n := 0
		return cloud.HTTPFunc(func(w http.ResponseWriter, _ *http.Request) {
			if n++; n == 1 {
				w.WriteHeader(status)
			}
		})
	}
}

func slowFirst(d time.Duration) func(*kit) cloud.Handler {
	return func(k *kit) cloud.Handler {
		var n atomic.Int64 // the second attempt comes while the first one sleeps
		return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
			if n.Add(1) == 1 {
				time.Sleep(d)
			}
			emits(k, r.Context(), "DONE", int(n.Load()))
		})
	}
}

// callsBack calls another function by its name.
func callsBack(k *kit, w http.ResponseWriter, r *http.Request) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://back/count", strings.NewReader("x"))
	if err != nil {
		panic(err)
	}
	resp, err := k.env.HTTPClient().Do(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.WriteHeader(resp.StatusCode)
}

// rollout has two revisions, which write different things.
func rollout() sim.Scenario {
	writes := func(what string) func(cloud.Env) (cloud.Handler, error) {
		return func(env cloud.Env) (cloud.Handler, error) {
			k := newKit(env)
			return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) { k.redis.Set(r.Context(), "revision", what, 0) }), nil
		}
	}
	return scenario(sim.Function{Name: "write", New: writes("new"), Old: writes("old")}, calls("alice", "write", "write"))
}

func skewed() sim.Scenario {
	s := scenario(serves("count", count), calls("alice", "count"))
	s.Faults.Skew = time.Second
	return s
}

func emitsTick(k *kit, _ http.ResponseWriter, r *http.Request) {
	emits(k, r.Context(), "TICK", r.Header.Get("X-CloudScheduler-JobName")+" "+r.Header.Get("X-CloudScheduler-ScheduleTime"))
}

// failsTwice fails the first two times that it is called.
func failsTwice(k *kit, w http.ResponseWriter, r *http.Request) {
	if k.redis.Incr(r.Context(), "calls").Val() <= 2 {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func limited(name string, instances, concurrency int, takes time.Duration) sim.Function {
	f := serves(name, func(*kit, http.ResponseWriter, *http.Request) { time.Sleep(takes) })
	f.MaxInstances, f.Concurrency = instances, concurrency
	return f
}

func pauses(d time.Duration) sim.Function {
	f := serves("pause", func(*kit, http.ResponseWriter, *http.Request) { time.Sleep(d) })
	f.Timeout = time.Hour
	return f
}

// sigterm is a function that keeps what it gets in memory, and writes it when
// its instance is to end.
func sigterm() sim.Function {
	return sim.Function{Name: "buffer", New: func(env cloud.Env) (cloud.Handler, error) {
		k := newKit(env)
		var buffer []string
		env.OnTerminate(func(ctx context.Context) { k.redis.Set(ctx, "buffer", strings.Join(buffer, ","), 0) })
		return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) { buffer = append(buffer, r.URL.Path) }), nil
	}}
}

// alwaysOn goes on after it has answered.
func alwaysOn(on bool) sim.Scenario {
	f := serves("later", func(k *kit, _ http.ResponseWriter, _ *http.Request) {
		go func() {
			time.Sleep(time.Second)
			k.redis.Set(context.Background(), "late", "yes", 0)
		}()
	})
	f.AlwaysOn = on
	return scenario(f, calls("alice", "later"))
}

// minimum has an instance that works by itself.
func minimum() sim.Scenario {
	return scenario(sim.Function{Name: "worker", MinInstances: 1, AlwaysOn: true, New: func(env cloud.Env) (cloud.Handler, error) {
		k := newKit(env)
		go func() {
			for range 2 {
				time.Sleep(time.Second)
				k.redis.Incr(env.Context(), "beats")
			}
		}()
		return cloud.HTTPFunc(func(http.ResponseWriter, *http.Request) {}), nil
	}}, pauses(time.Second), calls("alice", "pause"))
}

// countsFile counts in a file of its instance.
func countsFile(k *kit, _ http.ResponseWriter, r *http.Request) {
	dir, err := k.env.TempDir()
	if err != nil {
		panic(err)
	}
	file := filepath.Join(dir, "n")
	text, _ := os.ReadFile(file)
	if err := os.WriteFile(file, append(text, 'x'), 0o600); err != nil {
		panic(err)
	}
	emits(k, r.Context(), "FILE", string(text)+"x")
}

// What an instance had in its directory is gone with it.
func TestTempDir(t *testing.T) {
	before, _ := filepath.Glob(filepath.Join(os.TempDir(), "wtsim-*", "n"))
	benign(t, example(t, "files"))
	after, _ := filepath.Glob(filepath.Join(os.TempDir(), "wtsim-*", "n"))
	if len(after) > len(before) {
		t.Errorf("%q is left", after)
	}
}
