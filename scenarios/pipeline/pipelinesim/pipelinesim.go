// Package pipelinesim puts the monitor's pipeline under test: events are sent,
// judged and told over a log that is simulated, with the real engine, while
// two workers want the shard. The variants each lack one of the facts that
// exactly once rests on (see package monitor/stream).
package pipelinesim

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/pipeline"
	"github.com/wtsim/wtsim/sim"
)

// The logs.
const (
	eventLog  = "events"
	commitLog = "commits"
	cursorLog = "cursor"
)

// epoch is when a run begins: the events happen then.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

var options = monitor.StreamOptions{Lateness: 2 * time.Second}

// What the monitor judges by: at first what is paid, and from a record in the
// log on also what is sent back. A run keeps nothing in them.
var (
	paidOnce = props.AtMostOnce("paid at most once", props.On("PAID", "order"))
	backOnce = props.AtMostOnce("sent back at most once", props.On("BACK", "order"))
	program  = compiled(paidOnce)
	both     = compiled(paidOnce, backOnce)
	backOnly = compiled(backOnce)
)

func compiled(all ...*props.Property) *monitor.Program {
	p, err := monitor.Compile(all...)
	if err != nil {
		panic(err)
	}
	return p
}

// bothPlan is the record that wants both.
const bothPlan = "both"

func compilePlan(text string) (*monitor.Program, error) {
	if text != bothPlan {
		return nil, fmt.Errorf("a plan of %q, wanted %q", text, bothPlan)
	}
	return both, nil
}

// ports are what a function instance sees of the engine.
type ports struct {
	events, commits, cursor stream.Log
	states                  stream.Store
}

// Scenarios returns the pipeline, and what becomes of it without each fact that
// it rests on.
func Scenarios() []sim.Scenario {
	right := scenario(&engine{}, nil)
	right.Name, right.Doc = "pipeline", "the monitor of production tells each violation once, whoever dies, and whenever"
	right.Relies = []string{synced, expected}
	right.Meant = []string{sim.MeantEvent + "ALARM"} // it never happens, and does in a variant
	return []sim.Scenario{
		right,
		shares(),
		variant("no-fence", "who has lost the shard goes on to commit", 1, &engine{}, withoutFence),
		variant("state-later", "a commit names a state that is stored after it", 1, &engine{}, stateLater),
		variant("early-ack", "a block is acknowledged before it is durable", 1, &engine{unsynced: true}, nil),
		variant("own-clock", "a worker decides by its own clock that time has passed", 1, &engine{}, ownClock),
	}
}

func variant(name, doc string, deviations int, e *engine, broken func(ports) ports) sim.Scenario {
	s := scenario(e, broken)
	s.Name, s.Doc = "pipeline/"+name, doc
	s.Expect = sim.Expect{Violation: true, Deviations: deviations}
	return s
}

// scenario wires the pipeline to the engine; broken, if not nil, is what
// workers see of it instead.
func scenario(e *engine, broken func(ports) ports) sim.Scenario {
	return sim.Scenario{
		Epoch: epoch, Platform: gcp.CloudRun(), Services: []cloud.Service{e},
		Functions: []sim.Function{
			{Name: "gateway", New: gateway},
			{Name: "worker", Concurrency: 1, New: func(env cloud.Env) (cloud.Handler, error) { return worker(env, broken), nil }},
			{Name: "publisher", Concurrency: 1, New: publisher},
		},
		Clients: []sim.Client{
			patient("shop",
				events("", paid(1, "o-1"), paid(2, "o-2"), back(3, "o-1")),
				judge(),
				events("o-1", paid(4, "o-1"), back(5, "o-2")),
				sim.Request{Function: "gateway", Path: "/plan", Body: bothPlan},
				judge(),
				// The shop's clock moves on, so that what was before is settled.
				events("o-2", paid(6, "o-2"), back(7, "o-1"), back(8, "o-2"), back(9, "o-2"), paid(10_000, "o-4")),
				judge(),
				sim.Request{Function: "gateway", Path: "/close"},
				judge(),
				sim.Request{Function: "publisher", Path: "/publish"},
			),
			patient("rival", judge()),
		},
		Properties: []*props.Property{
			props.Eventually("what was accepted is judged, and told", props.On("ACCEPTED", "order"), props.On("TOLD", "order")),
			props.Never("no alarm", props.On("ALARM")),
			props.AtQuiescence("the verdict log has the verdicts of one engine, each once", asOneEngine),
		},
	}
}

func patient(name string, requests ...sim.Request) sim.Client {
	return sim.Client{Name: name, Retries: 8, Backoff: 10 * time.Second, Requests: requests}
}

func judge() sim.Request { return sim.Request{Function: "worker", Path: "/judge"} }

// events sends events, after which an order, if there is one, is paid twice.
func events(twice string, lines ...string) sim.Request {
	r := sim.Request{Function: "gateway", Path: "/events"}
	for _, l := range lines {
		r.Body += l + "\n"
	}
	if twice != "" {
		r.Told = func(answer cloud.Response) (string, map[string]any) {
			if !answer.OK() {
				return "", nil
			}
			return "ACCEPTED", map[string]any{"order": twice}
		}
	}
	return r
}

func paid(ms int, order string) string { return line(ms, "PAID", order) }
func back(ms int, order string) string { return line(ms, "BACK", order) }

// line is an event, so many milliseconds after the beginning.
func line(ms int, kind, order string) string {
	at := epoch.Add(time.Duration(ms) * time.Millisecond).Format(time.RFC3339Nano)
	return fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"shop","type":%q,"time":%q,"data":{"order":%q}}`, ms, kind, at, order)
}

func portsOf(env cloud.Env) ports {
	c := newClient(env)
	return ports{c.log(eventLog), c.log(commitLog), c.log(cursorLog), store{c}}
}

func gateway(env cloud.Env) (cloud.Handler, error) {
	return cloud.HTTP(&pipeline.Gateway{Program: program, Senders: []*stream.Sender{{Log: portsOf(env).events, Gateway: uuid.NewString()}}}), nil
}

func worker(env cloud.Env, broken func(ports) ports) cloud.Handler {
	p := portsOf(env)
	if broken != nil {
		p = broken(p)
	}
	return cloud.HTTP(&pipeline.Worker{Config: stream.Config{
		Program: program, Compile: compilePlan, Options: options, Shards: 1, Owner: uuid.NewString(),
		Events: p.events, Commits: p.commits, States: p.states, StateEvery: 1,
		Told: func(n stream.Notice) {
			if n.Alarm {
				env.Tap().Emit("ALARM", map[string]any{"what": n.What})
			}
		},
	}})
}

func publisher(env cloud.Env) (cloud.Handler, error) {
	p := portsOf(env)
	return cloud.HTTP(&pipeline.Publisher{Verdicts: p.commits, Cursor: p.cursor, Tell: func(_ context.Context, object []byte) error {
		var x struct {
			ID      string            `json:"id"`
			Binding map[string]string `json:"binding"`
		}
		if err := json.Unmarshal(object, &x); err != nil {
			return err
		}
		env.Tap().Emit("TOLD", map[string]any{"order": x.Binding["order"], "verdict": x.ID})
		return nil
	}}), nil
}
