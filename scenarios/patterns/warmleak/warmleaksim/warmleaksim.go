// Package warmleaksim puts package warmleak under test: two tenants export
// their data, a third request lists the tenants.
package warmleaksim

import (
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/warmleak"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/warmleak/bug", "a file that a failed request has left in a warm instance is in the next one's report"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/warmleak", "each request has a file of its own"
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{
			gcs.New("gcs", "data", "reports").With("data", "alice.csv", "alice,10\nalice,20\n").With("data", "bob.csv", "bob,30\n"),
		},
		Functions: []sim.Function{
			{Name: "export", Concurrency: 1, New: func(env cloud.Env) (cloud.Handler, error) {
				dir, err := env.TempDir()
				if err != nil {
					return cloud.Handler{}, err
				}
				client := gcs.Client(env, "gcs")
				return cloud.HTTP(&warmleak.Export{Data: client.Bucket("data"), Reports: client.Bucket("reports"), Dir: dir, Repaired: repaired}), nil
			}},
			{Name: "tenants", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&warmleak.Tenants{Data: gcs.Client(env, "gcs").Bucket("data")}), nil
			}},
		},
		Clients: []sim.Client{
			{Name: "alice", Retries: 3, Requests: []sim.Request{{Function: "export", Path: "/alice"}}},
			{Name: "bob", Retries: 3, Requests: []sim.Request{{Function: "export", Path: "/bob"}}},
			{Name: "carol", Requests: []sim.Request{{Function: "tenants", Method: "GET"}}},
		},
		Rules: []probe.Rule{{Service: "gcs", Method: "objects.insert", Resource: "reports/{tenant}.csv",
			Emit: "REPORTED", With: map[string]string{"tenant": "{tenant}", "rows": "request"}}},
		Properties: []*props.Property{
			props.Never("a report has rows of its tenant alone", props.On("REPORTED", "tenant").Wanting("rows").When("a row is another's", foreign)),
		},
	}
}

func foreign(report event.Data) bool {
	tenant, _ := report.Get("tenant")
	rows, _ := report.Get("rows")
	for row := range strings.Lines(rows.Text()) {
		if !strings.HasPrefix(row, tenant.Text()+",") {
			return true
		}
	}
	return false
}
