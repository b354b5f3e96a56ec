package sim_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	gopubsub "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// conformance is a scenario whose only function runs the conformance suite of
// Pub/Sub, on the run's own platform.
func conformance(report *error, except ...string) sim.Scenario {
	var subscriptions []pubsub.Subscription
	for _, s := range fakestest.PubSubSetups() {
		sub := pubsub.Subscription{Name: s.Name, Topic: s.Name, AckDeadline: s.AckDeadline, ExactlyOnce: s.ExactlyOnce, Policy: gcp.Policy{Ordered: s.Ordered, Filter: s.Filter}}
		if s.MaxAttempts > 0 {
			sub.DeadLetter, sub.MaxAttempts = s.Name+"-dead", s.MaxAttempts
			subscriptions = append(subscriptions, pubsub.Subscription{Name: s.Name + "-dead", Topic: s.Name + "-dead", AckDeadline: s.AckDeadline})
		}
		subscriptions = append(subscriptions, sub)
	}
	return sim.Scenario{
		Name: "conformance", Platform: gcp.CloudRun().Within(time.Minute), Services: []cloud.Service{pubsub.New("pubsub").Pulled(subscriptions...)},
		Functions: []sim.Function{{Name: "check", Timeout: time.Hour, New: func(env cloud.Env) (cloud.Handler, error) {
			client := pubsub.Client(env, "pubsub")
			return cloud.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				*report = fakestest.PubSub(context.WithoutCancel(r.Context()), client, except...)
			})), nil
		}}},
		Clients: []sim.Client{{Name: "c", Requests: []sim.Request{{Function: "check"}}}},
	}
}

// The platform keeps what Pub/Sub promises, as the real client sees it.
func TestPubSubConformance(t *testing.T) {
	report := fmt.Errorf("it did not run")
	s, err := sim.Compile(conformance(&report))
	if err != nil {
		t.Fatal(err)
	}
	r := s.Run(scheduler.Benign{})
	if report != nil || r.Verdict != sim.Held {
		var b strings.Builder
		for _, st := range r.Steps[max(0, len(r.Steps)-30):] {
			fmt.Fprintln(&b, st.Time, st.Identity, st.What, st.Status)
		}
		t.Errorf("%v\n%v %s %s\n%s", report, r.Verdict, r.Why, r.Stack, b.String())
	}
}

// BenchmarkObjectsAndMessages is one schedule of a function that writes and
// reads two objects and publishes three messages, each of which is delivered.
func BenchmarkObjectsAndMessages(b *testing.B) {
	s, err := sim.Compile(sim.Scenario{
		Name: "objects-and-messages", Platform: gcp.CloudRun().Within(time.Minute), Services: []cloud.Service{pubsub.New("pubsub"), gcs.New("gcs", "b")},
		Functions: []sim.Function{
			{Name: "put", New: func(env cloud.Env) (cloud.Handler, error) {
				objects, messages := gcs.Client(env, "gcs"), pubsub.Client(env, "pubsub")
				return cloud.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if err := putAndPublish(r.Context(), objects, messages); err != nil {
						http.Error(w, err.Error(), http.StatusInternalServerError)
					}
				})), nil
			}},
			{Name: "take", Triggers: pubsub.On("put"), New: func(cloud.Env) (cloud.Handler, error) {
				return gcp.OnMessage(func(context.Context, gcp.Message) error { return nil }), nil
			}},
		},
		Clients: []sim.Client{{Name: "c", Requests: []sim.Request{{Function: "put"}}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer search.Steady()()
	b.ReportAllocs()
	for b.Loop() {
		if r := s.Run(scheduler.Benign{}); r.Verdict != sim.Held || len(r.Steps) < 14 {
			b.Fatal(r.Verdict, r.Why, len(r.Steps))
		}
	}
}

func putAndPublish(ctx context.Context, objects *storage.Client, messages *gopubsub.Client) error {
	for _, name := range []string{"x", "y"} {
		o := objects.Bucket("b").Object(name)
		w := o.NewWriter(ctx)
		if _, err := io.WriteString(w, name); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		r, err := o.NewReader(ctx)
		if err != nil {
			return err
		}
		if _, err := io.ReadAll(r); err != nil {
			return err
		}
	}
	p := messages.Publisher("put")
	defer p.Stop()
	for i := range 3 {
		if _, err := p.Publish(ctx, &gopubsub.Message{Data: fmt.Appendf(nil, `{"n":%d}`, i)}).Get(ctx); err != nil {
			return err
		}
	}
	return nil
}
