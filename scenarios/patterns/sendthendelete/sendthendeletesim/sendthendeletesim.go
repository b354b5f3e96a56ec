// Package sendthendeletesim puts package sendthendelete under test: two
// campaigns are sent, one of them to two addresses, and a mail is opened.
package sendthendeletesim

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/tasks"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/sendthendelete"
	"github.com/wtsim/wtsim/sim"
)

const queue = "projects/shop/locations/europe-west6/queues/campaigns"

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/sendthendelete/bug", "a mail is sent and not deleted from the outbox: it is sent again"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/sendthendelete", "the provider is told which mail it is, and sends it once"
	repaired.Relies = []string{"web/idempotency-key", "tasks/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	outbox := gcs.New("gcs", "outbox").With("outbox", "spring/ann@example.com", "It is spring, Ann!").
		With("outbox", "spring/bob@example.com", "It is spring, Bob!").With("outbox", "bills/ann@example.com", "Pay, Ann!")
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{
			outbox,
			redis.New("redis"),
			tasks.New("tasks").With(tasks.Queue{Name: "campaigns"}),
			web.New("mail.example", newProvider),
		},
		Functions: []sim.Function{
			{Name: "start", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&sendthendelete.Start{Tasks: tasks.Client(env, "tasks"), Queue: queue}), nil
			}},
			{Name: "send", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&sendthendelete.Send{Outbox: gcs.Client(env, "gcs").Bucket("outbox"), HTTP: env.HTTPClient(), Repaired: repaired}), nil
			}},
			{Name: "opened", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&sendthendelete.Opened{Redis: redis.Client(env, "redis", nil)}), nil
			}},
		},
		Clients: []sim.Client{
			{Name: "marketing", Retries: 3, Requests: []sim.Request{{Function: "start", Path: "/campaigns/spring"}}},
			{Name: "billing", Retries: 3, Requests: []sim.Request{{Function: "start", Path: "/campaigns/bills"}}},
			{Name: "bob", Requests: []sim.Request{{Function: "opened", Method: http.MethodGet, Path: "/opened/spring?address=bob@example.com"}}},
		},
		Rules: []probe.Rule{{Service: "mail.example", Method: "POST", Resource: "/messages/{campaign}/{address}",
			Where: map[string]string{"status": "202"}, Emit: "MAIL_SENT",
			With: map[string]string{"campaign": "{campaign}", "address": "{address}"}}},
		Properties: []*props.Property{
			props.AtMostOnce("one mail per campaign and address", props.On("MAIL_SENT", "campaign", "address")),
			props.AtQuiescence("the outbox is empty in the end", func(s props.State) error {
				if left := s.Keys("gcs"); len(left) > 0 {
					return errors.New(left[0] + " is still there")
				}
				return nil
			}),
		},
	}
}

// provider sends mails. One whose key it knows it answers with 200 instead of
// 202.
type provider struct {
	mu   sync.Mutex
	sent map[string]bool
}

func newProvider() http.Handler { return &provider{sent: map[string]bool{}} }

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	if key != "" && p.sent[key] {
		return
	}
	p.sent[key] = true
	w.WriteHeader(http.StatusAccepted)
}
