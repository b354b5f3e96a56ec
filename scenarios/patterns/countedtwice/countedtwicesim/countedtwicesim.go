// Package countedtwicesim puts package countedtwice under test: two people
// visit a page.
package countedtwicesim

import (
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/countedtwice"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/countedtwice/bug", "the client repeats an increment whose answer is lost: a visit is counted twice"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/countedtwice", "a visit is created with the increment: what is repeated is refused"
	repaired.Relies = []string{"firestore/preconditions", "clients/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{firestore.New("firestore")},
		Functions: []sim.Function{{Name: "visit", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&countedtwice.Visit{Store: firestore.Client(env, "firestore"), Repaired: repaired}), nil
		}}},
		Clients: []sim.Client{visitor("alice"), visitor("bob")},
		Properties: []*props.Property{
			props.AsIfOnce("counted as if each visit had come once"),
		},
	}
}

func visitor(name string) sim.Client {
	return sim.Client{Name: name, Retries: 5, Requests: []sim.Request{{Function: "visit", Method: "PUT", Path: "/home/" + name}}}
}
