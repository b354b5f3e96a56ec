// Package stuckrecordsim puts package stuckrecord under test: alice pays for an order, and asks again where she is not answered.
package stuckrecordsim

import (
	"net/http"
	"time"

	dynamodbclient "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/stuckrecord"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/stuckrecord/bug", "a record of work in progress outlives the instance that does the work: the order is never charged"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/stuckrecord", "a record of work in progress ends with the time limit of its invocation"
	return []sim.Scenario{bug, repaired}
}

func client(env cloud.Env) *dynamodbclient.Client {
	return dynamodbclient.NewFromConfig(awsclient.Config(env))
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{
			dynamodb.New("dynamodb", dynamodb.Table{Name: "idempotency", Keys: "id S", TTL: "expiration"}),
			web.New("payments.example", func() http.Handler {
				return web.Idempotent(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }))
			}),
		},
		Functions: []sim.Function{{Name: "charge", New: func(env cloud.Env) (cloud.Handler, error) {
			f := &stuckrecord.Charge{DynamoDB: client(env), Payments: env.HTTPClient(), Repaired: repaired}
			return aws.Handler(f.Handle, aws.HTTPAPI()), nil
		}}},
		Clients: []sim.Client{{Name: "alice", Retries: 5, Backoff: 10 * time.Second, Requests: []sim.Request{{Function: "charge", Path: "/?order=o-1"}}}},
		Rules: []probe.Rule{
			{Service: "dynamodb", Method: "PutItem", Resource: "idempotency/{order}", Emit: "BEGUN", With: map[string]string{"order": "{order}"}},
			{Service: "payments.example", Method: "POST", Resource: "/charges", Emit: "CHARGED", With: map[string]string{"order": "request.order"}},
		},
		Properties: []*props.Property{props.Eventually("an order that is begun is charged", props.On("BEGUN", "order"), props.On("CHARGED", "order"))},
	}
}
