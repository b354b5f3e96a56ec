// Package couriersim puts package courier under test.
package couriersim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.com/courier"

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

// Scenario returns two customers who send a parcel each.
func Scenario() sim.Scenario { return With(2) }

// Forgetful returns the same with a mail provider that knows no idempotency
// key, so that a retried reminder is sent twice.
func Forgetful() sim.Scenario {
	s := Scenario()
	s.Name, s.Doc = "courier/forgetful", "the mail provider knows no idempotency key"
	s.Expect = sim.Expect{Violation: true, Deviations: 1}
	s.Services = services(func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	})
	return s
}

// services are what the courier runs on; the mail provider is somebody else's.
func services(mail func() http.Handler) []cloud.Service {
	hourly := cron.Job{Name: "hourly", Every: time.Hour, Ticks: 2, Function: "route", Request: cloud.Request{Method: "GET", Path: "/bern"}}
	return []cloud.Service{
		gcs.New("gcs", "parcels", "labels"),
		pubsub.New("pubsub"),
		eventarc.New("eventarc"),
		tasks.New("tasks").With(tasks.Queue{Name: "reminders"}),
		cron.New("scheduler").With(hourly),
		redis.New("redis").WithCommand("HSET", "depots", "bern", "west"),
		web.New("mail.example", mail),
	}
}

// With returns a number of customers who send a parcel each.
func With(customers int) sim.Scenario {
	var clients []sim.Client
	for i := range customers {
		clients = append(clients, customer(fmt.Sprintf("customer-%d", i+1), fmt.Sprintf("p-%d", i+1)))
	}
	return sim.Scenario{
		Name: "courier", Doc: "parcels are labelled, sorted and their customers reminded",
		Platform:  gcp.CloudRun().Within(time.Minute),
		Services:  services(func() http.Handler { return &mail{sent: map[string]bool{}} }),
		Functions: functions(),
		Clients:   clients,
		Inputs:    map[string]any{"customers": customers},
		Rules: []probe.Rule{
			{Service: "mail.example", Where: map[string]string{"status": "202"}, Emit: "REMINDED", With: map[string]string{"parcel": "request.parcel"}},
			{Service: "gcs", Method: "objects.insert", Resource: "labels/{parcel}.txt", Emit: "LABELLED", With: map[string]string{"parcel": "{parcel}"}},
		},
		Properties: []*props.Property{
			props.AtQuiescence("every parcel is sorted", sorted),
			props.AtMostOnce("one label", props.On("LABELLED", "parcel")),
			props.AtMostOnce("one reminder", props.On("REMINDED", "parcel")),
		},
	}
}

func functions() []sim.Function {
	return []sim.Function{
		{Name: "book", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&courier.Book{Parcels: gcs.Client(env, "gcs").Bucket("parcels"), Booked: pubsub.Client(env, "pubsub").Publisher("booked")}), nil
		}},
		{Name: "label", New: func(env cloud.Env) (cloud.Handler, error) {
			f := &courier.Label{Parcels: gcs.Client(env, "gcs").Bucket("parcels"), Labels: gcs.Client(env, "gcs").Bucket("labels")}
			return gcp.OnEvent(f.Handle), nil
		}, Triggers: []cloud.Trigger{eventarc.Trigger{Event: "google.cloud.storage.object.v1.finalized", Match: map[string]string{"bucket": "parcels"}}}},
		{Name: "dispatch", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&courier.Dispatch{HTTP: env.HTTPClient(), Redis: redis.Client(env, "redis", nil), Tasks: tasks.Client(env, "tasks"),
				Queue: "projects/p/locations/l/queues/reminders"}), nil
		}, Triggers: []cloud.Trigger{pubsub.Trigger{Topic: "booked", Push: true, Policy: gcp.Policy{Filter: `attributes.kind = "parcel"`, DeadLetter: "lost", MaxAttempts: 5}}}},
		{Name: "route", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&courier.Route{Redis: redis.Client(env, "redis", nil)}), nil
		}},
		{Name: "remind", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&courier.Remind{Redis: redis.Client(env, "redis", nil), HTTP: env.HTTPClient()}), nil
		}},
	}
}

func customer(name, parcel string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{Function: "book", Body: fmt.Sprintf(`{"id":%q,"town":"bern"}`, parcel)}}}
}

// sorted wants every parcel that is recorded in a depot.
func sorted(s props.State) error {
	depot, _ := s.Get("redis", "depot:west")
	for _, key := range s.Keys("gcs") {
		file, ok := strings.CutPrefix(key, "parcels/")
		if parcel := strings.TrimSuffix(file, ".json"); ok && !strings.Contains(depot, strconv.Quote(parcel)) {
			return fmt.Errorf("%s is not in the depot, which holds %s", parcel, depot)
		}
	}
	return nil
}

// mail is the provider: it sends one mail a key, and answers a key that it
// knows with 200.
type mail struct {
	mu   sync.Mutex
	sent map[string]bool
}

func (m *mail) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if key := r.Header.Get("Idempotency-Key"); !m.sent[key] {
		m.sent[key] = true
		w.WriteHeader(http.StatusAccepted)
	}
}
