// Package sharedkeysim puts package sharedkey under test: two customers order.
// Warehouse and bookkeeping take a while to answer, so that in the benign run
// both functions have asked before one of them is done.
package sharedkeysim

import (
	"fmt"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/sharedkey"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/sharedkey/bug", "two subscribers take a message that one has handled for handled"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/sharedkey", "each subscriber remembers for itself what it has handled"
	repaired.Relies = []string{"pubsub/retries", "web/idempotency-key"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{pubsub.New("pubsub"), redis.New("redis"),
			web.New("warehouse.example", takes(300*time.Millisecond)), web.New("books.example", takes(200*time.Millisecond))},
		Functions: []sim.Function{
			{Name: "order", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&sharedkey.Order{Topic: pubsub.Client(env, "pubsub").Publisher("orders")}), nil
			}},
			subscriber("pack", "https://warehouse.example/parcels", repaired),
			subscriber("bill", "https://books.example/invoices", repaired),
		},
		Clients: []sim.Client{orders("alice", "o-1"), orders("bob", "o-2")},
		Rules: []probe.Rule{
			{Service: "pubsub", Method: "publish", Resource: "orders", Each: "request.messages",
				Emit: "ORDERED", With: map[string]string{"order": "each.data.order"}},
			{Service: "warehouse.example", Resource: "/parcels", Where: map[string]string{"status": "201"},
				Emit: "PACKED", With: map[string]string{"order": "request.order"}},
			{Service: "books.example", Resource: "/invoices", Where: map[string]string{"status": "201"},
				Emit: "BILLED", With: map[string]string{"order": "request.order"}},
		},
		Properties: []*props.Property{once("an order is packed once", "PACKED"), once("an order is billed once", "BILLED")},
	}
}

func subscriber(name, url string, repaired bool) sim.Function {
	return sim.Function{
		Name:     name,
		Triggers: []cloud.Trigger{pubsub.Trigger{Topic: "orders", Push: true}},
		New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&sharedkey.Subscriber{Name: name, URL: url, HTTP: env.HTTPClient(),
				Redis: redis.Client(env, "redis", nil), Repaired: repaired}), nil
		},
	}
}

func orders(name, order string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{Function: "order", Body: fmt.Sprintf(`{"order":%q}`, order)}}}
}

// takes returns an API that answers after a while.
func takes(d time.Duration) func() http.Handler {
	return func() http.Handler {
		return web.Idempotent(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(d)
			w.WriteHeader(http.StatusCreated)
		}))
	}
}

func once(name, done string) *props.Property {
	return props.ForAll("order").Machine(name,
		props.From("none").On(props.On("ORDERED", "order")).To("owed"),
		props.From("owed").On(props.On(done, "order")).To("done").ViolatedAtEnd(),
		props.From("done").On(props.On(done, "order")).To(props.Violated))
}
