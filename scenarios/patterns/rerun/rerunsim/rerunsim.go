// Package rerunsim puts package rerun under test: two people buy tickets for
// one concert.
package rerunsim

import (
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/rerun"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/rerun/bug", "a mail is stored within the function of a transaction, which runs again: two mails for one ticket"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/rerun", "the mail is stored by the transaction"
	repaired.Relies = []string{"firestore/transactions"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{firestore.New("firestore").With("concerts/opening", map[string]any{"left": 10})},
		Functions: []sim.Function{{Name: "buy", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&rerun.Buy{Store: firestore.Client(env, "firestore"), Repaired: repaired}), nil
		}}},
		Clients: []sim.Client{buyer("alice"), buyer("bob")},
		Properties: []*props.Property{
			props.AtQuiescence("as many mails as tickets, and one seat each", sold),
		},
	}
}

func buyer(name string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{Function: "buy", Method: "PUT", Path: "/opening/" + name}}}
}

// sold compares mails and seats with tickets.
func sold(s props.State) error {
	tickets, mails := 0, map[string]int{}
	for _, key := range s.Keys("firestore") {
		doc, _ := s.Get("firestore", key)
		switch {
		case strings.HasPrefix(key, "tickets/"):
			tickets++
		case strings.HasPrefix(key, "mail/"):
			if mails[doc]++; mails[doc] > 1 {
				return fmt.Errorf("two mails: %s", doc)
			}
		}
	}
	if left, _ := s.Get("firestore", "concerts/opening"); left != fmt.Sprintf(`{"left":%d}`, 10-tickets) {
		return fmt.Errorf("%d tickets of ten are sold, and the concert is %s", tickets, left)
	}
	return nil
}
