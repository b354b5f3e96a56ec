// Package lostupdatesim puts package lostupdate under test: some users like
// articles at the same time, and one reads.
package lostupdatesim

import (
	_ "embed"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/lostupdate"
	"github.com/wtsim/wtsim/sim"
)

//go:embed properties.yaml
var properties []byte

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := Scenario(false, usual)
	bug.Name, bug.Doc = "patterns/lostupdate/bug", "a list is read and written back: one of two additions is lost"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := Scenario(true, usual)
	repaired.Name, repaired.Doc = "patterns/lostupdate", "a list is written back only if nobody else has written"
	repaired.Relies = []string{"redis/watch"}
	return []sim.Scenario{bug, repaired}
}

// Like is a user's wish to be counted among those who like an article.
type Like struct{ User, Article string }

var usual = []Like{{"alice", "go"}, {"bob", "go"}, {"carol", "lua"}}

// Scenario returns users who like articles, each at the same time as the
// others, and one who reads.
func Scenario(repaired bool, likes []Like) sim.Scenario {
	must, err := props.Parse("properties.yaml", properties)
	if err != nil {
		panic(err) // the file is part of the program
	}
	clients := []sim.Client{{Name: "dave", Requests: []sim.Request{{Function: "read", Method: http.MethodGet, Path: "/lua"}}}}
	for _, l := range likes {
		clients = append(clients, l.client())
	}
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis")},
		Functions: []sim.Function{
			{Name: "favorite", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&lostupdate.Favorite{Redis: redis.Client(env, "redis", nil), Repaired: repaired}), nil
			}},
			{Name: "read", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&lostupdate.Read{Redis: redis.Client(env, "redis", nil)}), nil
			}},
		},
		Clients: clients,
		Inputs:  likes,
		Rules: []probe.Rule{{Service: "redis", Method: "MULTI HSET EXEC", Resource: "article:{article}",
			Emit: "COUNT_STORED", With: map[string]string{"article": "{article}", "count": "arg.5"}}},
		Properties: must,
	}
}

func (l Like) client() sim.Client {
	return sim.Client{Name: l.User, Retries: 3, Requests: []sim.Request{{
		Function: "favorite", Method: http.MethodPut, Path: "/" + l.Article + "/" + l.User,
		Told: func(r cloud.Response) (string, map[string]any) {
			if r.Status != http.StatusOK {
				return "", nil
			}
			return "FAVORITED", map[string]any{"article": l.Article, "user": l.User}
		},
	}}}
}
