// Package lateindexsim puts package lateindex under test: alice orders, and her payment is told.
package lateindexsim

import (
	dynamodbclient "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/lateindex"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/lateindex/bug", "an order is looked up in an index right after it was written: its payment is taken for another shop's"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/lateindex", "a payment is found by its key, with a consistent read"
	repaired.Relies = []string{"dynamodb/consistent-reads"}
	return []sim.Scenario{bug, repaired}
}

func client(env cloud.Env) *dynamodbclient.Client {
	return dynamodbclient.NewFromConfig(awsclient.Config(env))
}

func scenario(repaired bool) sim.Scenario {
	ordered := func(name string) func(cloud.Env) (cloud.Handler, error) {
		return func(env cloud.Env) (cloud.Handler, error) {
			f := &lateindex.Orders{DynamoDB: client(env), Repaired: repaired}
			if name == "place" {
				return aws.Handler(f.Place, aws.HTTPAPI()), nil
			}
			return aws.Handler(f.Paid, aws.HTTPAPI()), nil
		}
	}
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{dynamodb.New("dynamodb", dynamodb.Table{Name: "orders", Keys: "id S",
			Indexes: []dynamodb.Index{{Name: "by-payment", Keys: "payment S"}}})},
		Functions: []sim.Function{{Name: "place", New: ordered("place")}, {Name: "paid", New: ordered("paid")}},
		Clients: []sim.Client{{Name: "alice", Retries: 3, Requests: []sim.Request{
			{Function: "place", Path: "/?order=o-1&payment=p-1"},
			{Function: "paid", Path: "/?payment=p-1", Told: func(r cloud.Response) (string, map[string]any) {
				if !r.OK() {
					return "", nil
				}
				return "TAKEN", map[string]any{"order": "o-1"}
			}},
		}}},
		Rules: []probe.Rule{
			{Service: sim.AtRest("dynamodb"), Resource: "orders/{order}", Where: map[string]string{"response.paid.BOOL": "true"}, Emit: "PAID", With: map[string]string{"order": "{order}"}},
			{Service: "dynamodb", Method: "TransactWriteItems", Emit: "PLACED", With: map[string]string{"order": "request.TransactItems.0.Put.Item.id.S"}},
		},
		Properties: []*props.Property{props.ForAll("order").Machine("an order whose payment was taken is paid",
			props.From("open").On(props.On("PLACED", "order")).To("placed"),
			props.From("placed").On(props.On("TAKEN", "order")).To("owed"),
			props.From("owed").On(props.On("PAID", "order")).To(props.Satisfied).ViolatedAtEnd())},
	}
}
