// Package dualwritesim puts package dualwrite under test: two customers order
// something, and the warehouse is told.
package dualwritesim

import (
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/cron"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/dualwrite"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/dualwrite/bug", "an order is committed, then told: a crash between leaves one that nobody knows of"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/dualwrite", "an outbox is committed with the order, and relayed"
	repaired.Relies = []string{"redis/transactions", "scheduler/retries"}
	// More ticks than faults.
	repaired.Services = append(repaired.Services, cron.New("scheduler").With(
		cron.Job{Name: "quarterly", Every: 15 * time.Minute, Ticks: 2, Function: "relay", Retries: 4}))
	repaired.Functions = append(repaired.Functions, sim.Function{Name: "relay", New: func(env cloud.Env) (cloud.Handler, error) {
		return cloud.HTTP(&dualwrite.Relay{Redis: redis.Client(env, "redis", nil), Orders: pubsub.Client(env, "pubsub").Publisher("orders")}), nil
	}})
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	committed, published := props.On("COMMITTED", "order"), props.On("PUBLISHED", "order")
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), gcs.New("gcs", "labels"), pubsub.New("pubsub")},
		Functions: []sim.Function{
			{Name: "order", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&dualwrite.Order{Redis: redis.Client(env, "redis", nil), Orders: pubsub.Client(env, "pubsub").Publisher("orders"), Repaired: repaired}), nil
			}},
			{Name: "ship", Triggers: pubsub.On("orders"), New: func(env cloud.Env) (cloud.Handler, error) {
				return gcp.OnData((&dualwrite.Ship{Labels: gcs.Client(env, "gcs").Bucket("labels")}).Handle), nil
			}},
		},
		Clients: []sim.Client{customer("alice", "o-1", 5), customer("bob", "o-2", 0)},
		Rules: []probe.Rule{
			{Service: "redis", Method: "SET", Resource: "order:{order}", Emit: "COMMITTED", With: map[string]string{"order": "{order}"}},
			{Service: "redis", Method: "MULTI SET RPUSH EXEC", Resource: "order:{order} outbox", Emit: "COMMITTED", With: map[string]string{"order": "{order}"}},
			{Service: "pubsub", Method: "publish", Resource: "orders", Each: "request.messages", Emit: "PUBLISHED", With: map[string]string{"order": "each.data.order"}},
		},
		Properties: []*props.Property{
			props.Precedes("no event without its order", committed, published),
			// Not Eventually: an order that is committed again need not be told again.
			props.ForAll("order").Machine("no order without its event",
				props.From("none").On(committed).To("untold"),
				props.From("untold").On(published).To(props.Satisfied).ViolatedAtEnd()),
			props.AtQuiescence("what is ordered is shipped", shipped),
		},
	}
}

// customer places an order, and tries again as often as that.
func customer(name, order string, retries int) sim.Client {
	return sim.Client{Name: name, Retries: retries, Requests: []sim.Request{{Function: "order", Path: "/orders", Body: fmt.Sprintf(`{"order":%q}`, order)}}}
}

// shipped wants a label of every order that is stored.
func shipped(s props.State) error {
	for _, key := range s.Keys("redis") {
		order, ok := strings.CutPrefix(key, "order:")
		if _, labelled := s.Get("gcs", "labels/"+order+".txt"); ok && !labelled {
			return fmt.Errorf("%s has no label", order)
		}
	}
	return nil
}
