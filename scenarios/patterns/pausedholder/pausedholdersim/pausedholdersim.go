// Package pausedholdersim puts package pausedholder under test: two people add
// a line to the same document, a third to another.
package pausedholdersim

import (
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/pausedholder"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/pausedholder/bug", "who is paused past the lease writes over the next holder's work"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/pausedholder", "the document refuses a holder that another has followed"
	repaired.Relies = []string{"gcs/preconditions"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	documents := gcs.New("gcs", "documents").With("documents", "plan", `{"token":0}`).With("documents", "menu", `{"token":0}`)
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), documents},
		Functions: []sim.Function{
			{Name: "edit", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&pausedholder.Edit{Redis: redis.Client(env, "redis", nil), Documents: gcs.Client(env, "gcs").Bucket("documents"), Repaired: repaired}), nil
			}},
			{Name: "show", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&pausedholder.Show{Documents: gcs.Client(env, "gcs").Bucket("documents")}), nil
			}},
		},
		Clients: []sim.Client{
			editor("alice", "plan"),
			editor("bob", "plan"),
			editor("carol", "menu"),
			{Name: "dora", Requests: []sim.Request{{Function: "show", Method: "GET", Path: "/plan"}}},
		},
		Rules: []probe.Rule{{Service: "gcs", Method: "objects.insert", Resource: "documents/{document}",
			Emit: "WRITTEN", With: map[string]string{"document": "{document}", "token": "request.token"}}},
		Properties: []*props.Property{
			props.Monotone("no holder writes after the next one has", props.On("WRITTEN", "document"), "token", props.Rising),
		},
	}
}

func editor(name, document string) sim.Client {
	return sim.Client{Name: name, Retries: 6, Backoff: 10 * time.Second, Requests: []sim.Request{
		{Function: "edit", Path: "/" + document, Body: name + " was here"}}}
}
