// Package frozensim puts package frozen under test: two guests book a room each.
package frozensim

import (
	"net/http"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/frozen"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/frozen/bug", "a goroutine is frozen when its function has returned: the cleaners are never told"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/frozen", "a function returns when all that it began is done"
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{web.New("rooms.example", created), web.New("cleaners.example", created)},
		Functions: []sim.Function{{Name: "book", New: func(env cloud.Env) (cloud.Handler, error) {
			return aws.Handler((&frozen.Book{HTTP: env.HTTPClient(), Repaired: repaired}).Handle), nil
		}}},
		Clients: []sim.Client{books("alice", "/r-1"), books("bob", "/r-2")},
		Rules: []probe.Rule{
			{Service: "rooms.example", Method: "POST", Emit: "BOOKED", With: map[string]string{"room": "request.room"}},
			{Service: "cleaners.example", Method: "POST", Emit: "CLEANERS_TOLD", With: map[string]string{"room": "request.room"}},
		},
		Properties: []*props.Property{
			props.Eventually("the cleaners learn of a room that is booked", props.On("BOOKED", "room"), props.On("CLEANERS_TOLD", "room")),
		},
	}
}

func created() http.Handler {
	return web.Idempotent(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }))
}

func books(name, path string) sim.Client {
	return sim.Client{Name: name, Retries: 4, Requests: []sim.Request{{Function: "book", Path: path}}}
}
