package command

import (
	"context"
	"net/http"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	gpubsub "cloud.google.com/go/pubsub/v2"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/cron"
	"github.com/wtsim/wtsim/fakes/eventarc"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/tasks"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

// everything is a scenario with one of each part that there is, and names that
// want to be escaped.
func everything() sim.Scenario {
	keep := func(name string) sim.Function {
		return sim.Function{Name: name, New: func(env cloud.Env) (cloud.Handler, error) {
			c := redis.Client(env, "redis", nil)
			return gcp.OnMessage(func(ctx context.Context, m gcp.Message) error {
				probe.Emit(ctx, "KEPT", map[string]any{"id": string(m.Data)})
				return c.Set(ctx, "kept", m.Data, 0).Err()
			}), nil
		}}
	}
	mail, thumb := keep("mail"), keep("thumb")
	mail.Triggers = []cloud.Trigger{pubsub.Trigger{Topic: "mail", Policy: gcp.Policy{DeadLetter: "dead", Ordered: true, Filter: `attributes.lang = "en"`}}}
	thumb.Triggers = []cloud.Trigger{eventarc.Trigger{Event: "google.cloud.storage.object.v1.finalized", Match: map[string]string{"bucket": "photos"}}}
	return sim.Scenario{
		Name: "test/everything", Doc: "of the tests", Relies: []string{"tasks/names"},
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{
			redis.New("redis").With("b", "2").With("a", "1").Replicated(),
			gcs.New("gcs", "photos"),
			pubsub.New("pubsub").Pulled(pubsub.Subscription{Name: "inbox", Topic: "mail", ExactlyOnce: true}),
			tasks.New("tasks").With(tasks.Queue{Name: "later"}),
			eventarc.New("eventarc"),
			cron.New("scheduler").With(cron.Job{Name: "nightly", Cron: "30 2 * * *", Ticks: 1, Function: "back"}, cron.Job{Name: "hourly", Every: time.Hour, Ticks: 2, Topic: "mail", Retries: 1}),
		},
		Functions: []sim.Function{
			{Name: "front", MinInstances: 1, AlwaysOn: true, ColdStart: time.Second, Timeout: 90 * time.Second, New: front},
			{Name: "back", Handler: cloud.HTTPFunc(func(http.ResponseWriter, *http.Request) {})},
			mail, thumb,
		},
		Clients: []sim.Client{{Name: `"eve" <b> #1; & \n`, Retries: 1, Requests: []sim.Request{{Function: "front"}, {Function: "back", Method: "GET", Path: "/x"}}}},
		Rules: []probe.Rule{{Service: "pubsub", Method: "publish", Each: "request.messages", Where: map[string]string{"resource": "mail"}, Emit: "SENT",
			With: map[string]string{"id": "each.data", "by": "=front"}}},
		Properties: []*props.Property{props.Eventually("what is sent is kept", props.On("SENT", "id"), props.On("KEPT", "id"))},
		Faults:     sim.Faults{Kinds: []string{cloud.Crash, cloud.Fail}, Most: 1, Functions: []string{"front"}, Services: []string{"gcs"}, Skew: time.Second},
	}
}

// front does one of everything.
func front(env cloud.Env) (cloud.Handler, error) {
	later, photos, mail := tasks.Client(env, "tasks"), gcs.Client(env, "gcs").Bucket("photos"), pubsub.Client(env, "pubsub").Publisher("mail")
	return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
		const queue = "projects/p/locations/l/queues/later"
		_, _ = later.CreateTask(r.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queue, Task: &cloudtaskspb.Task{
			MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{Url: "https://back/"}}}})
		_, _ = mail.Publish(r.Context(), &gpubsub.Message{Data: []byte("m-1")}).Get(r.Context())
		w := photos.Object("a.jpg").NewWriter(r.Context())
		_, _ = w.Write([]byte("a picture"))
		_ = w.Close()
		if resp, err := env.HTTPClient().Get("https://back/"); err == nil {
			_ = resp.Body.Close()
		}
	}), nil
}
