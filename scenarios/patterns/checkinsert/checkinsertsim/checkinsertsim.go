// Package checkinsertsim puts package checkinsert under test: two people register with
// one address, a third has one of his own.
package checkinsertsim

import (
	"fmt"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/postgres"
	"github.com/wtsim/wtsim/fakes/postgres/pgxclient"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/checkinsert"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/checkinsert/bug", "whether an address is taken is looked up in the transaction that takes it: it gets two users"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/checkinsert", "an address is unique in the table"
	repaired.Relies = []string{"postgres/unique"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	schema := "CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, email text NOT NULL);"
	if repaired {
		schema += "CREATE UNIQUE INDEX ON users (email);"
	}
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{postgres.New("postgres").With(schema)},
		Functions: []sim.Function{{Name: "register", New: func(env cloud.Env) (cloud.Handler, error) {
			pool, err := pgxclient.Pool(env, "postgres", nil)
			return cloud.HTTP(&checkinsert.Register{Pool: pool, Repaired: repaired}), err
		}}},
		Clients: []sim.Client{
			person("ann", "smith@example.com"),
			person("al", "smith@example.com"),
			person("bob", "bob@example.com"),
		},
		Rules: []probe.Rule{{Service: "postgres", Method: "INSERT", Resource: "users", Where: map[string]string{"response.rowsAffected": "1"},
			Emit: "REGISTERED", With: map[string]string{"email": "request.rows.0.email"}}},
		Properties: []*props.Property{props.AtMostOnce("an address has one user", props.On("REGISTERED", "email"))},
	}
}

func person(name, email string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{Function: "register", Path: "/users", Body: fmt.Sprintf(`{"name":%q,"email":%q}`, name, email)}}}
}
