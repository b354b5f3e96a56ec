package sim_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gpubsub "cloud.google.com/go/pubsub/v2"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// Messages are pulled in any order, one by one too, and those of one ordering
// key in theirs; a message may be pulled again while the first puller is at it,
// unless delivery is exactly once.
func TestPullOrders(t *testing.T) {
	for name, c := range map[string]struct {
		subscription pubsub.Subscription
		pulls        func() (sim.Function, []string)
		key          string
		schedules    int
		want, never  []string // beginnings of the order in which they are handled
	}{
		"pulled":            {pulls: pullsOneByOne, schedules: 400, want: []string{"1 2", "2 1", "1 1"}},
		"received":          {pulls: receivesOneByOne, schedules: 60, want: []string{"1 2", "2 1"}},
		"exactly once":      {subscription: pubsub.Subscription{ExactlyOnce: true}, pulls: pullsOneByOne, schedules: 400, want: []string{"1 2", "2 1"}, never: []string{"1 1", "2 2"}},
		"ordered":           {subscription: inOrder, pulls: pullsOneByOne, key: "?key=k", schedules: 400, want: []string{"1 2", "1 1"}, never: []string{"2"}},
		"received, ordered": {subscription: inOrder, pulls: receivesOneByOne, key: "?key=k", schedules: 60, want: []string{"1 2"}, never: []string{"2"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, requests := c.pulls()
			s := scenario(keyed("send", "mail"), f, calls("alice", append([]string{"send/1,2" + c.key}, requests...)...))
			c.subscription.Name, c.subscription.Topic = "inbox", "mail"
			put(&s, pubsub.New("pubsub").Pulled(c.subscription))
			s.Faults.Kinds = []string{cloud.Reorder, cloud.Duplicate, cloud.RunOther}
			seen := gotten(compile(t, s), c.schedules)
			for _, want := range c.want {
				if !slices.ContainsFunc(seen, func(s string) bool { return strings.HasPrefix(s, want) }) {
					t.Errorf("%q was not seen, only %q", want, seen)
				}
			}
			for _, never := range c.never {
				if slices.ContainsFunc(seen, func(s string) bool { return strings.HasPrefix(s, never) }) {
					t.Errorf("%q was seen", never)
				}
			}
		})
	}
}

var inOrder = pubsub.Subscription{Policy: gcp.Policy{Ordered: true}}

// gotten are the orders in which messages are handled, in many schedules.
func gotten(s *sim.Simulation, schedules int) (seen []string) {
	for seed := range uint64(schedules) {
		var got []string
		for _, step := range s.Run(scheduler.NewRandom(seed)).Steps {
			if op := step.Operation; op != nil && op.Method == "INCR" {
				got = append(got, strings.TrimPrefix(op.Resource, "got:"))
			}
		}
		if order := strings.Join(got, " "); !slices.Contains(seen, order) {
			seen = append(seen, order)
		}
	}
	return seen
}

// keyed publishes the parts of its path with the ordering key of its query.
func keyed(name, topic string) sim.Function {
	return sim.Function{Name: name, New: func(env cloud.Env) (cloud.Handler, error) {
		p := pubsub.Client(env, "pubsub").Publisher(topic)
		p.EnableMessageOrdering = true
		return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
			for _, data := range strings.Split(strings.Trim(r.URL.Path, "/"), ",") {
				_, _ = p.Publish(r.Context(), &gpubsub.Message{Data: []byte(data), OrderingKey: r.URL.Query().Get("key")}).Get(r.Context())
			}
		}), nil
	}}
}

func pullsOneByOne() (sim.Function, []string) {
	return pullsUpTo("batch", 1, 0), []string{"batch", "batch", "batch"}
}

// receivesOneByOne receives for a minute, one message at a time.
func receivesOneByOne() (sim.Function, []string) {
	return sim.Function{Name: "worker", New: func(env cloud.Env) (cloud.Handler, error) {
		k := newKit(env)
		s := pubsub.Client(env, "pubsub").Subscriber("inbox")
		s.ReceiveSettings.MaxOutstandingMessages = 1
		return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
			ctx, stop := context.WithTimeout(r.Context(), 30*time.Second)
			defer stop()
			_ = s.Receive(ctx, func(ctx context.Context, m *gpubsub.Message) {
				time.Sleep(150 * time.Millisecond) // see receives
				k.redis.Incr(ctx, "got:"+string(m.Data))
				m.Ack()
			})
		}), nil
	}}, []string{"worker"}
}
