// Package coalescedsim puts package coalesced under test: an author saves two
// revisions of a report at once.
package coalescedsim

import (
	"crypto/md5" //nolint:gosec // what S3's entity tags are
	"encoding/hex"

	dynamodbclient "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	s3client "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/fakes/lambda"
	"github.com/wtsim/wtsim/fakes/s3"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/coalesced"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(s3.New("s3", "reports"))
	bug.Name, bug.Doc = "patterns/coalesced/bug", "of two writes of a key one event is sent: a revision is saved and not billed"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(s3.New("s3", "reports").Versioned("reports"))
	repaired.Name, repaired.Doc = "patterns/coalesced", "a bucket with versions sends an event for each write"
	repaired.Relies = []string{"lambda/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(bucket *s3.Service) sim.Scenario {
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{bucket, dynamodb.New("dynamodb", dynamodb.Table{Name: "bill", Keys: "report S, change S"}), lambda.New("lambda")},
		Functions: []sim.Function{
			{Name: "save", New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&coalesced.Save{S3: s3client.NewFromConfig(awsclient.Config(env))}).Handle, aws.HTTPAPI()), nil
			}},
			{Name: "bill", Triggers: s3.On("reports"), New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&coalesced.Bill{DynamoDB: dynamodbclient.NewFromConfig(awsclient.Config(env))}).Handle), nil
			}},
		},
		Clients: []sim.Client{{Name: "alice", Retries: 3, Requests: []sim.Request{{
			Function: "save", Method: "PUT", Path: "/summer", Body: `["a draft","the report"]`, Told: told,
		}}}},
		Rules: []probe.Rule{{Service: sim.AtRest("dynamodb"), Resource: "bill/{report}/{change}", Emit: "BILLED", With: map[string]string{"etag": "response.etag.S"}}},
		Properties: []*props.Property{
			props.Eventually("what is saved is billed", props.On("SAVED", "etag"), props.On("BILLED", "etag")),
		},
		// Lambda gives an event up that has failed three times.
		Faults: sim.Faults{Most: 2},
	}
}

// told says that the first revision is saved, which is the one whose event may be
// missing.
func told(r cloud.Response) (string, map[string]any) {
	if !r.OK() {
		return "", nil
	}
	sum := md5.Sum([]byte("a draft")) //nolint:gosec // what S3's entity tags are
	return "SAVED", map[string]any{"etag": hex.EncodeToString(sum[:])}
}
