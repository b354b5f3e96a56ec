// Package doubleratingsim puts package doublerating under test: two guests rate
// a restaurant.
package doubleratingsim

import (
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/eventarc"
	"github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/doublerating"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/doublerating/bug", "a rating is added for each delivery of its event: what comes again counts again"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/doublerating", "the transaction notes which ratings it has added"
	repaired.Relies = []string{"firestore/transactions", "eventarc/retries", "clients/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{firestore.New("firestore"), eventarc.New("eventarc")},
		Functions: []sim.Function{
			{Name: "rate", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&doublerating.Rate{Store: firestore.Client(env, "firestore")}), nil
			}},
			{Name: "aggregate", Triggers: eventarc.On(firestore.Created, "document", "restaurants/*/ratings/*"), New: func(env cloud.Env) (cloud.Handler, error) {
				return gcp.OnEvent((&doublerating.Aggregate{Store: firestore.Client(env, "firestore"), Repaired: repaired}).Handle), nil
			}},
		},
		Clients: []sim.Client{guest("alice", "5"), guest("bob", "1")},
		Properties: []*props.Property{
			// The ratings commute, so there is one right end.
			props.AsIfOnce("rated as if each event had come once"),
		},
	}
}

func guest(name, stars string) sim.Client {
	return sim.Client{Name: name, Retries: 5, Requests: []sim.Request{{Function: "rate", Method: "PUT", Path: "/moon/" + name + "?stars=" + stars}}}
}
