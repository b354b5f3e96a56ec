// Package oldsecretsim puts package oldsecret under test: two orders, and a rotation
// of the password.
package oldsecretsim

import (
	"encoding/json"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	sqsclient "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsaux"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/oldsecret"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/oldsecret/bug", "a warm instance keeps a password that has been rotated: no retry charges the order"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/oldsecret", "who is refused asks for the password again"
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{
			sqs.New("sqs").With(sqs.Queue{Name: "orders", DeadLetter: "failed", MaxReceives: 5}, sqs.Queue{Name: "failed"}),
			awsaux.Secrets("secretsmanager", awsaux.Secret{Name: "payments/password", Value: "first"}),
			web.New("payments.example", payments),
		},
		Functions: []sim.Function{
			{Name: "order", New: func(env cloud.Env) (cloud.Handler, error) {
				f := &oldsecret.Order{SQS: sqsclient.NewFromConfig(awsclient.Config(env))}
				return aws.Handler(f.Handle, aws.HTTPAPI()), nil
			}},
			{Name: "pay", Triggers: sqs.On("orders"), New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&oldsecret.Pay{Secrets: secretsmanager.NewFromConfig(awsclient.Config(env)), Payments: env.HTTPClient(), Repaired: repaired}).Handle), nil
			}},
			{Name: "rotate", New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler((&oldsecret.Rotate{Secrets: secretsmanager.NewFromConfig(awsclient.Config(env)), Payments: env.HTTPClient()}).Handle, aws.HTTPAPI()), nil
			}},
		},
		Clients: []sim.Client{
			{Name: "alice", Requests: []sim.Request{{Function: "order", Path: "/book"}, {Function: "order", Path: "/lamp"}}, Retries: 3},
			{Name: "admin", Requests: []sim.Request{{Function: "rotate", Path: "/second"}}, Retries: 3},
		},
		Rules: []probe.Rule{
			{Service: "sqs", Method: "SendMessage", Resource: "orders", Emit: "ORDER_TAKEN", With: map[string]string{"order": "request.MessageBody.order"}},
			charged("201"), charged("200"), // 200: it had been
		},
		Properties: []*props.Property{
			props.Eventually("what is taken is charged", props.On("ORDER_TAKEN", "order"), props.On("ORDER_CHARGED", "order")),
		},
	}
}

func charged(status string) probe.Rule {
	return probe.Rule{Service: "payments.example", Method: "POST", Resource: "/charges", Where: map[string]string{"status": status}, Emit: "ORDER_CHARGED",
		With: map[string]string{"order": "request.order"}}
}

// payments take one password, which the admin changes.
func payments() http.Handler {
	password := "first"
	mux := http.NewServeMux()
	mux.HandleFunc("POST /password", func(_ http.ResponseWriter, r *http.Request) {
		var to struct{ Password string }
		if json.NewDecoder(r.Body).Decode(&to) == nil {
			password = to.Password
		}
	})
	mux.Handle("POST /charges", web.Idempotent(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
	})))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, p, _ := r.BasicAuth(); r.URL.Path == "/charges" && p != password {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
