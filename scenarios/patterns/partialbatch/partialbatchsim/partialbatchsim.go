// Package partialbatchsim puts package partialbatch under test: two customers
// order, and what they order is charged.
package partialbatchsim

import (
	"fmt"
	"net/http"

	sqsclient "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/partialbatch"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/partialbatch/bug", "what fails in a batch is logged, and deleted with the rest: an order is never charged"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/partialbatch", "a function says which messages of a batch have failed"
	repaired.Relies = []string{"sqs/redelivery"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	accepted, charged := props.On("ACCEPTED", "order"), props.On("CHARGED", "order")
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{sqs.New("sqs").With(sqs.Queue{Name: "orders"}), web.New("payments.example", payments)},
		Functions: []sim.Function{
			{Name: "place", New: func(env cloud.Env) (cloud.Handler, error) {
				f := &partialbatch.Place{SQS: sqsclient.NewFromConfig(awsclient.Config(env))}
				return aws.Handler(f.Handle, aws.HTTPAPI()), nil
			}},
			{Name: "charge", Triggers: []cloud.Trigger{sqs.Trigger{Queue: "orders", ItemFailures: true}}, New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&partialbatch.Charge{Payments: env.HTTPClient(), Repaired: repaired}).Handle), nil
			}},
		},
		Clients: []sim.Client{orders("alice", "o-1"), orders("bob", "o-2")},
		Rules: []probe.Rule{
			{Service: "sqs", Method: "SendMessage", Resource: "orders", Emit: "ACCEPTED", With: map[string]string{"order": "request.MessageBody.order"}},
			{Service: "payments.example", Method: "POST", Resource: "/charges", Emit: "CHARGED", With: map[string]string{"order": "request.order"}},
		},
		Properties: []*props.Property{
			props.Eventually("what is ordered is charged", accepted, charged),
		},
	}
}

func payments() http.Handler {
	return web.Idempotent(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }))
}

func orders(name, order string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{Function: "place", Body: fmt.Sprintf(`{"order":%q}`, order)}}}
}
