package sim_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// waiting is a function that calls the API with five seconds to wait, and
// stores how that went, with the five that go-redis has.
func waiting(k *kit, w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.example/charges", strings.NewReader("o-1"))
	if err != nil {
		panic(err)
	}
	resp, err := k.env.HTTPClient().Do(req)
	told := "answered"
	if err != nil {
		told = "gave up"
	} else {
		_ = resp.Body.Close()
	}
	k.env.Tap().Emit("TOLD", map[string]any{"how": told, "after": time.Since(began).Seconds()})
	began = time.Now()
	err = k.redis.Set(context.Background(), "told", told, 0).Err()
	k.env.Tap().Emit("STORED", map[string]any{"fails": err != nil, "after": int(time.Since(began).Seconds())})
}

// A caller's deadline passes at its time, however long its call is held; that
// the call has its effect nevertheless, after its caller has gone, is a
// deviation of its own.
func TestDeadlinesPass(t *testing.T) {
	const call, store = "wait(alice/1):api.example.POST /charges/1", "wait(alice/1):redis.SET told/1"
	s := scenario(serves("wait", waiting), calls("alice", "wait"))
	for _, c := range []struct {
		at, do string
		want   []string // events
		none   string
	}{
		{call, cloud.Stall, []string{"TOLD(5, gave up)"}, "CHARGED"},
		{call, cloud.LateEffect, []string{"TOLD(5, gave up)", "CHARGED"}, ""},
		{store, cloud.Stall, []string{"TOLD(0.00001, answered)", "STORED(5, false)"}, ""}, // go-redis tries again
		{store, cloud.LateEffect, []string{"STORED(5, false)", "SET", "SET"}, ""},
	} {
		r := compile(t, s).Run(scheduler.NewReplay(scheduler.Plan{{At: c.at, Do: c.do, With: "timeout wait(alice/1)"}}))
		var events []string
		for _, step := range r.Steps {
			if len(step.Events) > 0 {
				events = append(events, step.EventsText())
			}
		}
		text := strings.Join(events, "\n")
		for _, w := range c.want {
			if rest := text; strings.Count(rest, w) < occurs(c.want, w) {
				t.Errorf("%s %s: want %s in\n%s", c.at, c.do, w, text)
			}
		}
		if r.Verdict != sim.Held || len(r.Unmatched) > 0 || c.none != "" && strings.Contains(text, c.none) {
			t.Errorf("%s %s: %s %s, unmatched %v\n%s", c.at, c.do, r.Verdict, r.Why, r.Unmatched, text)
		}
		if c.do == cloud.LateEffect && !strings.Contains(r.Record.Plan[0].Note, "comes late, past the invocation's time limit: its caller has given up") {
			t.Errorf("told as %q", r.Record.Plan[0].Note)
		}
	}
}

func occurs(all []string, x string) (n int) {
	for _, y := range all {
		if y == x {
			n++
		}
	}
	return n
}
