// Package duplicatesim puts package duplicate under test: two members join.
package duplicatesim

import (
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/eventarc"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/duplicate"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/duplicate/bug", "an event that comes twice welcomes twice"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/duplicate", "the event's id is the mail's idempotency key"
	repaired.Relies = []string{"web/idempotency-key", "gcs/preconditions"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{gcs.New("gcs", "members"), web.New("mail.example", newMail), eventarc.New("eventarc")},
		Functions: []sim.Function{
			{Name: "join", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&duplicate.Join{Members: gcs.Client(env, "gcs").Bucket("members")}), nil
			}},
			{
				Name: "welcome",
				Triggers: []cloud.Trigger{eventarc.Trigger{Event: "google.cloud.storage.object.v1.finalized",
					Match: map[string]string{"bucket": "members"}, Policy: gcp.Policy{Once: true}}},
				New: func(env cloud.Env) (cloud.Handler, error) {
					return gcp.OnEvent((&duplicate.Welcome{HTTP: env.HTTPClient(), Repaired: repaired}).Handle), nil
				},
			},
		},
		Clients: []sim.Client{joins("alice"), joins("bob")},
		Rules: []probe.Rule{{Service: "mail.example", Method: "POST", Resource: "/messages", Where: map[string]string{"status": "202"},
			Emit: "MAIL_SENT", With: map[string]string{"member": "request.to"}}},
		Properties: []*props.Property{
			props.AtMostOnce("a member is welcomed once", props.On("MAIL_SENT", "member")),
		},
	}
}

func joins(name string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{
		Function: "join", Method: http.MethodPut, Path: "/" + name, Body: "{}"}}}
}

// newMail returns the mail provider, which accepts everything once.
func newMail() http.Handler {
	return web.Idempotent(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
	}))
}
