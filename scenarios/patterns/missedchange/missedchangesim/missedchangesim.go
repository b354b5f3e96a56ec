// Package missedchangesim puts package missedchange under test: two jobs are
// ordered, and one worker listens.
package missedchangesim

import (
	"fmt"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/missedchange"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/missedchange/bug", "a listener takes its first snapshot for what is old: a job in it is never done"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/missedchange", "what is in the first snapshot is work as well"
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{firestore.New("firestore")},
		Functions: []sim.Function{
			{Name: "work", MinInstances: 1, MaxInstances: 1, AlwaysOn: true, New: func(env cloud.Env) (cloud.Handler, error) {
				work := &missedchange.Work{Store: firestore.Client(env, "firestore"), Repaired: repaired}
				go work.Run(env.Context())
				return cloud.HTTP(http.NotFoundHandler()), nil
			}},
			{Name: "order", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&missedchange.Order{Store: firestore.Client(env, "firestore")}), nil
			}},
		},
		Clients: []sim.Client{customer("alice", "j1"), customer("bob", "j2")},
		Properties: []*props.Property{
			props.AtQuiescence("every job is done", done),
		},
	}
}

func customer(name, job string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{Function: "order", Method: "PUT", Path: "/" + job}}}
}

// done looks at all jobs.
func done(s props.State) error {
	for _, key := range s.Keys("firestore") {
		if job, _ := s.Get("firestore", key); job != `{"state":"done"}` {
			return fmt.Errorf("%s is %s", key, job)
		}
	}
	return nil
}
