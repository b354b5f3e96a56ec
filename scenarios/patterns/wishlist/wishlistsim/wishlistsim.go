// Package wishlistsim puts package wishlist under test: two people add to one
// list.
package wishlistsim

import (
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/wishlist"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/wishlist/bug", "a document is read and written back without a transaction: one of two wishes is lost"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/wishlist", "the database adds to the list"
	repaired.Relies = []string{"clients/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{firestore.New("firestore")},
		Functions: []sim.Function{{Name: "add", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&wishlist.Add{Store: firestore.Client(env, "firestore"), Repaired: repaired}), nil
		}}},
		Clients: []sim.Client{friend("alice", "kite"), friend("bob", "boat")},
		Properties: []*props.Property{
			props.AtQuiescence("every wish is on the list", listed),
		},
	}
}

func friend(name, wish string) sim.Client {
	return sim.Client{Name: name, Retries: 5, Requests: []sim.Request{{Function: "add", Method: "PUT", Path: "/spring/" + wish}}}
}

// listed looks for both wishes.
func listed(s props.State) error {
	list, _ := s.Get("firestore", "lists/spring")
	for _, wish := range []string{"kite", "boat"} {
		if strings.Count(list, `"`+wish+`"`) != 1 {
			return fmt.Errorf("%q is not once on the list %s", wish, list)
		}
	}
	return nil
}
