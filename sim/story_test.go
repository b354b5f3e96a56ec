package sim_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// Where something is missing at the end of a run, the story says what: the
// operations of the benign run that no attempt has come to, nor the instance
// by itself, and the invocations.
func TestStoryNamesWhatIsMissing(t *testing.T) {
	s := scenario(serves("buy", func(k *kit, w http.ResponseWriter, r *http.Request) {
		k.redis.Set(r.Context(), "paid", "yes", 0)
		k.redis.Set(r.Context(), "seen", "yes", 0)
		if _, err := k.env.Topic("orders").Publish(r.Context(), nil); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}), takes("ship", "orders", func(k *kit, ctx context.Context, m sim.Message) error { return nil }),
		calls("alice", "buy"), func(s *sim.Scenario) {
			s.Properties = []*props.Property{props.Eventually("charged", props.On("SET"), props.On("CHARGED"))}
		})
	story := func(retries int) string {
		s.Clients[0].Retries = retries
		plan := scheduler.Plan{{At: "buy(alice/1):redis.SET seen/1", Do: sim.Crash, With: "before"}}
		return compile(t, s).Run(scheduler.NewReplay(plan)).Story(benign(t, s), sim.StoryOptions{})
	}
	want := []string{
		"never happens: pubsub publish orders, buy(alice/1)",
		"never happens: ship #1 of the benign run, ship(buy(alice/1).orders/1)",
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
