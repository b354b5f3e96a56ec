// Package lateexpirysim puts package lateexpiry under test: alice asks for a code, and
// enters with it. Where she is not answered she tries again after ten minutes.
package lateexpirysim

import (
	_ "embed"
	"net/http"
	"time"

	dynamodbclient "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/lateexpiry"
	"github.com/wtsim/wtsim/sim"
)

//go:embed lateexpiry.yaml
var properties []byte

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/lateexpiry/bug", "an item whose time to live is over is still there: a code is good long after it has expired"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/lateexpiry", "who reads a code looks whether its time is over"
	return []sim.Scenario{bug, repaired}
}

func client(env cloud.Env) *dynamodbclient.Client {
	return dynamodbclient.NewFromConfig(awsclient.Config(env))
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{dynamodb.New("dynamodb", dynamodb.Table{Name: "codes", Keys: "person S", TTL: "expires"})},
		Functions: []sim.Function{
			{Name: "send", New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&lateexpiry.Send{DynamoDB: client(env)}).Handle, aws.HTTPAPI()), nil
			}},
			{Name: "enter", New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&lateexpiry.Enter{DynamoDB: client(env), Repaired: repaired}).Handle, aws.HTTPAPI()), nil
			}},
		},
		Clients: []sim.Client{{Name: "alice", Retries: 3, Backoff: 10 * time.Minute, Requests: []sim.Request{
			{Function: "send", Path: "/?person=alice"},
			{Function: "enter", Path: "/?person=alice&code=1234", Told: func(r cloud.Response) (string, map[string]any) {
				if r.Status != http.StatusOK {
					return "", nil
				}
				return "LET_IN", map[string]any{"person": "alice"}
			}},
		}}},
		Rules:      []probe.Rule{{Service: "dynamodb", Method: "PutItem", Resource: "codes/{person}", Emit: "CODE_MADE", With: map[string]string{"person": "{person}"}}},
		Properties: props.MustParse("lateexpiry.yaml", properties),
	}
}
