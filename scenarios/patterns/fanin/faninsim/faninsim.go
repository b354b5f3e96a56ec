// Package faninsim puts package fanin under test: two people review a movie.
package faninsim

import (
	"fmt"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/fanin"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/fanin/bug", "deliveries are counted instead of parts: a review is composed before it is complete"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/fanin", "a review is composed when its parts are there, once"
	repaired.Relies = []string{"gcs/preconditions", "pubsub/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), gcs.New("gcs", "reviews"), pubsub.New("pubsub")},
		Functions: []sim.Function{
			{Name: "submit", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&fanin.Submit{Parts: pubsub.Client(env, "pubsub").Publisher("parts")}), nil
			}},
			{Name: "compose", Triggers: []cloud.Trigger{pubsub.Trigger{Topic: "parts", Push: true}}, New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&fanin.Compose{Redis: redis.Client(env, "redis", nil), Reviews: gcs.Client(env, "gcs").Bucket("reviews"), Repaired: repaired}), nil
			}},
		},
		Clients: []sim.Client{reviewer("alice"), reviewer("bob")},
		Rules: []probe.Rule{
			{Service: "pubsub", Method: "publish", Resource: "parts", Each: "request.messages", Emit: "SUBMITTED",
				With: map[string]string{"review": "each.data.review"}},
			{Service: "gcs", Method: "objects.insert", Resource: "reviews/{review}.json", Emit: "COMPOSED",
				With: map[string]string{"review": "{review}", "movie": "request.movie", "rating": "request.rating", "text": "request.text"}},
		},
		Properties: []*props.Property{
			props.Never("no review is composed before it is complete", props.On("COMPOSED", "review").When("a part is missing", incomplete)),
			props.AtMostOnce("composed at most once", props.On("COMPOSED", "review")),
			// Not Eventually: what is submitted again need not be composed again.
			props.ForAll("review").Machine("what is submitted is composed",
				props.From("open").On(props.On("SUBMITTED", "review")).To("owed"),
				props.From("owed").On(props.On("COMPOSED", "review")).To(props.Satisfied).ViolatedAtEnd()),
		},
	}
}

func incomplete(review event.Data) bool {
	for _, part := range []string{"movie", "rating", "text"} {
		if _, ok := review.Get(part); !ok {
			return true
		}
	}
	return false
}

func reviewer(name string) sim.Client {
	body := ""
	for _, p := range [][2]string{{"movie", "Heimat"}, {"rating", "5"}, {"text", "long"}} {
		body += fmt.Sprintf(`,{"review":"by-%s","name":%q,"value":%q}`, name, p[0], p[1])
	}
	return sim.Client{Name: name, Retries: 5, Requests: []sim.Request{{Function: "submit", Path: "/reviews", Body: "[" + body[1:] + "]"}}}
}
