// Package functionsim puts the monitor as a serverless function (package
// monitor/function) under test: events come by HTTP and by Pub/Sub's push, in
// batches that share places, while others tick, over our own Redis. The variants
// each lack one of the facts that exactly once rests on.
package functionsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	gpubsub "cloud.google.com/go/pubsub/v2"
	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/function"
	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

// epoch is when a run begins: the events happen then.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// options have a lateness within which everything comes that the platform brings
// again: what comes later is not judged, and that is right.
var options = monitor.StreamOptions{Lateness: 24 * time.Hour}

// program is what the function judges by; a run keeps nothing in it.
var program = func() *monitor.Program {
	p, err := monitor.Compile(
		props.AtMostOnce("paid at most once", props.On("PAID", "order")),
		props.AtMostOnce("sent back at most once", props.On("BACK", "order")))
	if err != nil {
		panic(err)
	}
	return p
}()

// What is sent: two days ago an order was paid twice, which a tick can settle at
// any time; today three are paid, or sent back, twice. The last event comes when
// all others are there, and is so late that they are settled.
var (
	batches = [][]string{
		{line(1, -48*time.Hour, "PAID", "o-0"), line(2, -47*time.Hour, "PAID", "o-0"), line(3, 0, "PAID", "o-1"), line(4, 0, "BACK", "o-1")},
		{line(5, time.Second, "PAID", "o-1"), line(6, time.Second, "PAID", "o-2")},
	}
	messages = []string{line(7, 2*time.Second, "BACK", "o-1")}
	last     = line(8, 100*time.Hour, "PAID", "o-9")
	sent     = append(slices.Concat(batches...), messages...)
)

// line is an event of a source of its own: no other decides how late it is.
func line(id int, after time.Duration, kind, order string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"shop-%d","type":%q,"time":%q,"data":{"order":%q}}`,
		id, id, kind, epoch.Add(after).Format(time.RFC3339Nano), order)
}

// wanted are the violations that one stream finds.
var wanted = func() (ids []string) {
	s, err := program.Stream(options)
	if err != nil {
		panic(err)
	}
	for _, text := range append(slices.Clone(sent), last) {
		j := s.Push([]monitor.Input{{Event: decoded(text)}})
		for _, v := range j.Violations() {
			ids = append(ids, v.ID())
		}
	}
	slices.Sort(ids)
	return ids
}()

func decoded(text string) event.Event {
	e, err := event.Decode([]byte(text))
	if err != nil {
		panic(err)
	}
	return e
}

// Scenarios returns the function, and what becomes of it without each fact that
// it rests on.
func Scenarios() []sim.Scenario {
	right := scenario(nil, clock)
	right.Name, right.Doc = "function", "the monitor as a function tells each violation once, whoever dies, whatever comes twice"
	closed := scenario(nil, closing, closing)
	closed.Name, closed.Doc = "function/close", "whoever closes meanwhile, two at once, each violation is told once"
	right.Relies, closed.Relies = []string{"redis/scripts", "pubsub/retries"}, []string{"redis/scripts"}
	return []sim.Scenario{
		right,
		closed,
		variant("close-forgets", "a record does not have what a close has told", 0, forgetfully, closing),
		variant("no-compare", "a record is written over what another has written since it was read", 1, blindly),
		variant("state-first", "a record is written before what was found", 1, stateFirst),
		variant("no-partition", "a record's key is without the property that it is of", 0, withoutProperty),
		variant("no-writer", "a record's head is a number alone, and not who wrote it", 1, withoutWriter),
	}
}

func variant(name, doc string, deviations int, broken func(goredis.Cmdable) goredis.Cmdable, others ...string) sim.Scenario {
	if len(others) == 0 {
		others = []string{clock}
	}
	s := scenario(broken, others...)
	s.Name, s.Doc = "function/"+name, doc
	s.Expect = sim.Expect{Violation: true, Deviations: deviations}
	return s
}

// What others ask of the function while events come.
const (
	clock   = "/v1/tick"
	closing = "/v1/close"
)

// scenario wires the function to Redis; broken, if not nil, is what it sees of
// it instead. others ask for something while events come.
func scenario(broken func(goredis.Cmdable) goredis.Cmdable, others ...string) sim.Scenario {
	var asking []sim.Client
	for i, path := range others {
		asking = append(asking, patient([]string{"clock", "clock-2"}[i], sim.Request{Function: "monitor", Path: path}))
	}
	return sim.Scenario{
		Epoch: epoch, Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), pubsub.New("pubsub")},
		Functions: []sim.Function{
			{Name: "shop", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(publisher{pubsub.Client(env, "pubsub").Publisher("events")}), nil
			}},
			{Name: "monitor", Triggers: []cloud.Trigger{pubsub.Trigger{Topic: "events", Push: true}}, New: func(env cloud.Env) (cloud.Handler, error) {
				f, err := open(env, broken)
				return cloud.HTTP(f), err
			}},
			{Name: "closer", New: func(env cloud.Env) (cloud.Handler, error) {
				f, err := open(env, broken)
				return cloud.HTTP(closer{f}), err
			}},
		},
		Clients: slices.Concat([]sim.Client{
			patient("ann", post(batches[0]...)),
			patient("eve", post(batches[1]...)),
			patient("bob", sim.Request{Function: "shop", Body: messages[0]}),
		}, asking, []sim.Client{
			patient("end", sim.Request{Function: "closer"}),
		}),
		Properties: []*props.Property{
			props.AtQuiescence("the verdict log has the verdicts of one stream, each once", asOneStream),
		},
	}
}

func open(env cloud.Env, broken func(goredis.Cmdable) goredis.Cmdable) (*function.Function, error) {
	var client goredis.Cmdable = redis.Client(env, "redis", nil)
	if broken != nil {
		client = broken(client)
	}
	return function.New(function.Options{Program: program, Stream: options, Redis: client})
}

func patient(name string, requests ...sim.Request) sim.Client {
	return sim.Client{Name: name, Retries: 12, Backoff: 100 * time.Second, Requests: requests}
}

func post(lines ...string) sim.Request {
	r := sim.Request{Function: "monitor", Path: "/v1/events", Header: map[string]string{"Content-Type": "application/x-ndjson"}}
	for _, l := range lines {
		r.Body += l + "\n"
	}
	return r
}

// publisher publishes what it is sent.
type publisher struct{ topic *gpubsub.Publisher }

func (p publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err == nil {
		_, err = p.topic.Publish(r.Context(), &gpubsub.Message{Data: text}).Get(r.Context())
	}
	answer(w, err)
}

// closer sends the last event once all others are there, and ticks.
type closer struct{ monitor *function.Function }

func (c closer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, err := c.monitor.Status(r.Context())
	if err == nil && s.Events < len(sent) {
		err = errors.New("not all events are there")
	}
	if err == nil {
		err = c.monitor.Take(r.Context(), []event.Event{decoded(last)})
	}
	if err == nil {
		err = c.monitor.Tick(r.Context())
	}
	answer(w, err)
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

// asOneStream compares the verdict log with what one stream finds.
func asOneStream(s props.State) error {
	text, _ := s.Get("redis", "{wtsim}/verdicts")
	var records []struct{ Values []string }
	if err := json.Unmarshal([]byte(text), &records); text != "" && err != nil {
		return err
	}
	var found []string
	for _, r := range records {
		c, err := stream.DecodeCommit([]byte(r.Values[1]))
		if err != nil {
			return err
		}
		for _, object := range c.Found {
			id, err := stream.IDOf(object)
			if err != nil {
				return err
			}
			found = append(found, id.String())
		}
	}
	if slices.Sort(found); !slices.Equal(found, wanted) {
		return fmt.Errorf("the verdict log has %v, and one stream finds %v", found, wanted)
	}
	return nil
}
