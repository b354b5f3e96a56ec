package pipelinesim

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/pipeline"
	"github.com/wtsim/wtsim/sim"
)

// A property that no one variable shares out, in the shares of a hypercube: who
// is served at a table has come, and the table is laid; nobody goes who has not
// come, whatever the table. In four shards it is two by two.
var served = compiled(props.ForAll("guest", "table").Machine("who is served has come, and the table is laid",
	props.From("neither").On(come).To("guest").On(laid).To("table").On(dish).To(props.Violated).On(gone).To(props.Violated),
	props.From("guest").On(laid).To("both").On(dish).To(props.Violated).On(gone).To("neither"),
	props.From("table").On(come).To("both").On(dish).To(props.Violated).On(gone).To(props.Violated),
	props.From("both").On(gone).To("table").On(props.On("CLEARED", "table")).To("guest"),
))

var (
	come = props.On("COME", "guest")
	gone = props.On("GONE", "guest")
	laid = props.On("LAID", "table")
	dish = props.On("SERVED", "guest", "table")
)

const shards = 4

func eventsOf(shard int) string  { return fmt.Sprint(eventLog, shard) }
func commitsOf(shard int) string { return fmt.Sprint(commitLog, shard) }

// diningRoom are its events: three dishes are served to who is not there, or at a
// table that is not laid, and somebody goes who has not come.
func diningRoom() []string {
	of := func(ms int, kind, data string) string {
		at := epoch.Add(time.Duration(ms) * time.Millisecond).Format(time.RFC3339Nano)
		return fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"room","type":%q,"time":%q,"data":{%s}}`, ms, kind, at, data)
	}
	return []string{
		of(1, "COME", `"guest":"ann"`), of(2, "LAID", `"table":1`), of(3, "SERVED", `"guest":"ann","table":1`),
		of(4, "SERVED", `"guest":"bob","table":1`), of(5, "LAID", `"table":2`), of(6, "COME", `"guest":"cid"`),
		of(7, "SERVED", `"guest":"cid","table":3`), of(8, "GONE", `"guest":"cid"`), of(9, "SERVED", `"guest":"cid","table":2`),
		of(10, "GONE", `"guest":"dan"`), of(10_000, "COME", `"guest":"dan"`),
	}
}

// shares is the pipeline with that property, a worker a shard.
func shares() sim.Scenario {
	lines := diningRoom()
	return sim.Scenario{
		Name: "pipeline/shares", Doc: "a property without a common variable is judged in four shards, and comes to what one engine finds",
		Epoch: epoch, Platform: gcp.CloudRun(), Services: []cloud.Service{&engine{}},
		Functions: []sim.Function{
			{Name: "gateway", New: func(env cloud.Env) (cloud.Handler, error) {
				g := &pipeline.Gateway{Program: served}
				for n := range shards {
					g.Senders = append(g.Senders, &stream.Sender{Log: newClient(env).log(eventsOf(n)), Gateway: uuid.NewString()})
				}
				return cloud.HTTP(g), nil
			}},
			{Name: "worker", Concurrency: 1, New: func(env cloud.Env) (cloud.Handler, error) { return cloud.HTTP(shardWorkers(env)), nil }},
		},
		Clients: []sim.Client{
			patient("room",
				events("", lines[:4]...), judgeShard(0), judgeShard(1),
				events("", lines[4:]...), sim.Request{Function: "gateway", Path: "/close"},
				judgeShard(0), judgeShard(1), judgeShard(2), judgeShard(3)),
			patient("rival", judgeShard(1)),
		},
		Properties: []*props.Property{
			props.AtQuiescence("the verdict logs have the verdicts of one engine, each once", asOneEngineInShares),
		},
	}
}

func judgeShard(n int) sim.Request {
	return sim.Request{Function: "worker", Path: fmt.Sprint("/", n)}
}

// shardWorkers has a worker for each shard, at /N.
func shardWorkers(env cloud.Env) http.Handler {
	c, m := newClient(env), http.NewServeMux()
	for n := range shards {
		m.Handle(fmt.Sprint("/", n), &pipeline.Worker{Config: stream.Config{
			Program: served, Options: options, Shard: n, Shards: shards, Owner: uuid.NewString(),
			Events: c.log(eventsOf(n)), Commits: c.log(commitsOf(n)), States: store{c}, StateEvery: 1,
		}})
	}
	return m
}

// asOneEngineInShares compares what all shards have found with what one engine
// does that is given all events, as `wtsim check` is; once all of them are in
// all logs, and judged.
func asOneEngineInShares(s props.State) error {
	var found []string
	for shard := range shards {
		of, last, err := committed(records(s, commitsOf(shard)))
		if err != nil {
			return err
		}
		found = append(found, of...)
		if blocks := records(s, eventsOf(shard)); last == nil || last.Offset < uint64(len(blocks)) {
			return nil // somebody has given up
		}
	}
	slices.Sort(found)
	want, err := ofOneEngine(diningRoom())
	if err == nil && !slices.Equal(found, want) {
		err = fmt.Errorf("the shards have found %v, and one engine %v", found, want)
	}
	return err
}

func ofOneEngine(lines []string) (ids []string, err error) {
	one, err := served.Stream(options)
	if err != nil {
		return nil, err
	}
	all := make([]monitor.Input, len(lines))
	for n, line := range lines {
		if err := event.DecodeInto(&all[n].Event, line); err != nil {
			return nil, err
		}
	}
	pushed, closed := one.Push(all), one.Close()
	for _, v := range append(pushed.Violations(), closed.Violations()...) {
		ids = append(ids, v.ID())
	}
	slices.Sort(ids)
	return ids, nil
}
