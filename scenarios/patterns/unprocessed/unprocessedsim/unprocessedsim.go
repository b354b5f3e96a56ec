// Package unprocessedsim puts package unprocessed under test: an event has three guests.
package unprocessedsim

import (
	dynamodbclient "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/unprocessed"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/unprocessed/bug", "what a batch leaves unprocessed is dropped: a guest is never invited"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/unprocessed", "what a batch leaves unprocessed is sent again"
	return []sim.Scenario{bug, repaired}
}

func client(env cloud.Env) *dynamodbclient.Client {
	return dynamodbclient.NewFromConfig(awsclient.Config(env))
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{dynamodb.New("dynamodb", dynamodb.Table{Name: "invitations", Keys: "guest S"})},
		Functions: []sim.Function{{Name: "invite", New: func(env cloud.Env) (cloud.Handler, error) {
			return aws.Handler((&unprocessed.Invite{DynamoDB: client(env), Repaired: repaired}).Handle, aws.HTTPAPI()), nil
		}}},
		Clients: []sim.Client{{Name: "alice", Retries: 3, Requests: []sim.Request{{
			Function: "invite", Path: "/?guests=bob,carol,dave",
			Told: func(r cloud.Response) (string, map[string]any) {
				if !r.OK() {
					return "", nil
				}
				return "ACCEPTED", map[string]any{"guest": "dave"}
			},
		}}}},
		Rules:      []probe.Rule{{Service: sim.AtRest("dynamodb"), Resource: "invitations/{guest}", Emit: "INVITED", With: map[string]string{"guest": "{guest}"}}},
		Properties: []*props.Property{props.Eventually("who is to be invited is", props.On("ACCEPTED", "guest"), props.On("INVITED", "guest"))},
	}
}
