// Package unversionedsim puts package unversioned under test: two members of a
// family add to one cart.
package unversionedsim

import (
	dynamodbclient "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/unversioned"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/unversioned/bug", "a cart is read, changed and put back whole: what another has added is lost"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/unversioned", "a cart is put if its version is still the one that was read"
	repaired.Relies = []string{"dynamodb/conditions"}
	return []sim.Scenario{bug, repaired}
}

func client(env cloud.Env) *dynamodbclient.Client {
	return dynamodbclient.NewFromConfig(awsclient.Config(env))
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{dynamodb.New("dynamodb", dynamodb.Table{Name: "carts", Keys: "cart S"})},
		Functions: []sim.Function{{Name: "add", New: func(env cloud.Env) (cloud.Handler, error) {
			return aws.Handler((&unversioned.Add{DynamoDB: client(env), Repaired: repaired}).Handle, aws.HTTPAPI()), nil
		}}},
		Clients:    []sim.Client{adds("alice", "tea"), adds("bob", "coffee")},
		Rules:      []probe.Rule{{Service: sim.AtRest("dynamodb"), Resource: "carts/{cart}", Each: "response.articles.L", Emit: "KEPT", With: map[string]string{"article": "each.S"}}},
		Properties: []*props.Property{props.Eventually("what was added is in the cart", props.On("ADDED", "article"), props.On("KEPT", "article"))},
	}
}

func adds(name, article string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{
		Function: "add", Path: "/?cart=c-1&article=" + article,
		Told: func(r cloud.Response) (string, map[string]any) {
			if !r.OK() {
				return "", nil
			}
			return "ADDED", map[string]any{"article": article}
		},
	}}}
}
