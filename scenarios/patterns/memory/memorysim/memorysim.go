// Package memorysim puts package memory under test: two customers pay in twice,
// and look at their balance.
package memorysim

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/memory"
	"github.com/wtsim/wtsim/sim"
)

// amount is what every deposit is.
const amount = 10

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(func(cloud.Env) memory.Ledger { return &memory.InMemory{} })
	bug.Name, bug.Doc = "patterns/memory/bug", "balances are kept in the function instance, which is not the only one"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(func(env cloud.Env) memory.Ledger { return &memory.InRedis{Redis: redis.Client(env, "redis", nil)} })
	repaired.Name, repaired.Doc = "patterns/memory", "balances are kept in a store"
	repaired.Relies = []string{"clients/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(ledger func(cloud.Env) memory.Ledger) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis")},
		Functions: []sim.Function{
			{Name: "account", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&memory.Account{Ledger: ledger(env)}), nil
			}},
			{Name: "rates", Handler: cloud.HTTP(&memory.Rates{Percent: 2})},
		},
		Clients: []sim.Client{
			customer("alice"),
			customer("bob"),
			{Name: "carol", Requests: []sim.Request{{Function: "rates", Method: "GET"}}},
		},
		Properties: []*props.Property{balanceEqualsDeposits()},
	}
}

// customer pays in twice, and is told the balance then. Each has an account of
// its own.
func customer(name string) sim.Client {
	var requests []sim.Request
	for i := range 2 {
		requests = append(requests, sim.Request{
			Function: "account", Body: fmt.Sprintf(`{"request":"%s-%d","account":%q,"amount":%d}`, name, i+1, name, amount),
			Told: func(r cloud.Response) (string, map[string]any) {
				if r.Status != http.StatusOK {
					return "", nil
				}
				return "PAID_IN", map[string]any{"account": name}
			},
		})
	}
	requests = append(requests, sim.Request{
		Function: "account", Method: "GET", Path: "/" + name,
		Told: func(r cloud.Response) (string, map[string]any) {
			balance, err := strconv.Atoi(string(r.Body))
			if r.Status != http.StatusOK || err != nil {
				return "", nil
			}
			return "BALANCE_TOLD", map[string]any{"account": name, "balance": balance}
		},
	})
	return sim.Client{Name: name, Retries: 5, Requests: requests}
}

func balanceEqualsDeposits() *props.Property {
	paid := props.Counter("paid in")
	told := props.On("BALANCE_TOLD", "account").Given("the balance is not what was paid in", func(m props.Memory) bool {
		balance, _ := m.Param("balance")
		return !balance.Equal(event.Int(m.Count("paid in")))
	}, "balance")
	return props.ForAll("account").With(paid).Machine("the balance equals the deposits",
		props.From("open").
			On(props.On("PAID_IN", "account")).Do(paid.Count(amount)).Stay().
			On(told).To(props.Violated))
}
