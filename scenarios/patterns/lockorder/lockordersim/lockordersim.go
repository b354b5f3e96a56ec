// Package lockordersim puts package lockorder under test: money goes both ways.
package lockordersim

import (
	"fmt"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/postgres"
	"github.com/wtsim/wtsim/fakes/postgres/pgxclient"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/lockorder"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/lockorder/bug", "rows are locked in the order of the request: two transfers wait for each other"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/lockorder", "rows are locked in the order of their ids"
	repaired.Meant = []string{"event REFUSED"}
	return []sim.Scenario{bug, repaired}
}

const schema = `
CREATE TABLE accounts (id text PRIMARY KEY, balance int NOT NULL);
INSERT INTO accounts VALUES ('a', 10), ('b', 10), ('c', 10);`

func scenario(repaired bool) sim.Scenario {
	refused, done := props.On("REFUSED", "customer"), props.On("DONE", "customer")
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{postgres.New("postgres").With(schema)},
		Functions: []sim.Function{{Name: "transfer", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&lockorder.Transfer{DB: pgxclient.DB(env, "postgres"), Repaired: repaired}), nil
		}}},
		Clients: []sim.Client{customer("ann", "a", "b"), customer("bob", "b", "a"), customer("eve", "c", "a")},
		Properties: []*props.Property{
			props.ForAll("customer").Machine("no transfer is refused",
				props.From("asking").On(done).To("asking"),
				props.From("asking").On(refused).To(props.Violated)),
		},
	}
}

func customer(name, from, to string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{
		Function: "transfer", Path: "/transfers", Body: fmt.Sprintf(`{"from":%q,"to":%q,"amount":1}`, from, to),
		Told: func(r cloud.Response) (string, map[string]any) {
			switch r.Status {
			case http.StatusOK:
				return "DONE", map[string]any{"customer": name}
			case http.StatusConflict:
				return "REFUSED", map[string]any{"customer": name}
			}
			return "", nil
		},
	}}}
}
