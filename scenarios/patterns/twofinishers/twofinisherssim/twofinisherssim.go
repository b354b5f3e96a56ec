// Package twofinisherssim puts package twofinishers under test: two renderers
// report the parts of two videos, a customer looks at one of them.
package twofinisherssim

import (
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/cron"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/twofinishers"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/twofinishers/bug", "two looks at a complete session both finish it"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/twofinishers", "a session is finished in a transaction that watches it"
	repaired.Relies = []string{"redis/watch"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{
			redis.New("redis"),
			pubsub.New("pubsub"),
			cron.New("scheduler").With(cron.Job{Name: "minutely", Cron: "* * * * *", Ticks: 1, Function: "status"}),
		},
		Functions: []sim.Function{
			{Name: "report", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&twofinishers.Report{Redis: redis.Client(env, "redis", nil), Parts: pubsub.Client(env, "pubsub").Publisher("parts")}), nil
			}},
			{Name: "status", Triggers: []cloud.Trigger{pubsub.Trigger{Topic: "parts", Push: true}}, New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&twofinishers.Status{Redis: redis.Client(env, "redis", nil), Repaired: repaired}), nil
			}},
			{Name: "page", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&twofinishers.Page{Redis: redis.Client(env, "redis", nil)}), nil
			}},
		},
		Clients: []sim.Client{
			{Name: "animator", Retries: 3, Requests: []sim.Request{report("cat", "gif"), report("dog", "gif")}},
			{Name: "camera", Retries: 3, Requests: []sim.Request{report("cat", "captures"), report("dog", "captures")}},
			{Name: "carol", Requests: []sim.Request{{Function: "page", Method: http.MethodGet, Path: "/sessions/cat"}}},
		},
		Rules: []probe.Rule{
			{Service: "redis", Method: "MULTI HSET SADD EXEC", Resource: "session:{session} sessions",
				Emit: "PART_REPORTED", With: map[string]string{"session": "{session}", "part": "arg.2"}},
			finished("session:{session} callbacks"),
			finished("session:{session} callbacks {watched}"),
		},
		Properties: []*props.Property{finishedOnce()},
	}
}

func finished(keys string) probe.Rule {
	return probe.Rule{Service: "redis", Method: "MULTI HSET RPUSH EXEC", Resource: keys,
		Emit: "SESSION_FINISHED", With: map[string]string{"session": "{session}"}}
}

// finishedOnce allows a part to be reported again, as a retry does.
func finishedOnce() *props.Property {
	parts := props.Set("parts")
	reported, finished := props.On("PART_REPORTED", "session"), props.On("SESSION_FINISHED", "session")
	return props.ForAll("session").With(parts).Machine("finished once, when both parts are there",
		props.From("no part").On(reported).Do(parts.Add("part")).To("one part"),
		props.From("one part").On(reported.GivenNotIn(parts, "part")).To("complete"),
		props.From("complete").On(finished).To("finished").ViolatedAtEnd(),
		props.From("finished"),
		props.FromAny().On(finished).To(props.Violated))
}

func report(session, part string) sim.Request {
	return sim.Request{Function: "report", Method: http.MethodPut, Path: "/sessions/" + session + "/" + part}
}
