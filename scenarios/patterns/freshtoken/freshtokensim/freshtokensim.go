// Package freshtokensim puts package freshtoken under test: alice sends bob ten.
package freshtokensim

import (
	dynamodbclient "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/freshtoken"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/freshtoken/bug", "each call of a function draws a token for its transaction: a repeated request moves the money again"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/freshtoken", "the token of the transaction is the request's"
	repaired.Relies = []string{"dynamodb/transaction-token"}
	return []sim.Scenario{bug, repaired}
}

func client(env cloud.Env) *dynamodbclient.Client {
	return dynamodbclient.NewFromConfig(awsclient.Config(env))
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{dynamodb.New("dynamodb", dynamodb.Table{Name: "accounts", Keys: "account S"}).
			With("accounts", `{"account":{"S":"alice"},"balance":{"N":"100"}}`).With("accounts", `{"account":{"S":"bob"},"balance":{"N":"0"}}`)},
		Functions: []sim.Function{{Name: "transfer", New: func(env cloud.Env) (cloud.Handler, error) {
			return aws.Handler((&freshtoken.Transfer{DynamoDB: client(env), Repaired: repaired}).Handle, aws.HTTPAPI()), nil
		}}},
		Clients: []sim.Client{{Name: "alice", Retries: 3, Requests: []sim.Request{{Function: "transfer", Path: "/?transfer=t-1"}}}},
		Rules: []probe.Rule{{Service: sim.AtRest("dynamodb"), Resource: "accounts/alice",
			Emit: "LEFT", With: map[string]string{"balance": "response.balance.N"}}},
		Properties: []*props.Property{props.Never("no money is moved twice", props.On("LEFT").Wanting("balance").When("less than 90 are left", func(d event.Data) bool {
			v, ok := d.Get("balance")
			return ok && v.String() != "90" && v.String() != "100"
		}))},
	}
}
