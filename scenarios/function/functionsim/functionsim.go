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

// twice is what the function judges by; a run keeps nothing in it.
var twice = compiled(
	props.AtMostOnce("paid at most once", props.On("PAID", "order")),
	props.AtMostOnce("sent back at most once", props.On("BACK", "order")))

// joined has no variable in common: it is at four places, and an event at two of them.
var joined = compiled(props.ForAll("user", "order").Machine("nobody pays after a login",
	props.From("out").On(props.On("LOGIN", "user")).To("in"),
	props.From("in").On(props.On("PAID", "order")).To(props.Violated)))

const shares = 4

func compiled(all ...*props.Property) *monitor.Program {
	p, err := monitor.Compile(all...)
	if err != nil {
		panic(err)
	}
	return p
}

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
)

// workload is what comes to the function before the last event, and what it judges by.
type workload struct {
	program  *monitor.Program
	batches  [][]string // each by HTTP
	messages []string   // each by Pub/Sub
}

// all is everything; few is what suffices for those who close, and shared for shares: a
// close reads every record, and an event of shares writes several, so that more would make the search of
// all schedules long.
var (
	all    = workload{twice, batches, messages}
	few    = workload{program: twice, batches: [][]string{batches[0][:3], batches[1][:1]}}
	shared = workload{program: joined, batches: [][]string{
		{line(1, 0, "LOGIN", "u-0"), line(2, time.Second, "PAID", "o-0")},
		{line(3, 2*time.Second, "PAID", "o-1")}}}
)

func (w workload) sent() []string { return append(slices.Concat(w.batches...), w.messages...) }

// line is an event of a source of its own: no other decides how late it is.
func line(id int, after time.Duration, kind, of string) string {
	param := "order"
	if kind == "LOGIN" {
		param = "user"
	}
	return fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"shop-%d","type":%q,"time":%q,"data":{%q:%q}}`,
		id, id, kind, epoch.Add(after).Format(time.RFC3339Nano), param, of)
}

// wanted are the violations that one stream finds.
func (w workload) wanted() (ids []string) {
	s, err := w.program.Stream(options)
	if err != nil {
		panic(err)
	}
	for _, text := range append(w.sent(), last) {
		j := s.Push([]monitor.Input{{Event: decoded(text)}})
		for _, v := range j.Violations() {
			ids = append(ids, v.ID())
		}
	}
	slices.Sort(ids)
	return ids
}

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
	right := scenario(all, nil, clock)
	right.Name, right.Doc = "function", "the monitor as a function tells each violation once, whoever dies, whatever comes twice"
	closed := scenario(few, nil, closing, closing)
	closed.Name, closed.Doc = "function/close", "whoever closes meanwhile, two at once, each violation is told once"
	several := scenario(shared, nil, clock)
	several.Name, several.Doc = "function/shares", "a property whose events have no variable in common is shared out, and each violation told once"
	right.Relies, closed.Relies, several.Relies = []string{"redis/scripts", "pubsub/retries"}, []string{"redis/scripts"}, []string{"redis/scripts"}
	return []sim.Scenario{
		right,
		closed,
		several,
		variant("close-forgets", "a record does not have what a close has told", 0, forgetfully, closing),
		variant("no-compare", "a record is written over what another has written since it was read", 1, blindly),
		variant("state-first", "a record is written before what was found", 1, stateFirst),
		variant("no-partition", "a record's key is without the property that it is of", 0, withoutProperty),
		variant("no-writer", "a record's head is a number alone, and not who wrote it", 1, withoutWriter),
	}
}

func variant(name, doc string, deviations int, broken func(goredis.Cmdable) goredis.Cmdable, others ...string) sim.Scenario {
	work := few
	if len(others) == 0 {
		work, others = all, []string{clock}
	}
	s := scenario(work, broken, others...)
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
func scenario(work workload, broken func(goredis.Cmdable) goredis.Cmdable, others ...string) sim.Scenario {
	s := sim.Scenario{
		Epoch: epoch, Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis")},
		Functions: []sim.Function{
			{Name: "monitor", New: func(env cloud.Env) (cloud.Handler, error) {
				f, err := work.open(env, broken)
				return cloud.HTTP(f), err
			}},
			{Name: "closer", New: func(env cloud.Env) (cloud.Handler, error) {
				f, err := work.open(env, broken)
				return cloud.HTTP(closer{f, work}), err
			}},
		},
		Properties: []*props.Property{
			props.AtQuiescence("the verdict log has the verdicts of one stream, each once", asOneStream(work.wanted())),
		},
	}
	for i, lines := range work.batches {
		s.Clients = append(s.Clients, patient([]string{"ann", "eve"}[i], post(lines...)))
	}
	if len(work.messages) > 0 {
		publish(&s, work.messages)
	}
	for i, path := range others {
		s.Clients = append(s.Clients, patient([]string{"clock", "clock-2"}[i], sim.Request{Function: "monitor", Path: path}))
	}
	s.Clients = append(s.Clients, patient("end", sim.Request{Function: "closer"}))
	return s
}

// publish has the shop send messages to the monitor by Pub/Sub.
func publish(s *sim.Scenario, messages []string) {
	s.Services = append(s.Services, pubsub.New("pubsub"))
	s.Functions[0].Triggers = []cloud.Trigger{pubsub.Trigger{Topic: "events", Push: true}}
	s.Functions = slices.Insert(s.Functions, 0, sim.Function{Name: "shop", New: func(env cloud.Env) (cloud.Handler, error) {
		return cloud.HTTP(publisher{pubsub.Client(env, "pubsub").Publisher("events")}), nil
	}})
	for _, m := range messages {
		s.Clients = append(s.Clients, patient("bob", sim.Request{Function: "shop", Body: m}))
	}
}

func (w workload) open(env cloud.Env, broken func(goredis.Cmdable) goredis.Cmdable) (*function.Function, error) {
	var client goredis.Cmdable = redis.Client(env, "redis", nil)
	if broken != nil {
		client = broken(client)
	}
	return function.New(function.Options{Program: w.program, Stream: options, Redis: client, Shares: shares})
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
//
// An event of shares is counted at its home, when it may not be at its other places
// yet: nobody was answered for it then, and what is not answered is sent again, so the closer does.
// That none is lost which was answered for, the scenarios without shares tell.
type closer struct {
	monitor *function.Function
	work    workload
}

func (c closer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, err := c.monitor.Status(r.Context())
	if err == nil && s.Events < len(c.work.sent()) {
		err = errors.New("not all events are there")
	}
	if err == nil && c.work.program == joined {
		var all []event.Event
		for _, text := range c.work.sent() {
			all = append(all, decoded(text))
		}
		err = c.monitor.Take(r.Context(), all)
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
func asOneStream(wanted []string) func(props.State) error {
	return func(s props.State) error {
		found, err := told(s)
		if slices.Sort(found); err == nil && !slices.Equal(found, wanted) {
			err = fmt.Errorf("the verdict log has %v, and one stream finds %v", found, wanted)
		}
		return err
	}
}

// told are the violations of the verdict log.
func told(s props.State) (found []string, err error) {
	text, _ := s.Get("redis", "{wtsim}/verdicts")
	var records []struct{ Values []string }
	if err := json.Unmarshal([]byte(text), &records); text != "" && err != nil {
		return nil, err
	}
	for _, r := range records {
		c, err := stream.DecodeCommit([]byte(r.Values[1]))
		if err != nil {
			return nil, err
		}
		for _, object := range c.Found {
			id, err := stream.IDOf(object)
			if err != nil {
				return nil, err
			}
			found = append(found, id.String())
		}
	}
	return found, nil
}
