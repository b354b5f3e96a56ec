// Package thumbloopsim puts package thumbloop under test: somebody uploads two
// photos.
package thumbloopsim

import (
	"fmt"
	"path"
	"strings"
	"time"

	s3client "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/lambda"
	"github.com/wtsim/wtsim/fakes/s3"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/thumbloop"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario("")
	bug.Name, bug.Doc = "patterns/thumbloop/bug", "a function is told of what it stores itself, for good"
	bug.Expect = sim.Expect{Violation: true}
	repaired := scenario("photos/")
	repaired.Name, repaired.Doc = "patterns/thumbloop", "a function is told of a prefix, and stores elsewhere"
	repaired.Relies = []string{"lambda/retries"}
	return []sim.Scenario{bug, repaired}
}

// most is how often a small picture may be stored within a minute: once, and should
// an event come again or an attempt be lost, a few times.
const most = 8

func scenario(prefix string) sim.Scenario {
	client := func(env cloud.Env) *s3client.Client { return s3client.NewFromConfig(awsclient.Config(env)) }
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{s3.New("s3", "album"), lambda.New("lambda")},
		Functions: []sim.Function{
			{Name: "upload", New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&thumbloop.Upload{S3: client(env)}).Handle, aws.HTTPAPI()), nil
			}},
			{Name: "shrink", Triggers: []cloud.Trigger{s3.Trigger{Bucket: "album", Prefix: prefix}}, New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&thumbloop.Shrink{S3: client(env)}).Handle), nil
			}},
		},
		Clients: []sim.Client{{Name: "alice", Retries: 3, Requests: []sim.Request{
			{Function: "upload", Method: "PUT", Path: "/cat", Body: "a large cat"},
			{Function: "upload", Method: "PUT", Path: "/dog", Body: "a large dog"},
		}}},
		Rules: []probe.Rule{{Service: "s3", Method: "PutObject", Resource: "album/thumbs/{photo}", Emit: "STORED", With: map[string]string{"photo": "{photo}"}}},
		Properties: []*props.Property{
			props.AtMost("a small picture is stored a few times in a minute", event.Int(most), props.Occurrences(props.On("STORED", "photo"), time.Minute)),
			props.AtQuiescence("each photo has its small picture", shrunk),
		},
		// Lambda gives an event up that has failed three times.
		Faults: sim.Faults{Most: 2},
	}
}

// shrunk compares small pictures with photos.
func shrunk(s props.State) error {
	for _, key := range s.Keys("s3") {
		if !strings.HasPrefix(key, "album/photos/") {
			continue
		}
		photo, _ := s.Get("s3", key)
		if small, _ := s.Get("s3", "album/thumbs/"+path.Base(key)); small == "" || !strings.HasPrefix(photo, small) {
			return fmt.Errorf("%s has the small picture %q", key, small)
		}
	}
	return nil
}
