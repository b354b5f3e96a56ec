// Package orphancommentsim puts package orphancomment under test: an author
// deletes an article while a reader comments on it and on another one.
package orphancommentsim

import (
	"fmt"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/orphancomment"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/orphancomment/bug", "an article is deleted between the look at it and the comment on it"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/orphancomment", "a script looks at the article and adds the comment"
	repaired.Relies = []string{"redis/scripts"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis").With("article:tea", "Milk first").With("article:rain", "It rains")},
		Functions: []sim.Function{
			{Name: "articles", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&orphancomment.Articles{Redis: redis.Client(env, "redis", nil)}), nil
			}},
			{Name: "comment", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&orphancomment.Comment{Redis: redis.Client(env, "redis", nil), Repaired: repaired}), nil
			}},
		},
		Clients: []sim.Client{
			{Name: "reader", Retries: 3, Requests: []sim.Request{
				{Function: "articles", Method: http.MethodGet, Path: "/articles/tea"},
				comment("tea", "c-1", "Never!"), comment("rain", "c-2", "Still.")}},
			{Name: "author", Retries: 3, Requests: []sim.Request{
				{Function: "articles", Method: http.MethodDelete, Path: "/articles/tea"}}},
		},
		Rules: []probe.Rule{
			{Service: "redis", Method: "DEL", Resource: "article:{article} {comments}",
				Emit: "ARTICLE_DELETED", With: map[string]string{"article": "{article}"}},
			commented("HSET", "comments:{article}", "arg.2"),
			commented("EVALSHA|EVAL", "{key} comments:{article}", "arg.5"),
		},
		Properties: []*props.Property{
			props.NeverAfter("no comment on a deleted article",
				props.On("COMMENT_ADDED", "article"), props.On("ARTICLE_DELETED", "article")),
		},
	}
}

// commented is the rule of a command that adds a comment; a script that finds
// no article fails.
func commented(command, keys, id string) probe.Rule {
	return probe.Rule{Service: "redis", Method: command, Resource: keys,
		Emit: "COMMENT_ADDED", With: map[string]string{"article": "{article}", "comment": id}}
}

func comment(article, id, text string) sim.Request {
	return sim.Request{Function: "comment", Path: "/comments",
		Body: fmt.Sprintf(`{"article":%q,"id":%q,"text":%q}`, article, id, text)}
}
