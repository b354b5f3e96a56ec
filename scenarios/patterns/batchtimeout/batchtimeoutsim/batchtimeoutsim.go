// Package batchtimeoutsim puts package batchtimeout under test: two customers
// upload a document each, and a job looks for uploads every minute.
package batchtimeoutsim

import (
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/cron"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/tasks"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/batchtimeout"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/batchtimeout/bug", "a batch that is not finished in time starts again what it has started"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/batchtimeout", "an execution is named after its document, and is started once"
	repaired.Relies = []string{"tasks/names"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{
			gcs.New("gcs", "documents").Notify("documents", "uploads", gcs.Finalize),
			pubsub.New("pubsub").Pulled(pubsub.Subscription{Name: "uploads", Topic: "uploads"}),
			tasks.New("tasks").With(tasks.Queue{Name: "executions"}),
			cron.New("scheduler").With(cron.Job{Name: "minutely", Every: time.Minute, Ticks: 2, Function: "drain"}),
		},
		Functions: []sim.Function{
			{Name: "upload", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&batchtimeout.Upload{Documents: gcs.Client(env, "gcs").Bucket("documents")}), nil
			}},
			{Name: "drain", Timeout: 30 * time.Second, New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&batchtimeout.Drain{PubSub: pubsub.Client(env, "pubsub"), Tasks: tasks.Client(env, "tasks"), Repaired: repaired}), nil
			}},
			// What an execution does is not told here.
			{Name: "process", Handler: cloud.HTTPFunc(func(http.ResponseWriter, *http.Request) {})},
		},
		Clients: []sim.Client{uploads("alice", "deed"), uploads("bob", "will")},
		Rules: []probe.Rule{{Service: "tasks", Method: "createTask", Emit: "EXECUTION_STARTED",
			With: map[string]string{"document": "request.task.httpRequest.body.document"}}},
		Properties: []*props.Property{
			props.AtMostOnce("one execution per document", props.On("EXECUTION_STARTED", "document")),
		},
	}
}

func uploads(name, document string) sim.Client {
	return sim.Client{Name: name, Requests: []sim.Request{{
		Function: "upload", Method: http.MethodPut, Path: "/" + document, Body: "To whom it may concern"}}}
}
