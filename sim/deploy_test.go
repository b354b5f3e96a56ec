package sim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/sim"
)

// What the platform does not sell is refused, with what it does.
func TestDeployLimits(t *testing.T) {
	push := func(d time.Duration) cloud.Trigger {
		return pubsub.Trigger{Topic: "mail", Push: true, AckDeadline: d}
	}
	pauses := func(least, most time.Duration) cloud.Trigger {
		return pubsub.Trigger{Topic: "mail", Policy: gcp.Policy{MinBackoff: least, MaxBackoff: most}}
	}
	serving := func(n int) func(*sim.Scenario) {
		return func(s *sim.Scenario) { s.Functions[0].Concurrency = n }
	}
	for name, c := range map[string]struct {
		trigger cloud.Trigger
		edit    func(*sim.Scenario)
		want    string // in the error; empty if it is legal
	}{
		"short deadline": {trigger: push(9 * time.Second), want: "its AckDeadline is 9s, wanted 10s to 10m"},
		"long deadline":  {trigger: push(601 * time.Second), want: "its AckDeadline is 10m1s, wanted 10s to 10m"},
		"deadline":       {trigger: push(600 * time.Second)},
		"its default":    {trigger: push(0)},
		"backoff":        {trigger: pauses(20*time.Second, 15*time.Second), want: "its MinBackoff is 20s and its MaxBackoff 15s"},
		"only the most":  {trigger: pauses(0, 5*time.Second)},
		"only the least": {trigger: pauses(time.Hour, 0)},
		"concurrency":    {trigger: push(0), edit: serving(1001), want: `"work" serves 1001 invocations at the same time, wanted at most 1000`},
		"most of it":     {trigger: push(0), edit: serving(1000)},
	} {
		s := scenario(on("work", emitsData, c.trigger), publishes("send", "mail"), calls("alice", "send/1"))
		if c.edit != nil {
			c.edit(&s)
		}
		if _, err := sim.Compile(s); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// What Eventarc keeps no longer is discarded unless there is a dead-letter
// topic; a subscription of one's own loses it.
func TestKeptNoLonger(t *testing.T) {
	policy := gcp.Policy{KeepFor: time.Hour, DeadLetter: "dead", MaxAttempts: 100}
	for name, c := range map[string]struct {
		trigger pubsub.Trigger
		want    string
	}{
		"eventarc":             {pubsub.Trigger{Topic: "mail", Policy: policy}, "dead-letter work(send(alice/1).mail/1)"},
		"eventarc, no topic":   {pubsub.Trigger{Topic: "mail", Policy: gcp.Policy{KeepFor: time.Hour}}, "give up work(send(alice/1).mail/1)"},
		"push":                 {pubsub.Trigger{Topic: "mail", Push: true, Policy: policy}, "give up work(send(alice/1).mail/1)"},
		"eventarc, few at all": {pubsub.Trigger{Topic: "mail", Policy: gcp.Policy{KeepFor: time.Hour, DeadLetter: "dead"}}, "dead-letter work(send(alice/1).mail/1)"},
	} {
		f := on("work", fails, c.trigger)
		if c.trigger.Push {
			f = serves("work", func(_ *kit, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
			f.Triggers = []cloud.Trigger{c.trigger}
		}
		r := benign(t, scenario(f, publishes("send", "mail"), calls("alice", "send/1")))
		if last := r.Steps[len(r.Steps)-1]; !strings.HasPrefix(last.Identity, c.want) || last.Time.Sub(r.Steps[0].Time) > time.Hour {
			t.Errorf("%s: the last step is %s, at %v", name, last.Identity, last.Time)
		}
	}
}

// A service that panics is a mistake of the scenario: no function is blamed.
func TestServicePanics(t *testing.T) {
	s := scenario(serves("work", func(k *kit, _ http.ResponseWriter, _ *http.Request) {
		_, _ = k.env.HTTPClient().Get("https://broken.example/x")
	}), calls("alice", "work"))
	s.Services = append(s.Services, web.New("broken.example", func() http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("nil map") })
	}))
	if r := benign(t, s); r.Verdict != sim.Inconclusive || r.Why != "the scenario's handler of broken.example panicked on GET /x: nil map" {
		t.Errorf("%s, %s, %v", r.Verdict, r.Why, r.Violation)
	}
}
