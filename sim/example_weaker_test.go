package sim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/storage"
	"github.com/cloudevents/sdk-go/v2/event"
	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/cron"
	"github.com/wtsim/wtsim/fakes/eventarc"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/tasks"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

// relying returns, for each guarantee, a scenario that holds because of it.
func relying() map[string]sim.Scenario {
	all := relyingOnDelivery()
	for name, s := range relyingOnStores() {
		all[name] = s
	}
	return all
}

func relyingOnDelivery() map[string]sim.Scenario {
	kept := must(props.Eventually("what is promised is done", props.On("PROMISED"), props.On("SET")))
	done := must(props.Exists("it is done", props.On("SET"), props.Always()))
	sends := publishes("send", "mail")
	published := ruled("pubsub", "publish", "PROMISED")
	queue := func(s *sim.Scenario) {
		put(s, tasks.New("tasks").With(tasks.Queue{Name: "later"}))
	}
	return map[string]sim.Scenario{
		"clients/retries": scenario(serves("work", marks), told(calls("alice", "work/1"), 3), done),
		"eventarc/retries": scenario(uploads("upload"), calls("alice", "upload/1"), ruled("gcs", "objects.insert", "PROMISED"), kept,
			on("work", marksEvents, eventarc.Trigger{Event: "google.cloud.storage.object.v1.finalized"}),
			func(s *sim.Scenario) { s.Services = append(s.Services, gcs.New("gcs", "photos")) }),
		"pubsub/retries": scenario(sends, calls("alice", "send/1"), published, kept, on("work", marksMessages, pubsub.Trigger{Topic: "mail"})),
		"pubsub/dead-letters": scenario(sends, calls("alice", "send/1"), published, kept,
			on("work", fails, pubsub.Trigger{Topic: "mail", Policy: gcp.Policy{DeadLetter: "dead"}}), on("bury", marksMessages, pubsub.Trigger{Topic: "dead"})),
		"pubsub/order": scenario(sends, calls("alice", "send/1?key=a", "send/2?key=a"),
			on("work", emitsNumber, pubsub.Trigger{Topic: "mail", Policy: gcp.Policy{Ordered: true}}),
			must(props.NeverBefore("two comes after one", props.On("GOT_2"), props.On("GOT_1"))), func(s *sim.Scenario) {
				s.Faults.Kinds = []string{cloud.RunOther, cloud.Reorder} // one that is not published does not come
			}),
		"pubsub/exactly-once": scenario(sends, calls("alice", "send/1", "batch", "batch"), pullsOnce("batch"),
			must(props.AtMostOnce("handled once", props.On("HANDLED", "data"))), func(s *sim.Scenario) {
				put(s, pubsub.New("pubsub").Pulled(pubsub.Subscription{Name: "inbox", Topic: "mail", ExactlyOnce: true}))
				s.Faults.Kinds = []string{cloud.Duplicate, cloud.Redeliver} // a lease may end before the acknowledgement
			}),
		"scheduler/retries": scenario(serves("work", marks), done, func(s *sim.Scenario) {
			put(s, cron.New("scheduler").With(cron.Job{Name: "hourly", Every: time.Hour, Ticks: 1, Function: "work", Request: cloud.Request{Path: "/1"}, Retries: 5}))
		}),
		"tasks/names": scenario(enqueues("plan"), runs("work", 200), calls("alice", "plan/a", "plan/a"), queue,
			must(props.AtMostOnce("run once", props.On("RUN", "data"))), func(s *sim.Scenario) { s.Faults.Most = -1 }),
		"tasks/retries": scenario(enqueues("plan"), serves("work", marks), calls("alice", "plan/a"), queue, ruled("tasks", "createTask", "PROMISED"), kept),
	}
}

func relyingOnStores() map[string]sim.Scenario {
	two := func(function string) []any { return []any{calls("alice", function+"/a"), calls("bob", function+"/b")} }
	add := func(parts ...any) sim.Scenario {
		return scenario(append(parts, func(s *sim.Scenario) { s.Services[0] = redis.New("redis").With("left", "2") })...)
	}
	sums := must(props.AtQuiescence("what is left and what was taken add up", addsUp))
	return map[string]sim.Scenario{
		"gcs/preconditions": scenario(append(two("create"), creates("create"), ruled("gcs", "objects.insert", "CREATED"),
			must(props.AtMostOnce("created once", props.On("CREATED"))), func(s *sim.Scenario) { s.Services = append(s.Services, gcs.New("gcs", "b")) })...),
		"redis/set-if-absent": scenario(append(two("claim"), serves("claim", claims), must(props.AtMostOnce("claimed once", props.On("CLAIMED"))))...),
		"redis/watch":         add(append(two("take"), serves("take", takesOne), sums)...),
		"redis/transactions":  add(append(two("take"), serves("take", takesOne), sums)...),
		"redis/scripts":       add(append(two("take"), serves("take", takesByScript), sums)...),
		"redis/expiry": scenario(serves("work", marksUnderLock), told(calls("alice", "work/1"), 5), must(props.Exists("it is done", props.On("DONE"), props.Always())),
			func(s *sim.Scenario) {
				s.Clients[0].Backoff = time.Minute
				s.Rules = []probe.Rule{{Service: "redis", Method: "SET", Resource: "done:{key}", Emit: "DONE"}}
			}),
		"web/idempotency-key": scenario(serves("pay", pays), told(calls("alice", "pay/1"), 3), provider(newProvider),
			must(props.AtMostOnce("charged once", props.On("NEW_CHARGE")))),
		"web/conditions": scenario(append(two("sign"), serves("sign", signs), provider(newDocument),
			must(props.AtQuiescence("no signature is lost", signaturesStay)))...),
	}
}

// marks sets a key that is named after the path.
func marks(k *kit, w http.ResponseWriter, r *http.Request) {
	if err := k.redis.Set(r.Context(), "done:"+strings.Trim(r.URL.Path, "/"), "yes", 0).Err(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

func marksMessages(k *kit) cloud.Handler {
	return gcp.OnMessage(func(ctx context.Context, m gcp.Message) error {
		return k.redis.Set(ctx, "done:"+string(m.Data), "yes", 0).Err()
	})
}

func marksEvents(k *kit) cloud.Handler {
	return gcp.OnEvent(func(ctx context.Context, e event.Event) error {
		return k.redis.Set(ctx, "done:"+e.ID(), "yes", 0).Err()
	})
}

// marksUnderLock leaves the lock to its time to live.
func marksUnderLock(k *kit, w http.ResponseWriter, r *http.Request) {
	if mine, err := k.redis.SetNX(r.Context(), "lock", "taken", 30*time.Second).Result(); err != nil || !mine {
		http.Error(w, "locked", http.StatusServiceUnavailable)
		return
	}
	marks(k, w, r)
}

func emitsNumber(k *kit) cloud.Handler {
	return gcp.OnMessage(func(ctx context.Context, m gcp.Message) error {
		emits(k, ctx, "GOT_"+string(m.Data), "")
		return nil
	})
}

// pullsOnce handles what there is.
func pullsOnce(name string) sim.Function {
	return sim.Function{Name: name, New: func(env cloud.Env) (cloud.Handler, error) {
		client := pubsub.Client(env, "pubsub").SubscriptionAdminClient
		return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
			const inbox = "projects/wtsim/subscriptions/inbox"
			resp, err := client.Pull(r.Context(), &pubsubpb.PullRequest{Subscription: inbox, MaxMessages: 1})
			if err != nil || len(resp.ReceivedMessages) == 0 {
				return
			}
			m := resp.ReceivedMessages[0]
			probe.Emit(r.Context(), "HANDLED", map[string]any{"data": string(m.Message.Data)})
			_ = client.Acknowledge(r.Context(), &pubsubpb.AcknowledgeRequest{Subscription: inbox, AckIds: []string{m.AckId}})
		}), nil
	}}
}

// creates makes an object that is not there.
func creates(name string) sim.Function {
	return sim.Function{Name: name, New: func(env cloud.Env) (cloud.Handler, error) {
		o := gcs.Client(env, "gcs").Bucket("b").Object("o").If(storage.Conditions{DoesNotExist: true})
		return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
			w := o.NewWriter(r.Context())
			_, _ = io.WriteString(w, r.URL.Path)
			_ = w.Close()
		}), nil
	}}
}

func claims(k *kit, _ http.ResponseWriter, r *http.Request) {
	if mine, err := k.redis.SetNX(r.Context(), "owner", r.URL.Path, 0).Result(); err == nil && mine {
		emits(k, r.Context(), "CLAIMED", "")
	}
}

// takesOne takes one of what is left, in a transaction.
func takesOne(k *kit, w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	err := k.redis.Watch(ctx, func(tx *goredis.Tx) error {
		left, err := tx.Get(ctx, "left").Int()
		if err != nil || tx.Exists(ctx, "taken"+r.URL.Path).Val() > 0 {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p goredis.Pipeliner) error {
			p.Set(ctx, "left", left-1, 0)
			p.Set(ctx, "taken"+r.URL.Path, "yes", 0)
			return nil
		})
		return err
	}, "left")
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

var takeScript = goredis.NewScript(`
if redis.call("EXISTS", KEYS[2]) == 1 then return 0 end
redis.call("SET", KEYS[1], redis.call("GET", KEYS[1]) - 1)
redis.call("SET", KEYS[2], "yes")
return 1`)

func takesByScript(k *kit, w http.ResponseWriter, r *http.Request) {
	if err := takeScript.Run(r.Context(), k.redis, []string{"left", "taken" + r.URL.Path}).Err(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

func addsUp(s props.State) error {
	left, _ := s.Get("redis", "left")
	taken := 0
	for _, key := range s.Keys("redis") {
		if strings.HasPrefix(key, "taken/") {
			taken++
		}
	}
	if left != fmt.Sprint(2-taken) {
		return fmt.Errorf("%d were taken of 2, and %s are left", taken, left)
	}
	return nil
}

// provider stands at api.example.
func provider(open func() http.Handler) func(*sim.Scenario) {
	return func(s *sim.Scenario) {
		s.Services[1] = web.New("api.example", open)
		s.Rules = []probe.Rule{{Service: "api.example", Method: "POST", Where: map[string]string{"status": "201"}, Emit: "NEW_CHARGE"}}
	}
}

// newProvider answers 201 once for each idempotency key.
func newProvider() http.Handler {
	known := map[string]bool{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if !known[key] {
			w.WriteHeader(http.StatusCreated)
		}
		known[key] = true
	})
}

func pays(k *kit, w http.ResponseWriter, r *http.Request) {
	if err := calling(k, r, http.MethodPost, "", "Idempotency-Key", r.URL.Path); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

// document is a text with a version, which a PUT has to name.
type document struct {
	version int
	text    string
}

func newDocument() http.Handler { return &document{} }

func (d *document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tag := fmt.Sprintf(`"%d"`, d.version)
	w.Header().Set("ETag", tag)
	switch match := r.Header.Get("If-Match"); {
	case r.Method == http.MethodGet:
		_, _ = io.WriteString(w, d.text)
	case match != "" && match != tag:
		w.WriteHeader(http.StatusPreconditionFailed)
	default:
		body, _ := io.ReadAll(r.Body)
		d.version, d.text = d.version+1, string(body)
	}
}

func (d *document) Contents() []cloud.Content {
	return []cloud.Content{{Key: "document", Value: d.text}}
}

// signs adds a name to the document, and notes when it has.
func signs(k *kit, w http.ResponseWriter, r *http.Request) {
	resp, err := k.env.HTTPClient().Get("https://api.example/document")
	if err == nil && resp.StatusCode >= 300 {
		err = errors.New(resp.Status)
	}
	if err == nil {
		text, _ := io.ReadAll(resp.Body)
		err = calling(k, r, http.MethodPut, string(text)+r.URL.Path, "If-Match", resp.Header.Get("ETag"))
	}
	if err == nil {
		err = k.redis.Set(r.Context(), "signed"+r.URL.Path, "yes", 0).Err()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

func signaturesStay(s props.State) error {
	text, _ := s.Get("api.example", "document")
	for _, key := range s.Keys("redis") {
		if name, ok := strings.CutPrefix(key, "signed"); ok && !strings.Contains(text, name) {
			return fmt.Errorf("%s has signed, and %q does not say so", name, text)
		}
	}
	return nil
}

// calling sends a request with a header.
func calling(k *kit, r *http.Request, method, body, header, value string) error {
	req, err := http.NewRequestWithContext(r.Context(), method, "https://api.example/document", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set(header, value)
	resp, err := k.env.HTTPClient().Do(req)
	if err == nil && resp.StatusCode >= 300 {
		err = errors.New(resp.Status)
	}
	return err
}
