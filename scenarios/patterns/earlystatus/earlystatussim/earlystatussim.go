// Package earlystatussim puts package earlystatus under test: two videos are
// uploaded, and get a preview.
package earlystatussim

import (
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
	"github.com/wtsim/wtsim/scenarios/patterns/earlystatus"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/earlystatus/bug", "a video is done before its preview is stored, which then never is"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/earlystatus", "a video is done once its preview is stored"
	repaired.Relies = []string{"eventarc/retries"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), gcs.New("gcs", "videos", "previews"), eventarc.New("eventarc")},
		Functions: []sim.Function{
			{Name: "upload", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&earlystatus.Upload{Videos: gcs.Client(env, "gcs").Bucket("videos")}), nil
			}},
			{Name: "preview", Triggers: []cloud.Trigger{eventarc.Trigger{
				Event: "google.cloud.storage.object.v1.finalized", Match: map[string]string{"bucket": "videos"}}},
				New: func(env cloud.Env) (cloud.Handler, error) {
					c := gcs.Client(env, "gcs")
					f := &earlystatus.Preview{Videos: c.Bucket("videos"), Previews: c.Bucket("previews"),
						Redis: redis.Client(env, "redis", nil), Repaired: repaired}
					return gcp.OnEvent(f.Handle), nil
				}},
		},
		Clients: []sim.Client{upload("alice", "cat.mp4"), upload("bob", "dog.mp4")},
		Properties: []*props.Property{
			props.AtQuiescence("what is done has a preview", doneHasPreview),
			props.AtQuiescence("every video is done", everyVideoIsDone),
		},
	}
}

func upload(client, video string) sim.Client {
	return sim.Client{Name: client, Retries: 3, Requests: []sim.Request{{
		Function: "upload", Method: http.MethodPut, Path: "/" + video, Body: "a long video"}}}
}

func doneHasPreview(s props.State) error {
	for _, key := range s.Keys("redis") {
		video := strings.TrimPrefix(key, "status:")
		if _, ok := s.Get("gcs", "previews/"+video); !ok {
			return fmt.Errorf("%s is done and has none", video)
		}
	}
	return nil
}

func everyVideoIsDone(s props.State) error {
	for _, key := range s.Keys("gcs") {
		video, ok := strings.CutPrefix(key, "videos/")
		if status, _ := s.Get("redis", "status:"+video); ok && status != "done" {
			return fmt.Errorf("%s is not", video)
		}
	}
	return nil
}
