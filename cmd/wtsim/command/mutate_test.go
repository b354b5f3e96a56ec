package command

import (
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

// unguarded claims something, and has no property of it.
func unguarded() sim.Scenario {
	return sim.Scenario{
		Name: "test/unguarded", Doc: "of the tests", Platform: gcp.CloudRun().Within(time.Minute), Services: []cloud.Service{redis.New("redis")},
		Functions: []sim.Function{{Name: "claim", New: func(env cloud.Env) (cloud.Handler, error) {
			c := redis.Client(env, "redis", nil)
			return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) { c.SetNX(r.Context(), "owner", "me", 0) }), nil
		}}},
		Clients:    []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "claim"}}}},
		Properties: []*props.Property{props.Never("nothing is deleted", props.On("DELETED"))},
		Relies:     []string{"redis/set-if-absent"},
	}
}
