package sim_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	gopubsub "cloud.google.com/go/pubsub/v2"

	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// conformance is a scenario whose only function runs the conformance suite of
// Pub/Sub, on the run's own platform.
func conformance(report *error, except ...string) sim.Scenario {
	var topics []string
	var subscriptions []sim.Subscription
	for _, s := range fakestest.PubSubSetups() {
		sub := sim.Subscription{Name: s.Name, Topic: s.Name, AckDeadline: s.AckDeadline, ExactlyOnce: s.ExactlyOnce, Policy: sim.Policy{Ordered: s.Ordered, Filter: s.Filter}}
		if s.MaxAttempts > 0 {
			sub.DeadLetter, sub.MaxAttempts = s.Name+"-dead", s.MaxAttempts
			subscriptions = append(subscriptions, sim.Subscription{Name: s.Name + "-dead", Topic: s.Name + "-dead", AckDeadline: s.AckDeadline})
		}
		subscriptions = append(subscriptions, sub)
		topics = append(topics, s.Name)
	}
	return sim.Scenario{
		Name: "conformance", Services: []probe.Service{pubsub.New()}, Subscriptions: subscriptions,
		Functions: []sim.Function{{Name: "check", Timeout: time.Hour, New: func(env *sim.Env) (sim.Handler, error) {
			client := pubsub.Client(env)
			return sim.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	began := time.Now()
	r := s.Run(scheduler.Benign{})
	t.Log(time.Since(began), len(r.Steps), r.Steps[len(r.Steps)-1].Time, r.Steps[len(r.Steps)-2].Time)
	if report != nil || r.Verdict != sim.Held {
		var b strings.Builder
		for _, st := range r.Steps[max(0, len(r.Steps)-30):] {
			fmt.Fprintln(&b, st.Time, st.Identity, st.What, st.Status)
		}
		t.Errorf("%v\n%v %s %s\n%s", report, r.Verdict, r.Why, r.Stack, b.String())
	}
}

var _ gopubsub.Message
