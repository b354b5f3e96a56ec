package sim_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// A run that is watched for it tells what each step has changed in stores, and is
// the same run.
func TestChanges(t *testing.T) {
	s := compile(t, scenario(on("f", func(k *kit) cloud.Handler {
		return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
			k.redis.Set(r.Context(), "k", "1", 0)
			k.redis.Get(r.Context(), "k")
			k.redis.Incr(r.Context(), "k")
			k.redis.Del(r.Context(), "k")
		})
	}), calls("alice", "f")))
	plain, watched := s.Run(scheduler.Benign{}), s.RunWatched(scheduler.Benign{}, sim.WatchStores)
	if plain.Hash != watched.Hash || plain.Verdict != watched.Verdict {
		t.Errorf("the watched run is another one:\n%s\nafter\n%s", trace(watched), trace(plain))
	}
	var got []sim.Change
	for _, step := range watched.Steps {
		if step.Kind != sim.KindOperation && len(step.Changes) > 0 {
			t.Errorf("%s changes %v", step.Identity, step.Changes)
		}
		got = append(got, step.Changes...)
	}
	want := []sim.Change{
		{Service: "redis", Key: "k", After: "1", Made: true},
		{Service: "redis", Key: "k", Before: "1", After: "2"},
		{Service: "redis", Key: "k", Before: "2", Gone: true},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, wanted %v", got, want)
	}
	if slices.ContainsFunc(plain.Steps, func(x sim.Step) bool { return len(x.Changes) > 0 }) {
		t.Error("a run that nobody watches tells changes")
	}
}
