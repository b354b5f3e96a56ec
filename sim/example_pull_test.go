package sim_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	gpubsub "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/storage"
	"github.com/cloudevents/sdk-go/v2/event"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/eventarc"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/tasks"
	"github.com/wtsim/wtsim/sim"
)

// clientExample returns one of the scenarios whose texts are about the real
// clients of Pub/Sub and Cloud Tasks.
func clientExample(name string) (sim.Scenario, bool) {
	sends, one := publishesTogether("send", "mail"), calls("alice", "send/1")
	pull := func(s pubsub.Subscription) func(*sim.Scenario) {
		s.Name, s.Topic = "inbox", "mail"
		return func(x *sim.Scenario) {
			put(x, pubsub.New("pubsub").Pulled(s))
		}
	}
	queue := func(q tasks.Queue) func(*sim.Scenario) {
		return func(s *sim.Scenario) {
			q.Name = "later"
			put(s, tasks.New("tasks").With(q))
		}
	}
	s, ok := map[string]func() sim.Scenario{
		"publisher": func() sim.Scenario {
			return scenario(sends, calls("alice", "send/1,2,3?lang=en"), on("work", emitsData, pubsub.Trigger{Topic: "mail"}), pull(pubsub.Subscription{}))
		},
		"nowhere": func() sim.Scenario {
			return scenario(publishesTogether("send", "nowhere"), told(one, 0), pull(pubsub.Subscription{}))
		},
		"worker": func() sim.Scenario {
			return scenario(sends, one, receives(150*time.Millisecond), pull(pubsub.Subscription{}))
		},
		"slow-worker": func() sim.Scenario {
			return scenario(sends, one, receives(25*time.Second), pull(pubsub.Subscription{}))
		},
		"batch": func() sim.Scenario {
			return scenario(sends, calls("alice", "send/1,2", "batch", "pause", "batch"), pullsBatch("batch", time.Second), pauses(10*time.Second), pull(pubsub.Subscription{}))
		},
		"slow-batch": func() sim.Scenario {
			return scenario(sends, calls("alice", "send/1", "batch", "batch"), pullsBatch("batch", 12*time.Second), pull(pubsub.Subscription{}))
		},
		"exactly-once": func() sim.Scenario {
			return scenario(sends, calls("alice", "send/1", "batch", "batch"), pullsBatch("batch", 12*time.Second), pull(pubsub.Subscription{ExactlyOnce: true}))
		},
		"tasks": func() sim.Scenario {
			return scenario(enqueues("plan"), runs("work", 200), calls("alice", "plan/a", "plan/a", "plan/b?in=60s"), queue(tasks.Queue{}))
		},
		"failing-tasks": func() sim.Scenario {
			return scenario(enqueues("plan"), runs("work", 500), calls("alice", "plan/a"), queue(tasks.Queue{MaxAttempts: 4}))
		},
		"slow-queue": func() sim.Scenario {
			return scenario(enqueues("plan"), runs("work", 200), calls("alice", "plan/a", "plan/b", "plan/c"), queue(tasks.Queue{PerSecond: 1, Concurrent: 1}))
		},
	}[name]
	if !ok {
		return storeExample(name)
	}
	return s(), true
}

// publishesTogether publishes the parts of its path in one batch, with the
// query as attributes.
func publishesTogether(name, topic string) sim.Function {
	return sim.Function{Name: name, New: func(env cloud.Env) (cloud.Handler, error) {
		p := pubsub.Client(env, "pubsub").Publisher(topic)
		return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
			var results []*gpubsub.PublishResult
			for _, data := range strings.Split(strings.Trim(r.URL.Path, "/"), ",") {
				m := &gpubsub.Message{Data: []byte(data), Attributes: map[string]string{}}
				for k := range r.URL.Query() {
					m.Attributes[k] = r.URL.Query().Get(k)
				}
				results = append(results, p.Publish(r.Context(), m))
			}
			for _, result := range results {
				if _, err := result.Get(r.Context()); err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
				}
			}
		}), nil
	}}
}

// receives is a worker that receives for as long as it lives. (The client
// sends acknowledgements and extensions of leases by tickers of 100 ms that
// meet in one select: what takes 150 ms keeps the two apart.)
func receives(takes time.Duration) sim.Function {
	return sim.Function{Name: "worker", MinInstances: 1, AlwaysOn: true, New: func(env cloud.Env) (cloud.Handler, error) {
		k := newKit(env)
		s := pubsub.Client(env, "pubsub").Subscriber("inbox")
		go func() {
			_ = s.Receive(env.Context(), func(ctx context.Context, m *gpubsub.Message) {
				time.Sleep(takes)
				k.redis.Incr(ctx, "got:"+string(m.Data))
				m.Ack()
			})
		}()
		return cloud.HTTPFunc(func(http.ResponseWriter, *http.Request) {}), nil
	}}
}

// pullsBatch pulls what there is, works on it, and acknowledges it.
func pullsBatch(name string, takes time.Duration) sim.Function { return pullsUpTo(name, 10, takes) }

func pullsUpTo(name string, most int32, takes time.Duration) sim.Function {
	return sim.Function{Name: name, New: func(env cloud.Env) (cloud.Handler, error) {
		k := newKit(env)
		client := pubsub.Client(env, "pubsub")
		return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
			inbox := "projects/wtsim/subscriptions/inbox"
			resp, err := client.SubscriptionAdminClient.Pull(r.Context(), &pubsubpb.PullRequest{Subscription: inbox, MaxMessages: most})
			if err != nil || len(resp.ReceivedMessages) == 0 {
				return
			}
			time.Sleep(takes)
			var ids []string
			for _, m := range resp.ReceivedMessages {
				k.redis.Incr(r.Context(), "got:"+string(m.Message.Data))
				ids = append(ids, m.AckId)
			}
			if err := client.SubscriptionAdminClient.Acknowledge(r.Context(), &pubsubpb.AcknowledgeRequest{Subscription: inbox, AckIds: ids}); err != nil {
				emits(k, r.Context(), "ACK_FAILED", err)
			}
		}), nil
	}}
}

// enqueues makes a named task for "work", to be run after the time that the
// query says.
func enqueues(name string) sim.Function {
	return sim.Function{Name: name, New: func(env cloud.Env) (cloud.Handler, error) {
		client := tasks.Client(env, "tasks")
		return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
			const queue = "projects/wtsim/locations/europe-west1/queues/later"
			t := &cloudtaskspb.Task{Name: queue + "/tasks" + r.URL.Path, MessageType: &cloudtaskspb.Task_HttpRequest{
				HttpRequest: &cloudtaskspb.HttpRequest{Url: "https://work" + r.URL.Path, Body: []byte("x")}}}
			if in, err := time.ParseDuration(r.URL.Query().Get("in")); err == nil {
				t.ScheduleTime = timestamppb.New(time.Now().Add(in))
			}
			if _, err := client.CreateTask(r.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queue, Task: t}); err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
			}
		}), nil
	}}
}

// runs is what tasks invoke.
func runs(name string, status int) sim.Function {
	return serves(name, func(k *kit, w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text, _ := json.Marshal(map[string]string{"path": r.URL.Path, "body": string(body), "retries": r.Header.Get("X-CloudTasks-TaskRetryCount")})
		emits(k, r.Context(), "RUN", fmt.Sprint(string(text), r.Header.Get("X-CloudTasks-TaskName")))
		w.WriteHeader(status)
	})
}

// storeExample returns one of the scenarios whose texts are about what stores
// do besides answering.
func storeExample(name string) (sim.Scenario, bool) {
	photos := func(s *sim.Scenario) {
		put(s, pubsub.New("pubsub").Topics("photo-events"))
		put(s, gcs.New("gcs", "photos", "archive").Versioned("archive").Notify("photos", "photo-events"))
	}
	replicated := func(s *sim.Scenario) { s.Services[0] = redis.New("redis").Replicated() }
	finalized := eventarc.Trigger{Event: "google.cloud.storage.object.v1.finalized", Match: map[string]string{"bucket": "photos"}}
	s, ok := map[string]func() sim.Scenario{
		"upload": func() sim.Scenario {
			return scenario(uploads("upload"), calls("alice", "upload/a.jpg", "upload/a.jpg"), on("thumb", takesObject, finalized),
				on("log", takesNotification, pubsub.Trigger{Topic: "photo-events"}), photos)
		},
		"removed": func() sim.Scenario {
			return scenario(uploads("upload"), calls("alice", "upload/a.jpg?then=delete", "upload/b.jpg?then=update"), photos,
				on("gone", takesObject, eventarc.Trigger{Event: "google.cloud.storage.object.v1.deleted", Match: map[string]string{"bucket": "ph*"}}),
				on("meta", takesObject, eventarc.Trigger{Event: "google.cloud.storage.object.v1.metadataUpdated", Match: map[string]string{"subject": "objects/**"}}))
		},
		"archived": func() sim.Scenario {
			return scenario(uploads("upload"), calls("alice", "upload/a.jpg?bucket=archive", "upload/a.jpg?bucket=archive"), photos,
				on("old", takesObject, eventarc.Trigger{Event: "google.cloud.storage.object.v1.archived"}))
		},
		"busy-object": func() sim.Scenario {
			return scenario(uploads("upload"), told(calls("alice", "upload/a.jpg", "upload/a.jpg"), 0), func(s *sim.Scenario) {
				s.Services = append(s.Services, gcs.New("gcs", "photos").RateLimited())
			})
		},
		"burst": func() sim.Scenario {
			return scenario(uploads("upload"), calls("alice", "upload/a.jpg"), calls("bob", "upload/a.jpg"), on("thumb", takesObject, finalized), photos,
				func(s *sim.Scenario) { put(s, eventarc.New("eventarc").Merging()) })
		},
		"failover": func() sim.Scenario {
			return scenario(serves("count", count), calls("alice", "count", "count"), replicated)
		},
		"replica": func() sim.Scenario {
			return scenario(readsReplica("read"), serves("count", count), calls("alice", "count", "count", "read"), replicated)
		},
	}[name]
	if !ok {
		return sim.Scenario{}, false
	}
	return s(), true
}

// uploads stores an object, and may then delete it, or update its metadata.
func uploads(name string) sim.Function {
	return sim.Function{Name: name, New: func(env cloud.Env) (cloud.Handler, error) {
		client := gcs.Client(env, "gcs")
		return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
			o := client.Bucket(cmp.Or(r.URL.Query().Get("bucket"), "photos")).Object(strings.Trim(r.URL.Path, "/"))
			out := o.NewWriter(r.Context())
			_, _ = io.WriteString(out, "picture")
			err := out.Close()
			switch r.URL.Query().Get("then") {
			case "delete":
				err = o.Delete(r.Context())
			case "update":
				_, err = o.Update(r.Context(), storage.ObjectAttrsToUpdate{ContentType: "image/jpeg"})
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		}), nil
	}}
}

// takesObject is a function in the style of the samples for storage events.
func takesObject(k *kit) cloud.Handler {
	return gcp.OnEvent(func(ctx context.Context, e event.Event) error {
		var o struct{ Bucket, Name, Metageneration, ContentType string }
		if err := e.DataAs(&o); err != nil {
			return err
		}
		emits(k, ctx, "OBJECT", fmt.Sprintln(e.Source(), e.Subject(), e.Type(), e.Extensions()["bucket"], o))
		return nil
	})
}

func takesNotification(k *kit) cloud.Handler {
	return gcp.OnMessage(func(ctx context.Context, m gcp.Message) error {
		emits(k, ctx, "NOTIFIED", fmt.Sprint(m.Attributes["eventType"], m.Attributes["bucketId"], m.Attributes["objectId"], m.Attributes["payloadFormat"]))
		return nil
	})
}

func readsReplica(name string) sim.Function {
	return sim.Function{Name: name, New: func(env cloud.Env) (cloud.Handler, error) {
		k, replica := newKit(env), redis.Replica(env, "redis", nil)
		return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
			emits(k, r.Context(), "READ", replica.Get(r.Context(), "n").Val())
		}), nil
	}}
}
