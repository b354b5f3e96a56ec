package sim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// A violation that is there because a client tries less often than the run has
// faults says so; one of a client that has attempts left does not.
func TestHint(t *testing.T) {
	for _, c := range []struct {
		retries int
		plan    scheduler.Plan
		want    string
	}{
		{0, scheduler.Plan{{At: "end ask(alice/1)", Do: cloud.Crash, With: cloud.BeforeAck}}, "alice gave up after the attempts that it has (Retries: 0), where a run may have 3 faults"},
		{0, nil, ""},
		{1, scheduler.Plan{{At: "end ask(alice/1)", Do: cloud.Crash, With: cloud.BeforeAck}}, ""},
	} {
		alice := calls("alice", "ask")
		alice.Retries = c.retries
		if len(c.plan) > 0 { // else she is told nothing of her own accord
			alice.Requests[0].Told = func(cloud.Response) (string, map[string]any) { return "TOLD", nil }
		}
		s := scenario(alice, serves("ask", func(_ *kit, _ http.ResponseWriter, r *http.Request) { probe.Emit(r.Context(), "ASKED", nil) }))
		s.Properties = []*props.Property{props.ForAll().Machine("who asks is told",
			props.From("none").On(props.On("ASKED")).To("owed"),
			props.From("owed").On(props.On("TOLD")).To("none").ViolatedAtEnd())}
		r := compile(t, s).Run(scheduler.NewReplay(c.plan))
		if len(r.Unmatched) > 0 || (r.Verdict == sim.Violated) == (c.retries > 0) || !strings.Contains(r.Hint, c.want) || c.want == "" && r.Hint != "" {
			t.Errorf("%d retries, %v: %s, hint %q, unmatched %v, wanted %q", c.retries, c.plan, r.Verdict, r.Hint, r.Unmatched, c.want)
		}
	}
}
