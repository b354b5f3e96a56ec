// Package dedupwindowsim puts package dedupwindow under test: two people ask for
// what they have won, and ask again after a while if they get no answer.
package dedupwindowsim

import (
	"net/http"
	"time"

	sqsclient "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/dedupwindow"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/dedupwindow/bug", "a queue knows a message for five minutes: who asks again after ten is paid twice"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/dedupwindow", "a payment's idempotency key is the claim's number, for good"
	repaired.Relies = []string{"web/idempotency-key"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{sqs.New("sqs").With(sqs.Queue{Name: "claims.fifo"}), web.New("bank.example", bank)},
		Functions: []sim.Function{
			{Name: "ask", New: func(env cloud.Env) (cloud.Handler, error) {
				f := &dedupwindow.Ask{SQS: sqsclient.NewFromConfig(awsclient.Config(env))}
				return aws.Handler(f.Handle, aws.HTTPAPI()), nil
			}},
			{Name: "pay", Triggers: sqs.On("claims.fifo"), New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&dedupwindow.Pay{Bank: env.HTTPClient(), Repaired: repaired}).Handle), nil
			}},
		},
		Clients: []sim.Client{asks("alice", "/c-1"), asks("bob", "/c-2")},
		Rules: []probe.Rule{
			{Service: "bank.example", Method: "POST", Resource: "/payments", Where: map[string]string{"status": "201"}, Emit: "PAID", With: map[string]string{"claim": "request.claim"}},
		},
		Properties: []*props.Property{
			props.AtMostOnce("a claim is paid once", props.On("PAID", "claim")),
		},
	}
}

func bank() http.Handler {
	return web.Idempotent(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }))
}

func asks(name, path string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Backoff: 10 * time.Minute, Requests: []sim.Request{{Function: "ask", Path: path}}}
}
