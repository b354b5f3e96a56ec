// Package outsidereadsim puts package outsideread under test: two people take
// money, each from an account of their own.
package outsidereadsim

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/outsideread"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/outsideread/bug", "a transaction rests on what it has read past itself: two withdrawals both see enough"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/outsideread", "the transaction reads both accounts"
	repaired.Relies = []string{"firestore/transactions"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{firestore.New("firestore").
			With("accounts/anna", map[string]any{"balance": 50}).With("accounts/ben", map[string]any{"balance": 50})},
		Functions: []sim.Function{{Name: "withdraw", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&outsideread.Withdraw{Store: firestore.Client(env, "firestore"), Repaired: repaired}), nil
		}}},
		Clients: []sim.Client{person("anna"), person("ben")},
		Properties: []*props.Property{
			props.AtQuiescence("the family's money is not below zero", enough),
		},
	}
}

func person(name string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{Function: "withdraw", Method: "PUT", Path: "/" + name + "/today"}}}
}

// enough adds the accounts.
func enough(s props.State) error {
	sum := 0
	for _, key := range s.Keys("firestore") {
		text, _ := s.Get("firestore", key)
		var account struct{ Balance int }
		if err := json.Unmarshal([]byte(text), &account); err != nil {
			return err
		}
		sum += account.Balance
	}
	if sum < 0 {
		return fmt.Errorf("together they have %d", sum)
	}
	return nil
}
