// Package oncallsim puts package oncall under test: two doctors of one shift and one of
// another leave.
package oncallsim

import (
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/postgres"
	"github.com/wtsim/wtsim/fakes/postgres/pgxclient"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/oncall"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/oncall/bug", "who is on call is counted in a REPEATABLE READ transaction: both doctors leave"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/oncall", "who is on call is counted in a SERIALIZABLE transaction, that is tried again"
	repaired.Relies = []string{"postgres/serializable"}
	return []sim.Scenario{bug, repaired}
}

const schema = `
CREATE TABLE doctors (name text PRIMARY KEY, shift text NOT NULL, on_call boolean NOT NULL DEFAULT true);
INSERT INTO doctors (name, shift) VALUES ('ann', 'night'), ('al', 'night'), ('bob', 'day'), ('eve', 'day');`

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{postgres.New("postgres").With(schema)},
		Functions: []sim.Function{{Name: "leave", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&oncall.Leave{DB: pgxclient.DB(env, "postgres"), Repaired: repaired}), nil
		}}},
		Clients:    []sim.Client{doctor("ann", "night"), doctor("al", "night"), doctor("bob", "day")},
		Properties: []*props.Property{props.AtQuiescence("somebody is on call", manned)},
	}
}

func doctor(name, shift string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{Function: "leave", Method: "DELETE", Path: "/" + shift + "/" + name}}}
}

func manned(s props.State) error {
	for _, shift := range []string{"night", "day"} {
		here := false
		for _, key := range s.Keys("postgres") {
			row, _ := s.Get("postgres", key)
			here = here || strings.Contains(row, fmt.Sprintf(`"shift":%q,"on_call":true`, shift))
		}
		if !here {
			return fmt.Errorf("nobody is on call in the %s shift", shift)
		}
	}
	return nil
}
