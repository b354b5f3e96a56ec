// Package nametakensim puts package nametaken under test: two of three players
// want one name.
package nametakensim

import (
	"fmt"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/nametaken"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/nametaken/bug", "a query finds no owner of a name, and then there are two"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/nametaken", "the query is the transaction's that writes"
	repaired.Relies = []string{"firestore/transactions"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{firestore.New("firestore")},
		Functions: []sim.Function{{Name: "register", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&nametaken.Register{Store: firestore.Client(env, "firestore"), Repaired: repaired}), nil
		}}},
		Clients: []sim.Client{player("alice", "falcon"), player("bob", "falcon"), player("carol", "heron")},
		Properties: []*props.Property{
			props.AtQuiescence("no name is given twice", unique),
		},
	}
}

func player(name, wants string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{Function: "register", Method: "PUT", Path: "/" + name + "/" + wants}}}
}

// unique compares the names of all players.
func unique(s props.State) error {
	owners := map[string]string{}
	for _, key := range s.Keys("firestore") {
		doc, _ := s.Get("firestore", key)
		if other := owners[doc]; other != "" {
			return fmt.Errorf("%s and %s are both %s", other, key, doc)
		}
		owners[doc] = key
	}
	return nil
}
