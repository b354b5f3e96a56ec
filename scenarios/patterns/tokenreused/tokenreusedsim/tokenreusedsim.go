// Package tokenreusedsim puts package tokenreused under test: alice sends bob ten. The
// function may take two minutes, so that its queue hides a message for twelve.
package tokenreusedsim

import (
	"time"

	dynamodbclient "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	sqsclient "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/tokenreused"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/tokenreused/bug", "a transaction's token is known for ten minutes, and its message comes again after twelve: the money is moved again"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/tokenreused", "a transaction puts a record of what it is for"
	repaired.Relies = []string{"dynamodb/conditions"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	limit := 2 * time.Minute
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{
			dynamodb.New("dynamodb", dynamodb.Table{Name: "accounts", Keys: "account S"}, dynamodb.Table{Name: "transfers", Keys: "transfer S"}).
				With("accounts", `{"account":{"S":"alice"},"balance":{"N":"100"}}`).With("accounts", `{"account":{"S":"bob"},"balance":{"N":"0"}}`),
			sqs.New("sqs").With(sqs.Queue{Name: "transfers", Visibility: 6 * limit}),
		},
		Functions: []sim.Function{
			{Name: "transfer", New: func(env cloud.Env) (cloud.Handler, error) {
				f := &tokenreused.Transfer{SQS: sqsclient.NewFromConfig(awsclient.Config(env)), Transfers: aws.QueueURL("transfers")}
				return aws.Handler(f.Handle, aws.HTTPAPI()), nil
			}},
			{Name: "settle", Timeout: limit, Triggers: []cloud.Trigger{sqs.Trigger{Queue: "transfers", ItemFailures: true}}, New: func(env cloud.Env) (cloud.Handler, error) {
				f := &tokenreused.Settle{DynamoDB: dynamodbclient.NewFromConfig(awsclient.Config(env)), Repaired: repaired}
				return aws.Handler(f.Handle), nil
			}},
		},
		Clients: []sim.Client{{Name: "alice", Retries: 3, Requests: []sim.Request{{Function: "transfer", Path: "/?transfer=t-1"}}}},
		Rules: []probe.Rule{{Service: sim.AtRest("dynamodb"), Resource: "accounts/alice",
			Emit: "LEFT", With: map[string]string{"balance": "response.balance.N"}}},
		Properties: []*props.Property{props.Never("no money is moved twice", props.On("LEFT").Wanting("balance").When("less than 90 are left", func(d event.Data) bool {
			v, ok := d.Get("balance")
			return ok && v.String() != "90" && v.String() != "100"
		}))},
	}
}
