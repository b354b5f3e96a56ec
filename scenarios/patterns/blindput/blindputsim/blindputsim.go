// Package blindputsim puts package blindput under test: two videos are
// uploaded and rendered.
package blindputsim

import (
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/blindput"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/blindput/bug", "a notification that comes twice makes a new session of a finished one"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/blindput", "a session is created if there is none"
	repaired.Relies = []string{"gcs/preconditions"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{gcs.New("gcs", "videos", "sessions").Notify("videos", "uploads", gcs.Finalize), pubsub.New("pubsub")},
		Functions: []sim.Function{
			{Name: "upload", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&blindput.Upload{Videos: gcs.Client(env, "gcs").Bucket("videos")}), nil
			}},
			{Name: "create-session", Triggers: []cloud.Trigger{pubsub.Trigger{Topic: "uploads", Push: true}}, New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&blindput.CreateSession{Sessions: gcs.Client(env, "gcs").Bucket("sessions"),
					Renders: pubsub.Client(env, "pubsub").Publisher("renders"), Repaired: repaired}), nil
			}},
			{Name: "render", Triggers: pubsub.On("renders"), New: func(env cloud.Env) (cloud.Handler, error) {
				c := gcs.Client(env, "gcs")
				f := &blindput.Render{Videos: c.Bucket("videos"), Sessions: c.Bucket("sessions")}
				return gcp.OnData(f.Handle), nil
			}},
		},
		Clients: []sim.Client{upload("alice", "cat.mp4"), upload("bob", "dog.mp4")},
		Rules: []probe.Rule{{Service: "gcs", Method: "objects.insert", Resource: "sessions/{session}.json",
			Emit: "SESSION_STORED", With: map[string]string{"session": "{session}", "status": "request.status"}}},
		Properties: []*props.Property{
			props.Monotone("the status never goes back", props.On("SESSION_STORED", "session"), "status", props.Rising),
		},
	}
}

func upload(client, video string) sim.Client {
	return sim.Client{Name: client, Retries: 3, Requests: []sim.Request{{
		Function: "upload", Method: http.MethodPut, Path: "/" + video, Body: "a long video"}}}
}
