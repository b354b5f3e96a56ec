package sim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	gpubsub "cloud.google.com/go/pubsub/v2"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
)

// Where something is missing at the end of a run, the story says what: the
// operations of the benign run that no attempt has come to, nor the instance
// by itself, and the invocations.
func TestStoryNamesWhatIsMissing(t *testing.T) {
	s := scenario(on("buy", func(k *kit) cloud.Handler {
		orders := pubsub.Client(k.env, "pubsub").Publisher("orders")
		return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
			k.redis.Set(r.Context(), "paid", "yes", 0)
			k.redis.Set(r.Context(), "seen", "yes", 0)
			if _, err := orders.Publish(r.Context(), &gpubsub.Message{Data: []byte("o-1")}).Get(r.Context()); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}), takes("ship", "orders", func(k *kit, ctx context.Context, m gcp.Message) error { return nil }),
		calls("alice", "buy"), func(s *sim.Scenario) {
			s.Properties = []*props.Property{props.Eventually("charged", props.On("SET"), props.On("CHARGED"))}
		})
	story := func(retries int) string {
		s.Clients[0].Retries = retries
		plan := scheduler.Plan{{At: "buy(alice/1):redis.SET seen/1", Do: cloud.Crash, With: "before"}}
		return report.Story(compile(t, s).Run(scheduler.NewReplay(plan)), benign(t, s), report.StoryOptions{})
	}
	want := []string{
		"never happens: pubsub publish orders of buy POST / (from alice/1)",
		"never happens: ship (message 1 of orders, from alice/1), which is ship #1 of the benign run",
	}
	var got []string
	for _, line := range strings.Split(story(0), "\n") {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "never") {
			got = append(got, line)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if again := story(1); strings.Contains(again, "never happens") {
		t.Errorf("the client tries again, so nothing is missing:\n%s", again)
	}
}

// A violation of the benign run is told in whole: there is nothing to compare
// it with. Attempts that repeat are counted still.
func TestStoryOfTheBenignRun(t *testing.T) {
	s := scenario(serves("buy", func(k *kit, w http.ResponseWriter, r *http.Request) {
		k.redis.Set(r.Context(), "paid", "yes", 0)
		http.Error(w, "no", http.StatusInternalServerError)
	}), calls("alice", "buy"), func(s *sim.Scenario) {
		s.Clients[0].Retries = 9
		s.Properties = []*props.Property{props.AtQuiescence("none", func(props.State) error { return errors.New("all is wrong") })}
	})
	b := benign(t, s)
	story := report.Story(b, b, report.StoryOptions{})
	if b.Verdict != sim.Violated || strings.Contains(story, "as in the benign run") || strings.Count(story, "redis SET paid") != 2 ||
		!strings.Contains(story, "of attempts that go as the one before") {
		t.Errorf("%s %v:\n%s", b.Verdict, b.Violation, story)
	}
}

// Messages that are named by their places are not missing where another order
// of the same calls has changed the places.
func TestStoryOfOtherPlaces(t *testing.T) {
	s := scenario(serves("buy", func(k *kit, w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n := k.redis.Incr(r.Context(), "n").Val()
		_ = k.redis.Set(r.Context(), fmt.Sprintf("order-%d", n), body, 0).Err()
	}), calls("alice", "buy"), calls("bob", "buy"), func(s *sim.Scenario) {
		s.Properties = []*props.Property{props.AtQuiescence("none", func(props.State) error { return errors.New("all is wrong") })}
	})
	plan := scheduler.Plan{{At: "after begin", Do: cloud.RunOther, With: "buy(bob/1)"}}
	r := compile(t, s).Run(scheduler.NewReplay(plan))
	if story := report.Story(r, benign(t, s), report.StoryOptions{}); len(r.Unmatched) > 0 || strings.Contains(story, "never happens") {
		t.Errorf("unmatched %v:\n%s", r.Unmatched, story)
	}
}
