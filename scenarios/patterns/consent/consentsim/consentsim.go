// Package consentsim puts package consent under test: alice gives her consent,
// looks at a mug and withdraws the consent; bob gives his and keeps it.
package consentsim

import (
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/consent"
	"github.com/wtsim/wtsim/sim"
)

//go:embed consent.yaml
var properties []byte

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/consent/bug", "consent is withdrawn between the look at it and the processing"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/consent", "data is processed in a transaction that watches the consent"
	repaired.Relies = []string{"redis/watch"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), pubsub.New("pubsub")},
		Functions: []sim.Function{
			{Name: "consents", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&consent.Consents{Redis: redis.Client(env, "redis", nil)}), nil
			}},
			{Name: "items", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&consent.Items{Views: pubsub.Client(env, "pubsub").Publisher("views")}), nil
			}},
			{Name: "personalise", Triggers: pubsub.On("views"), New: func(env cloud.Env) (cloud.Handler, error) {
				f := &consent.Personalise{Redis: redis.Client(env, "redis", nil), Replica: redis.Replica(env, "redis", nil), Repaired: repaired}
				return gcp.OnData(f.Handle), nil
			}},
		},
		Clients: []sim.Client{
			{Name: "alice", Retries: 3, Requests: []sim.Request{give("alice"), view("alice"), withdraw("alice")}},
			{Name: "bob", Retries: 3, Requests: []sim.Request{give("bob"), view("bob")}},
		},
		Rules: []probe.Rule{
			rule("SET", "consent:{user}:{purpose}", "CONSENT_GIVEN"),
			rule("DEL", "consent:{user}:{purpose}", "CONSENT_WITHDRAWN"),
			rule("SADD", "profile:{user}:{purpose}", "DATA_PROCESSED"),
			rule("MULTI SADD EXEC", "profile:{user}:{purpose} {watched}", "DATA_PROCESSED"),
		},
		Properties: props.MustParse("consent.yaml", properties),
	}
}

func rule(command, key, emit string) probe.Rule {
	return probe.Rule{Service: "redis", Method: command, Resource: key, Emit: emit,
		With: map[string]string{"user": "{user}", "purpose": "{purpose}"}}
}

func give(user string) sim.Request {
	return sim.Request{Function: "consents", Method: http.MethodPut, Path: "/" + user + "/ads"}
}

func withdraw(user string) sim.Request {
	return sim.Request{Function: "consents", Method: http.MethodDelete, Path: "/" + user + "/ads"}
}

func view(user string) sim.Request {
	return sim.Request{Function: "items", Method: http.MethodGet, Path: fmt.Sprintf("/items/mug?user=%s", user)}
}
