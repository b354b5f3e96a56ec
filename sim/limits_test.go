package sim_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

// What only the simulator lacks, a command or a method, is neither held nor
// blamed on the application: the run is inconclusive by name, unless the
// scenario means it.
func TestLacks(t *testing.T) {
	command := serves("ask", func(k *kit, _ http.ResponseWriter, r *http.Request) { k.redis.Do(r.Context(), "LCS", "a", "b") })
	method := sim.Function{Name: "ask", New: func(env cloud.Env) (cloud.Handler, error) {
		c := pubsub.Client(env, "pubsub").SubscriptionAdminClient
		return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
			_ = c.DeleteSnapshot(r.Context(), &pubsubpb.DeleteSnapshotRequest{Snapshot: "projects/p/snapshots/s"})
		}), nil
	}}
	const snapshot = "/google.pubsub.v1.Subscriber/DeleteSnapshot"
	broken := props.AtQuiescence("never right", func(props.State) error { return errors.New("wrong") })
	for _, c := range []struct {
		name    string
		ask     sim.Function
		props   []*props.Property
		lacks   []string
		verdict sim.Verdict
		why     string
	}{
		{"asked for", command, nil, nil, sim.Inconclusive, "the simulator does not have LCS, and the application has asked for it: "},
		{"asked for, and then violated", command, []*props.Property{broken}, nil, sim.Inconclusive, `(after it, "never right" is violated)`},
		{"meant", command, nil, []string{"lack of LCS"}, sim.Held, ""},
		{"meant, and violated", command, []*props.Property{broken}, []string{"lack of LCS"}, sim.Violated, ""},
		{"another is meant", command, nil, []string{"lack of SORT"}, sim.Inconclusive, "LCS"},
		{"a method", method, nil, nil, sim.Inconclusive, "the simulator does not have " + snapshot},
		{"a method that is meant", method, nil, []string{"lack of " + snapshot}, sim.Held, ""},
	} {
		s := scenario(c.ask, calls("alice", "ask"))
		s.Meant, s.Properties = c.lacks, c.props
		r := benign(t, s)
		if r.Verdict != c.verdict || !strings.Contains(r.Why, c.why) || (r.Violation != nil) != (c.verdict == sim.Violated) {
			t.Errorf("%s: %s, %q, %v; wanted %s, %q", c.name, r.Verdict, r.Why, r.Violation, c.verdict, c.why)
		}
		if told := slices.Equal(r.Limits, nil); told == (c.verdict == sim.Inconclusive) {
			t.Errorf("%s: the limits are %q", c.name, r.Limits)
		}
	}
}
