// Package maybecommittedsim puts package maybecommitted under test: two guests
// book.
package maybecommittedsim

import (
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/maybecommitted"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/maybecommitted/bug", "a commit whose answer is lost is taken for one that failed: a room and its deposit"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/maybecommitted", "what was not told is looked up before it is made undone"
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{firestore.New("firestore")},
		Functions: []sim.Function{{Name: "book", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&maybecommitted.Book{Store: firestore.Client(env, "firestore"), Repaired: repaired}), nil
		}}},
		Clients: []sim.Client{guest("alice"), guest("bob")},
		Properties: []*props.Property{
			props.AtQuiescence("a room or the deposit", either),
		},
	}
}

// guest asks again if there is no answer.
func guest(name string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{Function: "book", Method: "PUT", Path: "/" + name + "-1"}}}
}

// either compares bookings with refunds.
func either(s props.State) error {
	for _, key := range s.Keys("firestore") {
		request, ok := strings.CutPrefix(key, "bookings/")
		if _, refunded := s.Get("firestore", "refunds/"+request); ok && refunded {
			return fmt.Errorf("%s has both", request)
		}
	}
	return nil
}
