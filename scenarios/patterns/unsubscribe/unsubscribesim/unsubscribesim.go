// Package unsubscribesim puts package unsubscribe under test: ann and bob
// subscribe to the news, a campaign is sent to them, and ann unsubscribes.
package unsubscribesim

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/unsubscribe"
	"github.com/wtsim/wtsim/sim"
)

//go:embed unsubscribe.yaml
var properties []byte

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/unsubscribe/bug", "who unsubscribes while the mail is queued gets it all the same"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/unsubscribe", "the provider knows who has unsubscribed, and drops the mail"
	repaired.Relies = []string{"pubsub/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform:  gcp.CloudRun().Within(time.Minute),
		Services:  []cloud.Service{redis.New("redis"), pubsub.New("pubsub"), web.New("mail.example", newProvider)},
		Functions: functions(repaired),
		Clients: []sim.Client{
			{Name: "ann", Retries: 3, Requests: []sim.Request{
				{Function: "subscribe", Path: "/news/ann@example.com"}, {Function: "unsubscribe", Path: "/news/ann@example.com"}}},
			{Name: "bob", Retries: 3, Requests: []sim.Request{{Function: "subscribe", Path: "/news/bob@example.com"}}},
			{Name: "marketing", Retries: 3, Requests: []sim.Request{{Function: "campaign", Path: "/spring/news"}}},
		},
		Rules:      rules(),
		Properties: props.MustParse("unsubscribe.yaml", properties),
	}
}

func rules() []probe.Rule {
	listed := map[string]string{"list": "{list}", "address": "arg.2"}
	mail := map[string]string{"campaign": "request.campaign", "address": "request.address"}
	return []probe.Rule{
		{Service: "redis", Method: "SADD", Resource: "list:{list}", Emit: "SUBSCRIBED", With: listed},
		{Service: "redis", Method: "SREM", Resource: "list:{list}", Emit: "UNSUBSCRIBED", With: listed},
		{Service: "redis", Method: "SADD", Resource: "campaign:{campaign}", Emit: "CAMPAIGN_STARTED",
			With: map[string]string{"campaign": "{campaign}", "list": "arg.2"}},
		{Service: "pubsub", Method: "publish", Resource: "mails", Each: "request.messages", Emit: "MAIL_QUEUED",
			With: map[string]string{"campaign": "each.data.campaign", "address": "each.data.address"}},
		{Service: "mail.example", Method: "POST", Resource: "/messages", Emit: "MAIL_ACCEPTED", With: mail},
		{Service: "mail.example", Method: "POST", Resource: "/messages", Where: map[string]string{"status": "202"}, Emit: "MAIL_SENT", With: mail},
	}
}

func functions(repaired bool) []sim.Function {
	return []sim.Function{
		{Name: "subscribe", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&unsubscribe.Subscribe{Redis: redis.Client(env, "redis", nil)}), nil
		}},
		{Name: "unsubscribe", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&unsubscribe.Unsubscribe{Redis: redis.Client(env, "redis", nil),
				Provider: unsubscribe.Provider{HTTP: env.HTTPClient()}, Repaired: repaired}), nil
		}},
		{Name: "campaign", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&unsubscribe.Campaign{Redis: redis.Client(env, "redis", nil), Mails: pubsub.Client(env, "pubsub").Publisher("mails")}), nil
		}},
		{Name: "send", Triggers: pubsub.On("mails"), New: func(env cloud.Env) (cloud.Handler, error) {
			f := &unsubscribe.Send{Provider: unsubscribe.Provider{HTTP: env.HTTPClient()}}
			return gcp.OnData(f.Handle), nil
		}},
	}
}

// provider answers with 202 if it sends a mail, and with 200 if it drops it.
type provider struct {
	mu         sync.Mutex
	suppressed map[string]bool // by path
}

func newProvider() http.Handler { return &provider{suppressed: map[string]bool{}} }

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Method == http.MethodPut {
		p.suppressed[r.URL.Path] = true
		return
	}
	var mail unsubscribe.Mail
	if err := json.NewDecoder(r.Body).Decode(&mail); err != nil {
		http.Error(w, "no mail", http.StatusBadRequest)
		return
	}
	if !p.suppressed["/suppressions/"+mail.List+"/"+mail.Address] {
		w.WriteHeader(http.StatusAccepted)
	}
}
