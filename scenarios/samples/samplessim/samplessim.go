// Package samplessim puts the photo album of package samples under test: as
// its clients are package-level variables, every run is a process of its own.
package samplessim

import (
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/eventarc"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/tasks"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/samples"
	"github.com/wtsim/wtsim/sim"
)

// Scenario returns the album.
func Scenario() sim.Scenario {
	s := album("samples", "a photo album in the style of public samples, with package-level clients; a process a run",
		pubsub.New("pubsub"), tasks.New("tasks"), "TOPIC=thumbnails")
	s.Functions = []sim.Function{
		{Name: "upload", Handler: cloud.HTTPFunc(samples.Upload)},
		{Name: "thumbnail", Handler: gcp.OnEvent(samples.Thumbnail), Triggers: []cloud.Trigger{eventarc.Trigger{
			Event: "google.cloud.storage.object.v1.finalized", Match: map[string]string{"bucket": "photos"}}}},
		counter(gcp.OnEvent(samples.CountThumbnails)),
	}
	s.Clients = []sim.Client{customer("alice", "cat.jpg"), customer("bob", "dog.jpg")}
	s.Properties = []*props.Property{
		props.AtQuiescence("every photo has a thumbnail", thumbnails),
		props.AtQuiescence("every thumbnail is counted", counted),
	}
	return s
}

// album has the services of all clients that the package makes when it starts.
func album(name, doc string, messages *pubsub.Service, queues *tasks.Service, environ ...string) sim.Scenario {
	return sim.Scenario{
		Name: name, Doc: doc, Isolated: true,
		Environ: append(environ, "PHOTOS=photos", "THUMBNAILS=thumbnails", "TASKS=${tasks}", "QUEUE=prints", "PRINTS=printed",
			"REDISHOST=${redis.host}", "REDISPORT=${redis.port}"),
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), gcs.New("gcs", "photos", "thumbnails"), messages, queues, eventarc.New("eventarc")},
	}
}

// CountTwice returns the album with a counter that counts what is delivered
// twice.
func CountTwice() sim.Scenario {
	s := Scenario()
	s.Name, s.Doc = "samples/count-twice", "the album with a counter that counts what is delivered twice"
	s.Expect = sim.Expect{Violation: true, Deviations: 1}
	s.Functions[2] = counter(gcp.OnEvent(samples.CountEveryMessage))
	s.Properties = []*props.Property{s.Properties[0], props.AtQuiescence("every photo counts once", countedOnce)}
	return s
}

// Prints returns the other half of the album: photos are printed, by way of a
// queue, and who prints tells it by a topic that is pulled.
func Prints() sim.Scenario {
	order := func(photo string) sim.Request {
		return sim.Request{Function: "order", Method: "POST", Path: "/" + photo}
	}
	s := album("samples/prints", "prints of photos, by Cloud Tasks and a pull subscription, with package-level clients; a process a run",
		pubsub.New("pubsub").Pulled(pubsub.Subscription{Name: "printed", Topic: "prints"}), tasks.New("tasks").With(tasks.Queue{Name: "prints"}), "TOPIC=prints")
	s.Functions = []sim.Function{
		{Name: "order", Handler: cloud.HTTPFunc(samples.Order)},
		{Name: "print", Handler: cloud.HTTPFunc(samples.Print)},
		{Name: "prints", Handler: cloud.HTTPFunc(samples.Prints)},
	}
	s.Clients = []sim.Client{
		{Name: "alice", Retries: 2, Requests: []sim.Request{order("cat.jpg"), order("dog.jpg")}},
		{Name: "printer", Requests: []sim.Request{{Function: "prints"}}},
	}
	s.Properties = []*props.Property{props.AtQuiescence("who receives sees what was ordered", received)}
	return s
}

// received is a set, in the words of the Redis.
func received(s props.State) error {
	switch set, _ := s.Get("redis", "prints"); set {
	case "", `["/cat.jpg"]`, `["/dog.jpg"]`, `["/cat.jpg","/dog.jpg"]`:
		return nil
	default:
		return fmt.Errorf("received %s", set)
	}
}

func counter(h cloud.Handler) sim.Function {
	return sim.Function{Name: "count", Handler: h, Triggers: pubsub.On("thumbnails")}
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
