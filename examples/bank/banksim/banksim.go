package banksim

import (
	"fmt"
	"net/http"

	"example.com/bank"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

// Deposits pays into an account by a statement that must not come twice.
func Deposits() sim.Scenario {
	s := scenario("bank/deposits", "/?account=a-1", func(env cloud.Env) http.Handler { return &bank.Deposit{DB: Client(env, "db")} })
	s.Expect = sim.Expect{Violation: true, Deviations: 1}
	return s
}

// Bookings books payments by their numbers.
func Bookings() sim.Scenario {
	return scenario("bank/bookings", "/?payment=p-1", func(env cloud.Env) http.Handler { return &bank.Book{DB: Client(env, "db")} })
}

func scenario(name, path string, handler func(cloud.Env) http.Handler) sim.Scenario {
	return sim.Scenario{
		Name: name, Platform: gcp.CloudRun(),
		Services:   []cloud.Service{DB("db")},
		Functions:  []sim.Function{{Name: "pay", New: func(env cloud.Env) (cloud.Handler, error) { return cloud.HTTP(handler(env)), nil }}},
		Clients:    []sim.Client{{Name: "alice", Retries: 5, Requests: []sim.Request{{Function: "pay", Path: path}}}},
		Properties: []*props.Property{props.AtQuiescence("one is paid", paid)},
	}
}

func paid(s props.State) error {
	for _, key := range s.Keys("db") {
		if balance, _ := s.Get("db", key); balance != "1" {
			return fmt.Errorf("%s has %s", key, balance)
		}
	}
	return nil
}
