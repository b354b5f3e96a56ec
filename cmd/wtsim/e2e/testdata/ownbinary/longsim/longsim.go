// Package longsim is a stranger's scenario with a long run: 5 000 operations.
package longsim

import (
	"net/http"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

func Scenario() sim.Scenario {
	return sim.Scenario{
		Name: "long", Doc: "counts to 5 000",
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis")},
		Functions: []sim.Function{{Name: "count", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(count(redis.Client(env, "redis", nil))), nil
		}}},
		Clients:    []sim.Client{{Name: "ann", Requests: []sim.Request{{Function: "count"}}}},
		Rules:      []probe.Rule{{Service: "redis", Method: "INCR", Resource: "n", Emit: "COUNTED"}},
		Properties: []*props.Property{props.Never("never lost", props.On("LOST"))},
	}
}

func count(client *goredis.Client) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for range 5000 {
			if err := client.Incr(r.Context(), "n").Err(); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
	}
}
