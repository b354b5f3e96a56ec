// Package halffollowsim puts package halffollow under test: two users follow a
// third, whose profile a fourth looks at.
package halffollowsim

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/halffollow"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/halffollow/bug", "of two writes that belong together only one happens"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/halffollow", "both ends are written in one transaction"
	repaired.Relies = []string{"redis/transactions"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis")},
		Functions: []sim.Function{
			{Name: "follow", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&halffollow.Follow{Redis: redis.Client(env, "redis", nil), Repaired: repaired}), nil
			}},
			{Name: "profile", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&halffollow.Profile{Redis: redis.Client(env, "redis", nil)}), nil
			}},
		},
		Clients: []sim.Client{
			follows("alice", "carol"), follows("bob", "carol"),
			{Name: "dave", Requests: []sim.Request{{Function: "profile", Method: http.MethodGet, Path: "/carol"}}},
		},
		Rules: rules(),
		Properties: []*props.Property{
			props.Balanced("who follows is a follower", props.On("FOLLOWS", "from", "to"), props.On("IS_FOLLOWED", "from", "to")),
			props.AtQuiescence("both ends are stored", symmetric),
		},
	}
}

// rules tell of what was added at either end, by a command of its own or in a
// transaction. What is there already is not added.
func rules() []probe.Rule {
	added := map[string]string{"status": "1"}
	both := map[string]string{"from": "{from}", "to": "{to}"}
	return []probe.Rule{
		{Service: "redis", Method: "SADD", Resource: "following:{from}", Where: added,
			Emit: "FOLLOWS", With: map[string]string{"from": "{from}", "to": "arg.2"}},
		{Service: "redis", Method: "SADD", Resource: "followers:{to}", Where: added,
			Emit: "IS_FOLLOWED", With: map[string]string{"from": "arg.2", "to": "{to}"}},
		{Service: "redis", Method: "MULTI SADD SADD EXEC", Resource: "following:{from} followers:{to}", Emit: "FOLLOWS", With: both},
		{Service: "redis", Method: "MULTI SADD SADD EXEC", Resource: "following:{from} followers:{to}", Emit: "IS_FOLLOWED", With: both},
	}
}

// follows is a user who does not try again: what happened by half stays so.
func follows(user, other string) sim.Client {
	return sim.Client{Name: user, Requests: []sim.Request{{
		Function: "follow", Method: http.MethodPut, Path: "/" + user + "/" + other}}}
}

// symmetric compares the sets of both ends.
func symmetric(s props.State) error {
	followers, _ := s.Get("redis", "followers:carol")
	for _, user := range []string{"alice", "bob"} {
		following, _ := s.Get("redis", "following:"+user)
		if strings.Contains(following, "carol") != strings.Contains(followers, user) {
			return fmt.Errorf("%s follows %s, and carol's followers are %s", user, following, followers)
		}
	}
	return nil
}
