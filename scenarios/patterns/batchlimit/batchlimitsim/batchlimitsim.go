// Package batchlimitsim puts package batchlimit under test: two documents are
// uploaded.
package batchlimitsim

import (
	"net/http"

	sqsclient "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/batchlimit"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/batchlimit/bug", "a batch whose time is up comes again whole: what was started is started again"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/batchlimit", "an execution is known by its document, and is started once"
	repaired.Relies = []string{"web/idempotency-key"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{sqs.New("sqs").With(sqs.Queue{Name: "documents"}), web.New("executions.example", executions)},
		Functions: []sim.Function{
			{Name: "upload", New: func(env cloud.Env) (cloud.Handler, error) {
				f := &batchlimit.Upload{SQS: sqsclient.NewFromConfig(awsclient.Config(env))}
				return aws.Handler(f.Handle, aws.HTTPAPI()), nil
			}},
			{Name: "start", Triggers: sqs.On("documents"), New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&batchlimit.Start{Executions: env.HTTPClient(), Repaired: repaired}).Handle), nil
			}},
		},
		Clients: []sim.Client{uploads("alice", "/deed"), uploads("bob", "/will")},
		Rules: []probe.Rule{
			{Service: "executions.example", Method: "POST", Resource: "/executions", Where: map[string]string{"status": "201"}, Emit: "EXECUTION_STARTED",
				With: map[string]string{"document": "request.document"}},
		},
		Properties: []*props.Property{
			props.AtMostOnce("one execution per document", props.On("EXECUTION_STARTED", "document")),
		},
	}
}

func executions() http.Handler {
	return web.Idempotent(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }))
}

func uploads(name, path string) sim.Client {
	return sim.Client{Name: name, Requests: []sim.Request{{Function: "upload", Path: path}}}
}
