// Package poisonsim puts package poison under test: alice stores two photos and
// deletes the first at once, bob has an album of his own.
package poisonsim

import (
	_ "embed"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/poison"
	"github.com/wtsim/wtsim/sim"
)

//go:embed poison.yaml
var properties []byte

// kept is how long messages are. (Pub/Sub keeps them for 7 days by default; the
// bug is the same, its story longer.)
const kept = 2 * time.Hour

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(gcp.Policy{Ordered: true, KeepFor: kept})
	bug.Name, bug.Doc = "patterns/poison/bug", "a message that always fails blocks those behind it"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(gcp.Policy{Ordered: true, KeepFor: kept, DeadLetter: "dead-photos", MaxAttempts: 5})
	repaired.Name, repaired.Doc = "patterns/poison", "what has failed five times goes to a dead-letter topic"
	repaired.Relies = []string{"pubsub/dead-letters", "pubsub/retries", "gcs/preconditions"}
	repaired.Functions = append(repaired.Functions, sim.Function{Name: "bury", Triggers: pubsub.On("dead-photos"), New: func(env cloud.Env) (cloud.Handler, error) {
		return gcp.OnData((&poison.Bury{Failed: gcs.Client(env, "gcs").Bucket("failed")}).Handle), nil
	}})
	return []sim.Scenario{bug, repaired}
}

func scenario(policy gcp.Policy) sim.Scenario {
	parsed, err := props.Parse("poison.yaml", properties)
	if err != nil {
		panic(err) // it is part of the program
	}
	named := map[string]string{"album": "{album}", "photo": "{photo}"}
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{gcs.New("gcs", "photos", "thumbnails", "failed"), pubsub.New("pubsub")},
		Functions: []sim.Function{
			{Name: "albums", New: func(env cloud.Env) (cloud.Handler, error) {
				stored := pubsub.Client(env, "pubsub").Publisher("photos")
				stored.EnableMessageOrdering = true
				return cloud.HTTP(&poison.Albums{Photos: gcs.Client(env, "gcs").Bucket("photos"), Stored: stored}), nil
			}},
			{Name: "resize", Triggers: []cloud.Trigger{pubsub.Trigger{Topic: "photos", Policy: policy}}, New: func(env cloud.Env) (cloud.Handler, error) {
				client := gcs.Client(env, "gcs")
				return gcp.OnData((&poison.Resize{Photos: client.Bucket("photos"), Thumbnails: client.Bucket("thumbnails")}).Handle), nil
			}},
		},
		Clients: []sim.Client{
			person("alice", request("PUT", "/sea/1"), request("DELETE", "/sea/1"), request("PUT", "/sea/2")),
			person("bob", request("PUT", "/city/1")),
		},
		Rules: []probe.Rule{
			{Service: "pubsub", Method: "publish", Resource: "photos", Each: "request.messages", Emit: "STORED",
				With: map[string]string{"album": "each.data.album", "photo": "each.data.name"}},
			{Service: "gcs", Method: "objects.delete", Resource: "photos/{album}/{photo}", Emit: "DELETED", With: named},
			{Service: "gcs", Method: "objects.insert", Resource: "thumbnails/{album}/{photo}", Emit: "RESIZED", With: named},
			{Service: "gcs", Method: "objects.insert", Resource: "failed/{album}/{photo}", Emit: "BURIED", With: named},
		},
		Properties: parsed,
	}
}

func person(name string, requests ...sim.Request) sim.Client {
	return sim.Client{Name: name, Retries: 5, Requests: requests}
}

func request(method, path string) sim.Request {
	return sim.Request{Function: "albums", Method: method, Path: path}
}
