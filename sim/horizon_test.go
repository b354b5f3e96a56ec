package sim_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// A call is not held past what lies beyond the horizon: such a run could not be
// judged. (A key with a time to live of eight days made a bounded search
// inconclusive, without a schedule or a plan.)
func TestNoHoldBeyondTheHorizon(t *testing.T) {
	s := scenario(serves("f", func(k *kit, _ http.ResponseWriter, _ *http.Request) {
		k.redis.Set(context.Background(), "k", 1, 8*24*time.Hour)
		k.redis.Del(context.Background(), "k")
	}), calls("alice", "f", "f"), func(s *sim.Scenario) {
		s.Clients[0].Retries = 1
		s.Faults.Kinds = []string{cloud.Stall}
	})
	found, err := subject(compile(t, s)).Search(context.Background(), search.Options{Strategy: "bounded", Bound: 1})
	if err != nil {
		t.Fatal(err)
	}
	if found.Inconclusive != nil || found.Result != nil || !found.Complete || found.Ran < 4 {
		t.Errorf("got %d schedules, complete %t, inconclusive %v", found.Ran, found.Complete, found.Inconclusive)
	}
}
