package sim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim/report"
)

// What a blocking call delivered is told, also where all went as in the benign
// run: who reads the story knows what the handler went on with.
func TestStoryTellsWhatWasDelivered(t *testing.T) {
	s := scenario(on("take", func(k *kit) cloud.Handler {
		return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
			k.redis.BLPop(r.Context(), time.Minute, "jobs")
		})
	}), on("give", func(k *kit) cloud.Handler {
		return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			k.redis.RPush(r.Context(), "jobs", "job-1")
			k.redis.Set(r.Context(), "done", "yes", 0)
		})
	}), calls("alice", "take"), calls("bob", "give"))
	plan := scheduler.Plan{{At: "give(bob/1):redis.SET done/1", Do: cloud.LoseResponse, With: "reset"}}
	r := compile(t, s).Run(scheduler.NewReplay(plan))
	if len(r.Unmatched) > 0 {
		t.Fatalf("%v did not occur:\n%s", r.Unmatched, trace(r))
	}
	story := report.Story(r, benign(t, s), report.StoryOptions{})
	if line := "redis BLPOP jobs"; !strings.Contains(story, line) || !strings.Contains(story, "-> (waits)") || !strings.Contains(story, "job-1") {
		t.Errorf("the story does not tell what was delivered:\n%s", story)
	}
}
