// Package expiredclaimsim puts package expiredclaim under test: one customer's
// request arrives twice, as by a click too many, another withdraws too, and a
// third looks at a rate.
package expiredclaimsim

import (
	"fmt"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/expiredclaim"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/expiredclaim/bug", "a claim expires while the work is still being done"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	bug.Faults.Kinds = []string{cloud.RunOther, cloud.Stall} // it is lost answers that lead there soonest
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/expiredclaim", "the bank knows the key, whoever comes with it"
	repaired.Relies = []string{"web/idempotency-key"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis").With("rate:eur", "0.93"), web.New("bank.example", newBank)},
		Functions: []sim.Function{
			{Name: "withdraw", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&expiredclaim.Withdraw{Redis: redis.Client(env, "redis", nil), HTTP: env.HTTPClient(), Repaired: repaired}), nil
			}},
			{Name: "rates", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&expiredclaim.Rates{Redis: redis.Client(env, "redis", nil)}), nil
			}},
		},
		Clients: []sim.Client{
			withdraws("alice", "w-1"), withdraws("alice-again", "w-1"), withdraws("bob", "w-2"),
			{Name: "carol", Requests: []sim.Request{{Function: "rates", Method: http.MethodGet, Path: "/eur"}}},
		},
		Rules: []probe.Rule{{Service: "bank.example", Method: "POST", Resource: "/withdrawals", Where: map[string]string{"status": "201"},
			Emit: "WITHDRAWN", With: map[string]string{"key": "request.key"}}},
		Properties: []*props.Property{props.AtMostOnce("one withdrawal per key", props.On("WITHDRAWN", "key"))},
	}
}

func withdraws(name, key string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Backoff: 20 * time.Second, Requests: []sim.Request{{
		Function: "withdraw", Body: fmt.Sprintf(`{"key":%q,"account":%q,"cents":5000}`, key, name)}}}
}

// newBank returns a bank that has always enough.
func newBank() http.Handler {
	return web.Idempotent(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
	}))
}
