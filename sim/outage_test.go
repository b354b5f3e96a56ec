package sim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// charging tries to charge until it can, and stores that.
func charging(k *kit, w http.ResponseWriter, r *http.Request) {
	for range 3 {
		if resp, err := k.env.HTTPClient().Post("https://api.example/charges", "", strings.NewReader("o-1")); err == nil && resp.StatusCode < 300 {
			k.redis.Set(r.Context(), "charged", 1, 0)
			return
		}
		time.Sleep(time.Second)
	}
	http.Error(w, "not now", http.StatusServiceUnavailable)
}

// While a service is down every call of it is refused, however often it is
// tried; others answer, and when it is over so does it. Who does not ask for
// outages has none.
func TestOutage(t *testing.T) {
	s := scenario(serves("pay", charging), sim.Client{Name: "alice", Retries: 3, Backoff: time.Minute, Requests: []sim.Request{{Function: "pay", Path: "/"}}})
	plan := scheduler.Plan{{At: "pay(alice/1):api.example.POST /charges/1", Do: cloud.Outage, With: "1m30s"}}
	if r := compile(t, s).Run(scheduler.NewReplay(plan)); len(r.Unmatched) != 1 {
		t.Errorf("unmatched %v without being asked for", r.Unmatched)
	}
	s.Faults.Outage = 90 * time.Second
	r := compile(t, s).Run(scheduler.NewReplay(plan))
	refused, charged, stored := 0, time.Duration(0), 0
	for _, step := range r.Steps {
		switch {
		case step.Status == "503 (down)":
			refused++
		case step.Operation != nil && step.Operation.Service == "api.example":
			charged = step.Time.Sub(r.Steps[0].Time)
		case step.Operation != nil && step.Status == "OK":
			stored++
		}
	}
	if r.Verdict != sim.Held || len(r.Unmatched) > 0 || refused != 6 || charged < 90*time.Second || stored != 1 {
		t.Errorf("%s %s, unmatched %v, refused %d, charged after %v, stored %d", r.Verdict, r.Why, r.Unmatched, refused, charged, stored)
	}
	if note := r.Record.Plan[0].Note; note != "api.example is down for 1m30s, from POST api.example/charges of pay POST / (from alice/1), attempt 1 on" {
		t.Errorf("told as %q", note)
	}
}
