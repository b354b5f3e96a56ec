// Package earlyreturnsim puts package earlyreturn under test: two orders are
// paid, approved and shipped.
package earlyreturnsim

import (
	"fmt"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/earlyreturn"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/earlyreturn/bug", "a function returns before what it publishes is sent: an approved order is never shipped"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/earlyreturn", "a function waits for what it publishes, and fails if that does"
	repaired.Relies = []string{"pubsub/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{pubsub.New("pubsub"), gcs.New("gcs", "orders")},
		Functions: []sim.Function{
			{Name: "paid", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&earlyreturn.Paid{Payments: earlyreturn.Publisher(pubsub.Client(env, "pubsub"), "payments")}), nil
			}},
			{Name: "approve", Triggers: pubsub.On("payments"), New: func(env cloud.Env) (cloud.Handler, error) {
				f := &earlyreturn.Approve{Orders: gcs.Client(env, "gcs").Bucket("orders"),
					Approved: earlyreturn.Publisher(pubsub.Client(env, "pubsub"), "approved"), Repaired: repaired}
				return gcp.OnEvent(f.Handle), nil
			}},
			{Name: "ship", Triggers: pubsub.On("approved"), New: func(env cloud.Env) (cloud.Handler, error) {
				return gcp.OnEvent((&earlyreturn.Ship{Orders: gcs.Client(env, "gcs").Bucket("orders")}).Handle), nil
			}},
		},
		Clients: []sim.Client{payment("provider-1", "o-1"), payment("provider-2", "o-2")},
		Rules: []probe.Rule{
			{Service: "gcs", Method: "objects.insert", Resource: "orders/approved/{order}",
				Emit: "ORDER_APPROVED", With: map[string]string{"order": "{order}"}},
			{Service: "pubsub", Method: "publish", Resource: "approved", Each: "request.messages",
				Emit: "APPROVAL_PUBLISHED", With: map[string]string{"order": "each.data.order"}},
		},
		Properties: []*props.Property{
			published(),
		},
	}
}

// published says that once is enough: an approval may be written again after
// it, by an attempt that was given up.
func published() *props.Property {
	approved, published := props.On("ORDER_APPROVED", "order"), props.On("APPROVAL_PUBLISHED", "order")
	return props.ForAll("order").Machine("what is approved is published",
		props.From("new").On(approved).To("owed").On(published).To(props.Satisfied),
		props.From("owed").On(published).To(props.Satisfied).ViolatedAtEnd())
}

func payment(client, order string) sim.Client {
	return sim.Client{Name: client, Retries: 3, Requests: []sim.Request{{Function: "paid", Body: fmt.Sprintf(`{"order":%q}`, order)}}}
}
