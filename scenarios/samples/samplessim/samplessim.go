// Package samplessim puts the photo album of package samples under test: as
// its clients are package-level variables, every run is a process of its own.
package samplessim

import (
	"fmt"
	"strings"

	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/samples"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the album, and the one that counts messages.
func Scenarios() []sim.Scenario {
	album := scenario()
	bug := scenario()
	bug.Name, bug.Doc = "samples/count-twice", "the album with a counter that counts what is delivered twice"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	bug.Functions[2] = counter(sim.OnEvent(samples.CountEveryMessage))
	bug.Properties = append(bug.Properties[:1:1], props.AtQuiescence("every photo counts once", countedOnce))
	return []sim.Scenario{album, bug}
}

func scenario() sim.Scenario {
	return sim.Scenario{
		Name: "samples", Doc: "a photo album in the style of public samples, with package-level clients; a process a run",
		Isolated: true,
		Environ: []string{"PHOTOS=photos", "THUMBNAILS=thumbnails", "TOPIC=thumbnails",
			"REDISHOST=${redis.host}", "REDISPORT=${redis.port}"},
		Services: []probe.Service{redis.New("redis"), gcs.New("photos", "thumbnails"), pubsub.New()},
		Functions: []sim.Function{
			{Name: "upload", Handler: sim.HTTPFunc(samples.Upload)},
			{Name: "thumbnail", Handler: sim.OnEvent(samples.Thumbnail), Triggers: []sim.Trigger{{
				Event: "google.cloud.storage.object.v1.finalized", Match: map[string]string{"bucket": "photos"}}}},
			counter(sim.OnEvent(samples.CountThumbnails)),
		},
		Clients: []sim.Client{customer("alice", "cat.jpg"), customer("bob", "dog.jpg")},
		Properties: []*props.Property{
			props.AtQuiescence("every photo has a thumbnail", thumbnails),
			props.AtQuiescence("every thumbnail is counted", counted),
		},
	}
}

func counter(h sim.Handler) sim.Function {
	return sim.Function{Name: "count", Handler: h, Topic: "thumbnails"}
}

func customer(name, photo string) sim.Client {
	return sim.Client{Name: name, Retries: 2, Requests: []sim.Request{{Function: "upload", Method: "PUT", Path: "/" + photo, Body: "picture"}}}
}

// photos are those that are stored.
func photos(s props.State) []string {
	var out []string
	for _, key := range s.Keys("gcs") {
		if photo, ok := strings.CutPrefix(key, "photos/"); ok {
			out = append(out, photo)
		}
	}
	return out
}

func thumbnails(s props.State) error {
	for _, photo := range photos(s) {
		if _, ok := s.Get("gcs", "thumbnails/"+photo); !ok {
			return fmt.Errorf("%s has none", photo)
		}
	}
	return nil
}

func counted(s props.State) error {
	set, _ := s.Get("redis", "thumbnails")
	for _, photo := range photos(s) {
		if !strings.Contains(set, photo) {
			return fmt.Errorf("%s is not in %s", photo, set)
		}
	}
	return nil
}

func countedOnce(s props.State) error {
	counts, _ := s.Get("redis", "counts")
	for _, photo := range photos(s) {
		if !strings.Contains(counts, fmt.Sprintf("%q:1,", photo)) && !strings.Contains(counts, fmt.Sprintf("%q:1}", photo)) {
			return fmt.Errorf("%s: the counts are %s", photo, counts)
		}
	}
	return nil
}
