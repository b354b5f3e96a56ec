// Package jobtwicesim puts package jobtwice under test: three workers ask for jobs.
package jobtwicesim

import (
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/postgres"
	"github.com/wtsim/wtsim/fakes/postgres/pgxclient"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/jobtwice"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/jobtwice/bug", "a job is selected, then taken: two workers take it"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/jobtwice", "a job is locked where it is selected, those that are locked are passed over"
	repaired.Relies = []string{"postgres/row-locks"}
	return []sim.Scenario{bug, repaired}
}

const schema = `
CREATE TABLE jobs (id text PRIMARY KEY, state text NOT NULL DEFAULT 'ready', worker text);
INSERT INTO jobs (id) VALUES ('j-1'), ('j-2'), ('j-3');`

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{postgres.New("postgres").With(schema)},
		Functions: []sim.Function{{Name: "take", New: func(env cloud.Env) (cloud.Handler, error) {
			pool, err := pgxclient.Pool(env, "postgres", nil)
			return cloud.HTTP(&jobtwice.Take{Pool: pool, Repaired: repaired}), err
		}}},
		Clients: []sim.Client{worker("w-1"), worker("w-2"), worker("w-3")},
		Rules: []probe.Rule{{Service: "postgres", Method: "UPDATE", Resource: "jobs", Emit: "TAKEN",
			With: map[string]string{"job": "request.where.id"}}},
		Properties: []*props.Property{props.AtMostOnce("a job is taken once", props.On("TAKEN", "job"))},
	}
}

func worker(name string) sim.Client {
	return sim.Client{Name: name, Retries: 1, Requests: []sim.Request{{Function: "take", Path: "/" + name}}}
}
