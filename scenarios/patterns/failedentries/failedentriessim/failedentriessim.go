// Package failedentriessim puts package failedentries under test: two customers
// order, and what they order is charged.
package failedentriessim

import (
	"fmt"

	dynamodbclient "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	eventsclient "github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/fakes/eventbridge"
	"github.com/wtsim/wtsim/fakes/lambda"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/failedentries"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/failedentries/bug", "a call that succeeds has not taken an event: an order is accepted and never charged"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/failedentries", "events that were not taken are put again"
	repaired.Relies = []string{"lambda/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{
			eventbridge.New("eventbridge").With(eventbridge.Rule{Name: "to-charge", Pattern: `{"source":["shop"],"detail-type":["ToCharge"]}`}),
			dynamodb.New("dynamodb", dynamodb.Table{Name: "charges", Keys: "order S"}), lambda.New("lambda"),
		},
		Functions: []sim.Function{
			{Name: "place", New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&failedentries.Place{Events: eventsclient.NewFromConfig(awsclient.Config(env)), Repaired: repaired}).Handle, aws.HTTPAPI()), nil
			}},
			{Name: "charge", Triggers: []cloud.Trigger{eventbridge.Trigger{Rule: "to-charge", Input: eventbridge.Input{Path: "$.detail"}}}, New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&failedentries.Charge{DynamoDB: dynamodbclient.NewFromConfig(awsclient.Config(env))}).Handle), nil
			}},
		},
		Clients: []sim.Client{orders("alice", "o-1"), orders("bob", "o-2")},
		Rules:   []probe.Rule{{Service: sim.AtRest("dynamodb"), Resource: "charges/{order}", Emit: "CHARGED", With: map[string]string{"order": "{order}"}}},
		Properties: []*props.Property{
			props.Eventually("what is accepted is charged", props.On("ACCEPTED", "order"), props.On("CHARGED", "order")),
		},
		// Lambda gives an event up that has failed three times.
		Faults: sim.Faults{Most: 2},
	}
}

func orders(name, order string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{
		Function: "place", Body: fmt.Sprintf(`{"order":%q}`, order),
		Told: func(r cloud.Response) (string, map[string]any) {
			if !r.OK() {
				return "", nil
			}
			return "ACCEPTED", map[string]any{"order": order}
		},
	}}}
}
