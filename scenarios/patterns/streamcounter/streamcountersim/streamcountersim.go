// Package streamcountersim puts package streamcounter under test: two people
// subscribe to a list, a third looks how long it is.
package streamcountersim

import (
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/eventarc"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/streamcounter"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/streamcounter/bug", "a counter adds one for each delivery: what comes again is counted again"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/streamcounter", "the counter remembers the events that it has counted"
	repaired.Relies = []string{"gcs/preconditions", "redis/scripts", "eventarc/retries", "clients/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), gcs.New("gcs", "recipients"), eventarc.New("eventarc")},
		Functions: []sim.Function{
			{Name: "subscribe", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&streamcounter.Subscribe{Recipients: gcs.Client(env, "gcs").Bucket("recipients")}), nil
			}},
			{Name: "count", Triggers: []cloud.Trigger{eventarc.Trigger{
				Event: "google.cloud.storage.object.v1.finalized", Match: map[string]string{"bucket": "recipients"},
			}}, New: func(env cloud.Env) (cloud.Handler, error) {
				return gcp.OnEvent((&streamcounter.Count{Redis: redis.Client(env, "redis", nil), Repaired: repaired}).Handle), nil
			}},
			{Name: "lists", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&streamcounter.Lists{Redis: redis.Client(env, "redis", nil)}), nil
			}},
		},
		Clients: []sim.Client{
			subscriber("alice"),
			subscriber("bob"),
			{Name: "carol", Requests: []sim.Request{{Function: "lists", Method: "GET", Path: "/news"}}},
		},
		Properties: []*props.Property{
			// The subscriptions commute, so there is one right end.
			props.AsIfOnce("counted as if each event had come once", props.Except("redis/counted:*")),
		},
	}
}

func subscriber(name string) sim.Client {
	return sim.Client{Name: name, Retries: 5, Requests: []sim.Request{
		{Function: "subscribe", Method: "PUT", Path: "/news/" + name + "@example.com"}}}
}
