// Package doublecommitsim puts package doublecommit under test: two customers book,
// over lib/pq.
package doublecommitsim

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/postgres"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/doublecommit"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/doublecommit/bug", "an order whose COMMIT was not answered is booked again"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/doublecommit", "a key of the request's is committed with the order"
	repaired.Relies = []string{"postgres/unique"}
	return []sim.Scenario{bug, repaired}
}

const schema = `
CREATE TABLE stock (item text PRIMARY KEY, n int NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, key text NOT NULL, item text NOT NULL REFERENCES stock);
CREATE TABLE keys (key text PRIMARY KEY, at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP);
INSERT INTO stock VALUES ('pen', 10), ('ink', 10);`

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{postgres.New("postgres").With(schema)},
		Functions: []sim.Function{{Name: "book", New: func(env cloud.Env) (cloud.Handler, error) {
			db, err := open(env)
			return cloud.HTTP(&doublecommit.Book{DB: db, Repaired: repaired}), err
		}}},
		Clients: []sim.Client{customer("ann", "k-1", "pen"), customer("bob", "k-2", "ink")},
		Rules: []probe.Rule{{Service: "postgres", Method: "INSERT", Resource: "orders", Emit: "BOOKED",
			With: map[string]string{"key": "request.rows.0.key"}}},
		Properties: []*props.Property{props.AtMostOnce("an order is booked once", props.On("BOOKED", "key"))},
	}
}

func open(env cloud.Env) (*sql.DB, error) {
	connector, err := pq.NewConnector("host=127.0.0.1 user=app sslmode=disable")
	if err != nil {
		return nil, err
	}
	connector.Dialer(postgres.Dialer(env, "postgres"))
	db := sql.OpenDB(connector)
	postgres.AtEnd(env, "postgres", func() { _ = db.Close() })
	return db, nil
}

func customer(name, key, item string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{Function: "book", Path: "/orders", Body: fmt.Sprintf(`{"key":%q,"item":%q}`, key, item)}}}
}
