// Package shortwindowsim puts package shortwindow under test: two users ask
// for a report each, every six minutes until it is there.
package shortwindowsim

import (
	"io"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/shortwindow"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/shortwindow/bug", "repeated requests are known for five minutes, and the work takes longer"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	bug.Faults.Kinds = []string{cloud.RunOther, cloud.Reorder, cloud.Stall} // a lost answer that is waited for leads there too
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/shortwindow", "a run is known by its report, for as long as there are runs"
	repaired.Relies = []string{"web/idempotency-key"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), gcs.New("gcs", "reports"), web.New("numbers.example", newNumbers), pubsub.New("pubsub")},
		Functions: []sim.Function{
			{Name: "report", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&shortwindow.Report{Redis: redis.Client(env, "redis", nil),
					Reports: gcs.Client(env, "gcs").Bucket("reports"), Asked: pubsub.Client(env, "pubsub").Publisher("asked")}), nil
			}},
			{Name: "run", Triggers: pubsub.On("asked"), Timeout: 9 * time.Minute, New: func(env cloud.Env) (cloud.Handler, error) {
				f := &shortwindow.Run{Reports: gcs.Client(env, "gcs").Bucket("reports"), HTTP: env.HTTPClient(), Repaired: repaired}
				return gcp.OnEvent(f.Handle), nil
			}},
		},
		Clients: []sim.Client{asks("alice", "sales"), asks("bob", "stock")},
		Rules: []probe.Rule{{Service: "numbers.example", Method: "POST", Resource: "/runs", Where: map[string]string{"status": "201"},
			Emit: "RUN_STARTED", With: map[string]string{"report": "request.report"}}},
		Properties: []*props.Property{props.AtMostOnce("one run per report", props.On("RUN_STARTED", "report"))},
	}
}

func asks(name, report string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Backoff: 6 * time.Minute, Requests: []sim.Request{{
		Function: "report", Method: http.MethodGet, Path: "/" + report}}}
}

// newNumbers returns the provider of numbers, which charges by the run.
func newNumbers() http.Handler {
	return web.Idempotent(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "42")
	}))
}
