// Package poisonrecordsim puts package poisonrecord under test: alice orders, then
// walter with an old client, then bob. A record is tried for an hour, instead of the
// day that is the default, which is as bad and takes 24 times as long to run.
package poisonrecordsim

import (
	"time"

	dynamodbclient "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/fakes/lambda"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/poisonrecord"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(lambda.Stream{})
	bug.Name, bug.Doc = "patterns/poisonrecord/bug", "one record that no attempt can cope with blocks its shard until it expires, and all behind it do"
	bug.Expect = sim.Expect{Violation: true}
	repaired := scenario(lambda.Stream{Bisect: true, Retries: 4, OnFailure: aws.QueueARN("failed")})
	repaired.Name, repaired.Doc = "patterns/poisonrecord", "a batch that fails is split, tried a few times, and passed over"
	repaired.Relies = []string{"dynamodb/conditions"}
	return []sim.Scenario{bug, repaired}
}

func client(env cloud.Env) *dynamodbclient.Client {
	return dynamodbclient.NewFromConfig(awsclient.Config(env))
}

func scenario(mapping lambda.Stream) sim.Scenario {
	mapping.Table, mapping.MaxAge = "orders", time.Hour
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{
			dynamodb.New("dynamodb", dynamodb.Table{Name: "orders", Keys: "id S", Stream: "NEW_IMAGE"}, dynamodb.Table{Name: "totals", Keys: "customer S"}),
			lambda.New("lambda"), sqs.New("sqs").With(sqs.Queue{Name: "failed"}),
		},
		Functions: []sim.Function{
			{Name: "order", New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&poisonrecord.Order{DynamoDB: client(env)}).Handle, aws.HTTPAPI()), nil
			}},
			{Name: "total", Triggers: []cloud.Trigger{mapping}, New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&poisonrecord.Total{DynamoDB: client(env)}).Handle), nil
			}},
		},
		Clients: []sim.Client{
			orders("alice", "version=2&order=o-1&amount=10"), orders("walter", "version=1&order=o-2"), orders("bob", "version=2&order=o-3&amount=30"),
		},
		Rules: []probe.Rule{
			{Service: "dynamodb", Method: "PutItem", Resource: "orders/{order}", Where: map[string]string{"request.Item.version.N": "2"}, Emit: "ORDERED", With: map[string]string{"order": "{order}"}},
			{Service: "dynamodb", Method: "UpdateItem", Resource: "totals/{customer}", Emit: "TOTALLED", With: map[string]string{"order": "request.ExpressionAttributeValues.:order.S"}},
			{Service: sim.AtRest("dynamodb"), Resource: "totals/{customer}", Emit: "SPENT", With: map[string]string{"customer": "{customer}", "spent": "response.spent.N"}},
		},
		Properties: []*props.Property{
			props.Responds("an order with an amount is totalled soon", props.On("ORDERED", "order"), props.On("TOTALLED", "order"), 10*time.Minute),
			props.Never("nothing is totalled twice", props.On("SPENT", "customer").Wanting("spent").When("it is more than was ordered", func(d event.Data) bool {
				spent, _ := d.Get("spent")
				return spent.String() != "10" && spent.String() != "30"
			})),
		},
	}
}

func orders(name, query string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{Function: "order", Path: "/?customer=" + name + "&" + query}}}
}
