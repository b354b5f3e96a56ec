// Package groupgapsim puts package groupgap under test: two orders are packed
// and shipped.
package groupgapsim

import (
	"net/http"

	sqsclient "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/groupgap"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/groupgap/bug", "after a message that fails, the later ones of its group are dealt with: it comes after them"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/groupgap", "a function stops at the first failure, and reports the rest as failed too"
	repaired.Relies = []string{"sqs/order"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{sqs.New("sqs").With(sqs.Queue{Name: "told.fifo"}), web.New("warehouse.example", warehouse)},
		Functions: []sim.Function{
			{Name: "ship", New: func(env cloud.Env) (cloud.Handler, error) {
				f := &groupgap.Ship{SQS: sqsclient.NewFromConfig(awsclient.Config(env))}
				return aws.Handler(f.Handle, aws.HTTPAPI()), nil
			}},
			{Name: "tell", Triggers: []cloud.Trigger{sqs.Trigger{Queue: "told.fifo", ItemFailures: true}}, New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&groupgap.Tell{Warehouse: env.HTTPClient(), Repaired: repaired}).Handle), nil
			}},
		},
		Clients: []sim.Client{ships("alice", "/o-1"), ships("bob", "/o-2")},
		Rules: []probe.Rule{
			{Service: "warehouse.example", Method: "POST", Resource: "/stages", Where: map[string]string{"status": "201"}, Emit: "TOLD",
				With: map[string]string{"order": "request.order", "stage": "request.stage"}},
		},
		Properties: []*props.Property{
			props.Monotone("stages come in order", props.On("TOLD", "order"), "stage", props.Rising),
		},
	}
}

func warehouse() http.Handler {
	return web.Idempotent(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }))
}

func ships(name, path string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{Function: "ship", Path: path}}}
}
