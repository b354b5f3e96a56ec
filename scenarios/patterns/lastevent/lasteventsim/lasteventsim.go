// Package lasteventsim puts package lastevent under test: an author saves two
// revisions of an article at once, another one of another, and a reader
// searches.
package lasteventsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/eventarc"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/lastevent"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/lastevent/bug", "the index has the version whose event came last"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/lastevent", "a version is indexed only over an older one"
	repaired.Relies = []string{"redis/watch", "eventarc/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{gcs.New("gcs", "articles").Versioned("articles"), redis.New("redis"), eventarc.New("eventarc")},
		Functions: []sim.Function{
			{Name: "save", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&lastevent.Save{Articles: gcs.Client(env, "gcs").Bucket("articles")}), nil
			}},
			{
				Name: "index",
				Triggers: []cloud.Trigger{eventarc.Trigger{Event: "google.cloud.storage.object.v1.finalized",
					Match: map[string]string{"bucket": "articles"}}},
				New: func(env cloud.Env) (cloud.Handler, error) {
					f := &lastevent.Index{Articles: gcs.Client(env, "gcs").Bucket("articles"), Redis: redis.Client(env, "redis", nil), Repaired: repaired}
					return gcp.OnEvent(f.Handle), nil
				},
			},
			{Name: "search", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&lastevent.Search{Redis: redis.Client(env, "redis", nil)}), nil
			}},
		},
		Clients: []sim.Client{
			saves("alice", "go", `["Go","Go is fun"]`),
			saves("bob", "lua", `["Lua"]`),
			{Name: "carol", Requests: []sim.Request{{Function: "search", Method: http.MethodGet, Path: "/lua"}}},
		},
		Properties: []*props.Property{props.AtQuiescence("the index is what the articles are", indexed)},
	}
}

func saves(author, article, revisions string) sim.Client {
	return sim.Client{Name: author, Requests: []sim.Request{{
		Function: "save", Method: http.MethodPut, Path: "/" + article, Body: revisions}}}
}

func indexed(s props.State) error {
	for _, key := range s.Keys("gcs") {
		article := strings.TrimPrefix(key, "articles/")
		text, _ := s.Get("gcs", key)
		stored, _ := s.Get("redis", "entry:"+article)
		var entry struct{ Text string }
		if err := json.Unmarshal([]byte(stored), &entry); err != nil {
			return fmt.Errorf("article %s is not in the index", article)
		}
		if entry.Text != text {
			return fmt.Errorf("article %s is %q, but %q in the index", article, text, entry.Text)
		}
	}
	return nil
}
