// Package countersim is a stranger's scenario: a counter that counts a
// message twice when it is delivered twice.
package countersim

import (
	"context"
	"time"

	gpubsub "cloud.google.com/go/pubsub/v2"
	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
	"net/http"
)

func Scenario() sim.Scenario {
	return sim.Scenario{
		Name: "counter", Doc: "counts messages", Expect: sim.Expect{Violation: true, Deviations: 1},
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), pubsub.New("pubsub")},
		Functions: []sim.Function{
			{Name: "post", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(post(pubsub.Client(env, "pubsub").Publisher("hits"))), nil
			}},
			{Name: "count", Triggers: pubsub.On("hits"), New: func(env cloud.Env) (cloud.Handler, error) {
				return count(redis.Client(env, "redis", nil)), nil
			}},
		},
		Clients:    []sim.Client{{Name: "ann", Requests: []sim.Request{{Function: "post", Body: "hit-1"}}}},
		Rules:      []probe.Rule{{Service: "redis", Method: "INCR", Resource: "hits:{hit}", Emit: "COUNTED", With: map[string]string{"hit": "{hit}"}}},
		Properties: []*props.Property{props.AtMostOnce("counted once", props.On("COUNTED", "hit"))},
	}
}

func post(hits *gpubsub.Publisher) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := hits.Publish(r.Context(), &gpubsub.Message{Data: []byte("hit-1")}).Get(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
}

func count(client *goredis.Client) cloud.Handler {
	return gcp.OnMessage(func(ctx context.Context, m gcp.Message) error {
		err := client.Incr(ctx, "hits:"+string(m.Data)).Err()
		return err
	})
}
