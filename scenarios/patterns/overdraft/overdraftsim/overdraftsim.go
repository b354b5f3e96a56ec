// Package overdraftsim puts package overdraft under test: two customers share an
// account, a third has one of his own.
package overdraftsim

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/postgres"
	"github.com/wtsim/wtsim/fakes/postgres/pgxclient"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/overdraft"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/overdraft/bug", "a balance is read and written back in a READ COMMITTED transaction: a withdrawal is free"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/overdraft", "a balance is locked when it is read"
	repaired.Relies = []string{"postgres/row-locks"}
	return []sim.Scenario{bug, repaired}
}

const opening = 20

var schema = fmt.Sprintf(`
CREATE TABLE accounts (id text PRIMARY KEY, balance int NOT NULL);
CREATE TABLE withdrawals (id text PRIMARY KEY, account text NOT NULL REFERENCES accounts, amount int NOT NULL, made timestamptz NOT NULL DEFAULT now());
INSERT INTO accounts (id, balance) VALUES ('a-1', %[1]d), ('a-2', %[1]d);`, opening)

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{postgres.New("postgres").With(schema)},
		Functions: []sim.Function{{Name: "withdraw", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&overdraft.Withdraw{DB: pgxclient.DB(env, "postgres"), Repaired: repaired}), nil
		}}},
		Clients: []sim.Client{
			customer("ann", "w-1", "a-1", 5),
			customer("al", "w-2", "a-1", 7),
			customer("bob", "w-3", "a-2", 30),
		},
		Properties: []*props.Property{props.AtQuiescence("an account has paid what was withdrawn", paid)},
	}
}

func customer(name, id, account string, amount int) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{
		Function: "withdraw", Path: "/withdrawals", Body: fmt.Sprintf(`{"id":%q,"account":%q,"amount":%d}`, id, account, amount),
	}}}
}

func paid(s props.State) error {
	left := map[string]int{"a-1": opening, "a-2": opening}
	var row struct {
		Account         string
		Amount, Balance int
	}
	for _, key := range s.Keys("postgres") {
		if strings.HasPrefix(key, "withdrawals/") {
			if err := get(s, key, &row); err != nil {
				return err
			}
			left[row.Account] -= row.Amount
		}
	}
	for _, account := range []string{"a-1", "a-2"} {
		if err := get(s, "accounts/"+account, &row); err != nil {
			return err
		}
		if row.Balance != left[account] {
			return fmt.Errorf("%s has %d, wanted %d", account, row.Balance, left[account])
		}
	}
	return nil
}

func get(s props.State, key string, into any) error {
	text, _ := s.Get("postgres", key)
	return json.Unmarshal([]byte(text), into)
}
