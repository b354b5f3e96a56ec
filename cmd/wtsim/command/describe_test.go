package command

import (
	"context"
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"

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
		return sim.Function{Name: name, New: func(env *sim.Env) (sim.Handler, error) {
			c := redis.Client(env, "redis", nil)
			return sim.OnMessage(func(ctx context.Context, m sim.Message) error {
				probe.Emit(ctx, "KEPT", map[string]any{"id": string(m.Data)})
				return c.Set(ctx, "kept", m.Data, 0).Err()
			}), nil
		}}
	}
	mail, thumb := keep("mail"), keep("thumb")
	mail.Triggers = []sim.Trigger{{Topic: "mail", Policy: sim.Policy{DeadLetter: "dead", Ordered: true, Filter: `attributes.lang = "en"`}}}
	thumb.Triggers = []sim.Trigger{{Event: "google.cloud.storage.object.v1.finalized", Match: map[string]string{"bucket": "photos"}}}
	return sim.Scenario{
		Name: "test/everything", Doc: "of the tests", Relies: []string{"tasks/names"},
		Services: []probe.Service{redis.New("redis").With("b", "2").With("a", "1").Replicated(), gcs.New("photos"), pubsub.New(), tasks.New()},
		Functions: []sim.Function{
			{Name: "front", MinInstances: 1, AlwaysOn: true, ColdStart: time.Second, Timeout: 90 * time.Second, New: front},
			{Name: "back", Handler: sim.HTTPFunc(func(http.ResponseWriter, *http.Request) {})},
			mail, thumb,
		},
		Subscriptions: []sim.Subscription{{Name: "inbox", Topic: "mail", ExactlyOnce: true}},
		Jobs:          []sim.Job{{Name: "nightly", Cron: "30 2 * * *", Ticks: 1, Function: "back"}, {Name: "hourly", Every: time.Hour, Ticks: 2, Topic: "mail", JobPolicy: sim.JobPolicy{Retries: 1}}},
		Queues:        []sim.Queue{{Name: "later"}},
		Clients:       []sim.Client{{Name: `"eve" <b> #1; & \n`, Retries: 1, Requests: []sim.Request{{Function: "front"}, {Function: "back", Method: "GET", Path: "/x"}}}},
		Rules: []probe.Rule{{Service: "pubsub", Method: "publish", Each: "request.messages", Where: map[string]string{"resource": "mail"}, Emit: "SENT",
			With: map[string]string{"id": "each.data", "by": "=front"}}},
		Properties: []*props.Property{props.Eventually("what is sent is kept", props.On("SENT", "id"), props.On("KEPT", "id"))},
		Faults:     sim.Faults{Kinds: []string{sim.Crash, sim.Fail}, Most: 1, Functions: []string{"front"}, Services: []string{"gcs"}, Skew: time.Second},
	}
}

// front does one of everything.
func front(env *sim.Env) (sim.Handler, error) {
	later, photos, topic := tasks.Client(env), gcs.Client(env).Bucket("photos"), env.Topic("mail")
	return sim.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
		const queue = "projects/p/locations/l/queues/later"
		_, _ = later.CreateTask(r.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queue, Task: &cloudtaskspb.Task{
			MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{Url: "https://back/"}}}})
		_, _ = topic.Publish(r.Context(), []byte("m-1"))
		w := photos.Object("a.jpg").NewWriter(r.Context())
		_, _ = w.Write([]byte("a picture"))
		_ = w.Close()
		if resp, err := env.HTTPClient().Get("https://back/"); err == nil {
			_ = resp.Body.Close()
		}
	}), nil
}

// Durations are told without what is zero.
func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 90 * time.Second: "1m30s", time.Minute: "1m", time.Hour: "1h", 90 * time.Minute: "1h30m",
		24 * time.Hour: "24h", time.Hour + time.Second: "1h0m1s", 100 * time.Millisecond: "100ms", 10 * time.Minute: "10m",
	} {
		if got := short(d); got != want {
			t.Errorf("%d: got %s, wanted %s", d, got, want)
		}
	}
}
