// Package blindputsim puts package blindput under test: two videos are
// uploaded and rendered.
package blindputsim

import (
	"net/http"

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
		Services: []probe.Service{gcs.New("videos", "sessions").Notify("videos", "uploads", gcs.Finalize), pubsub.New()},
		Functions: []sim.Function{
			{Name: "upload", New: func(env *sim.Env) (sim.Handler, error) {
				return sim.HTTP(&blindput.Upload{Videos: gcs.Client(env).Bucket("videos")}), nil
			}},
			{Name: "create-session", Triggers: []sim.Trigger{{Topic: "uploads", Push: true}}, New: func(env *sim.Env) (sim.Handler, error) {
				return sim.HTTP(&blindput.CreateSession{Sessions: gcs.Client(env).Bucket("sessions"),
					Renders: pubsub.Client(env).Publisher("renders"), Repaired: repaired}), nil
			}},
			{Name: "render", Topic: "renders", New: func(env *sim.Env) (sim.Handler, error) {
				c := gcs.Client(env)
				f := &blindput.Render{Videos: c.Bucket("videos"), Sessions: c.Bucket("sessions")}
				return sim.OnData(f.Handle), nil
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
