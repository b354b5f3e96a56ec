// Package freshidsim puts package freshid under test: two customers reserve a
// seat each, and repeat a request that is not answered; a third looks at the
// timetable.
package freshidsim

import (
	"fmt"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/freshid"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/freshid/bug", "every attempt draws an id: a retried request reserves two seats"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/freshid", "the request names the reservation, which is created once"
	repaired.Relies = []string{"gcs/preconditions"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{gcs.New("gcs", "reservations", "timetable").With("timetable", "today.json", `["LX14"]`)},
		Functions: []sim.Function{
			{Name: "reserve", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&freshid.Reserve{Reservations: gcs.Client(env, "gcs").Bucket("reservations"), Repaired: repaired}), nil
			}},
			{Name: "flights", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&freshid.Flights{Timetable: gcs.Client(env, "gcs").Bucket("timetable")}), nil
			}},
		},
		Clients: []sim.Client{
			customer("alice", "r-1"),
			customer("bob", "r-2"),
			{Name: "carol", Requests: []sim.Request{{Function: "flights", Method: "GET"}}},
		},
		Rules: []probe.Rule{{Service: "gcs", Method: "objects.insert", Resource: "reservations/{id}.json",
			Emit: "SEAT_RESERVED", With: map[string]string{"request": "request.request", "id": "{id}"}}},
		Properties: []*props.Property{
			props.AtMostOnce("one seat per request", props.On("SEAT_RESERVED", "request")),
		},
	}
}

func customer(name, request string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{
		Function: "reserve", Path: "/reservations",
		Body: fmt.Sprintf(`{"request":%q,"customer":%q,"flight":"LX14"}`, request, name),
	}}}
}
