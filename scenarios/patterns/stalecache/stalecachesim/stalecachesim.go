// Package stalecachesim puts package stalecache under test: a document is read
// twice while another client deletes it; a second one is read and stays.
package stalecachesim

import (
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/stalecache"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/linear"
)

// text is what every document holds.
const text = "a secret"

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/stalecache/bug", "a cache is filled with what was read before a deletion, and serves it for good"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/stalecache", "a tombstone keeps deleted documents out of the cache"
	repaired.Relies = []string{"redis/set-if-absent"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	store := gcs.New("gcs", "documents", "titles").With("documents", "plan", text).With("documents", "menu", text).With("titles", "index.txt", "plan menu")
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), store},
		Functions: []sim.Function{
			{Name: "documents", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&stalecache.Documents{Cache: redis.Client(env, "redis", nil), Store: gcs.Client(env, "gcs").Bucket("documents"), Repaired: repaired}), nil
			}},
			{Name: "index", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&stalecache.Index{Titles: gcs.Client(env, "gcs").Bucket("titles")}), nil
			}},
		},
		Clients: []sim.Client{
			person("alice", request("GET", "/plan"), request("GET", "/plan")),
			person("bob", request("DELETE", "/plan")),
			person("carol", request("GET", "/menu"), sim.Request{Function: "index", Method: "GET"}),
		},
		Properties: []*props.Property{
			linear.Calls("reads and deletions are linearizable: what is deleted is never served", linear.Model[bool]{
				Start: true, // it is there
				Step: func(there bool, c props.Call) (bool, bool) {
					if c.Method == http.MethodDelete {
						return false, c.Status == http.StatusOK
					}
					if !there {
						return false, c.Status == http.StatusNotFound
					}
					return true, c.Status == http.StatusOK && c.Answer == text
				},
				Part: func(c props.Call) (string, bool) { return c.Path, c.Function == "documents" },
			}),
		},
	}
}

func person(name string, requests ...sim.Request) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: requests}
}

func request(method, path string) sim.Request {
	return sim.Request{Function: "documents", Method: method, Path: path}
}
