// Package stuckclaimsim puts package stuckclaim under test: two customers
// order.
package stuckclaimsim

import (
	"fmt"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/stuckclaim"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/stuckclaim/bug", "a claim outlives the instance that made it, and nobody else may do the work"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/stuckclaim", "a claim ends with the time limit of the invocation that made it"
	repaired.Relies = []string{"redis/expiry", "pubsub/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), gcs.New("gcs", "labels"), pubsub.New("pubsub")},
		Functions: []sim.Function{
			{Name: "accept", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&stuckclaim.Accept{Orders: pubsub.Client(env, "pubsub").Publisher("orders")}), nil
			}},
			{
				Name: "label", Timeout: stuckclaim.TimeLimit,
				Triggers: []cloud.Trigger{pubsub.Trigger{Topic: "orders", Policy: gcp.Policy{KeepFor: 10 * time.Minute}}},
				New: func(env cloud.Env) (cloud.Handler, error) {
					f := &stuckclaim.Label{Redis: redis.Client(env, "redis", nil), Labels: gcs.Client(env, "gcs").Bucket("labels"), Repaired: repaired}
					return gcp.OnData(f.Handle), nil
				},
			},
		},
		Clients: []sim.Client{orders("alice", "o-1"), orders("bob", "o-2")},
		Rules: []probe.Rule{{Service: "gcs", Method: "objects.insert", Resource: "labels/{order}.txt",
			Emit: "LABEL_MADE", With: map[string]string{"order": "{order}"}}},
		Properties: []*props.Property{labelled()},
	}
}

func orders(name, order string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{
		Function: "accept", Body: fmt.Sprintf(`{"order":%q,"to":%q}`, order, name),
		Told: func(r cloud.Response) (string, map[string]any) {
			if r.Status != http.StatusAccepted {
				return "", nil
			}
			return "ACCEPTED", map[string]any{"order": order}
		},
	}}}
}

// labelled is no Eventually: the label may be made before the customer is
// told.
func labelled() *props.Property {
	accepted, made := props.On("ACCEPTED", "order"), props.On("LABEL_MADE", "order")
	return props.ForAll("order").Machine("an accepted order gets its label",
		props.From("open").On(accepted).To("owed").On(made).To(props.Satisfied),
		props.From("owed").On(made).To(props.Satisfied).ViolatedAtEnd())
}
