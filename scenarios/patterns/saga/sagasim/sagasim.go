// Package sagasim puts package saga under test: two customers want the last
// seat of a flight, a third books another flight.
package sagasim

import (
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/tasks"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/saga"
	"github.com/wtsim/wtsim/sim"
)

//go:embed saga.yaml
var properties []byte

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/saga/bug", "a step whose answer is lost is taken for one that failed"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/saga", "only what was refused is compensated; the rest is repeated"
	repaired.Relies = []string{"web/idempotency-key", "tasks/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	parsed, err := props.Parse("saga.yaml", properties)
	if err != nil {
		panic(err) // it is part of the program
	}
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{
			tasks.New("tasks").With(tasks.Queue{Name: "sagas"}),
			web.New("payments.example", newPayments),
			web.New("airline.example", newAirline),
		},
		Functions: []sim.Function{
			{Name: "accept", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&saga.Accept{Tasks: tasks.Client(env, "tasks"), Queue: "projects/p/locations/l/queues/sagas", URL: "https://sell.example/"}), nil
			}},
			{Name: "sell", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&saga.Sell{HTTP: env.HTTPClient(), Repaired: repaired}), nil
			}},
		},
		Clients: []sim.Client{customer("alice", "b-1", "LX14"), customer("bob", "b-2", "LX14"), customer("carol", "b-3", "LX22")},
		Rules: []probe.Rule{
			{Service: "payments.example", Method: "POST", Resource: "/charges", Where: created, Emit: "CHARGED", With: map[string]string{"booking": "request.booking"}},
			{Service: "payments.example", Method: "POST", Resource: "/refunds", Where: created, Emit: "REFUNDED", With: map[string]string{"booking": "request.booking"}},
			{Service: "airline.example", Method: "PUT", Resource: "/tickets/{booking}", Where: created, Emit: "TICKETED", With: map[string]string{"booking": "{booking}"}},
		},
		Properties: parsed,
	}
}

// created is what a service answers that has not done the same before.
var created = map[string]string{"status": "201"}

func customer(name, booking, flight string) sim.Client {
	return sim.Client{Name: name, Retries: 5, Requests: []sim.Request{{
		Function: "accept", Path: "/orders", Body: fmt.Sprintf(`{"booking":%q,"flight":%q,"amount":100}`, booking, flight),
	}}}
}

// payments is the provider. It knows what it has done by its key.
type payments struct{ done map[string]bool }

func newPayments() http.Handler { return &payments{map[string]bool{}} }

func (p *payments) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		if p.done[key] {
			return
		}
		p.done[key] = true
	}
	w.WriteHeader(http.StatusCreated)
}
