package config

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/cron"
	"github.com/wtsim/wtsim/fakes/eventarc"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/tasks"
	"github.com/wtsim/wtsim/fakes/web"
)

// service is one of any kind; what a kind does not have is refused.
type service struct {
	Kind          string         `yaml:"kind" doc:"what it is"`
	At            []string       `yaml:"at" doc:"addresses at which programs have it written down: hosts, or hosts and ports"`
	Commands      [][]string     `yaml:"commands" doc:"of a Redis: what is done before a run"`
	Replicated    bool           `yaml:"replicated" doc:"a Redis with a replica, that may lose what it has acknowledged"`
	Buckets       []string       `yaml:"buckets" doc:"of a Cloud Storage"`
	Objects       []object       `yaml:"objects" doc:"what is there before a run"`
	Topics        []string       `yaml:"topics" doc:"of a Pub/Sub, those that no trigger and no subscription names"`
	Subscriptions []subscription `yaml:"subscriptions" doc:"those that are pulled"`
	Queues        []queue        `yaml:"queues" doc:"of a Cloud Tasks"`
	Jobs          []job          `yaml:"jobs" doc:"of a Cloud Scheduler"`
	Status        int            `yaml:"status" doc:"what somebody else's service answers: 200, if it is not said"`
	Body          string         `yaml:"body" doc:"its answer's body"`
}

type object struct {
	Bucket  string `yaml:"bucket"`
	Name    string `yaml:"name"`
	Content string `yaml:"content"`
}

type subscription struct {
	Name        string   `yaml:"name"`
	Topic       string   `yaml:"topic" doc:"whose messages"`
	AckDeadline duration `yaml:"ack-deadline"`
	ExactlyOnce bool     `yaml:"exactly-once"`
}

type queue struct {
	Name        string   `yaml:"name"`
	MaxAttempts int      `yaml:"max-attempts"`
	MinBackoff  duration `yaml:"min-backoff"`
	MaxBackoff  duration `yaml:"max-backoff"`
}

type job struct {
	Name    string   `yaml:"name"`
	Cron    string   `yaml:"cron" doc:"when, in unix-cron format"`
	Every   duration `yaml:"every" doc:"the time between two ticks"`
	Ticks   int      `yaml:"ticks" doc:"how many there are"`
	Program string   `yaml:"program"`
	Topic   string   `yaml:"topic" doc:"to which a message goes, instead of a request to a program"`
	Method  string   `yaml:"method"`
	Path    string   `yaml:"path"`
	Body    string   `yaml:"body" doc:"of the request or the message"`
}

// trigger is one of the mappings.
type trigger struct {
	Topic string            `yaml:"topic" doc:"whose messages"`
	Push  bool              `yaml:"push" doc:"the message comes in the body, as a push subscription sends it"`
	Event string            `yaml:"event" doc:"whose events, by type"`
	Match map[string]string `yaml:"match" doc:"attributes that events must have"`
}

func (t *trigger) declare() (cloud.Trigger, error) {
	switch {
	case t.Topic != "" && t.Event == "":
		return pubsub.Trigger{Topic: t.Topic, Push: t.Push}, nil
	case t.Event != "" && t.Topic == "" && !t.Push:
		return eventarc.Trigger{Event: t.Event, Match: t.Match}, nil
	}
	return nil, fmt.Errorf("a trigger has a \"topic\" or an \"event\", wanted one of them (and push with a topic)")
}

// declare returns the service as a scenario in Go has it.
func (s *service) declare(name string) (cloud.Service, error) {
	declare, ok := map[string]func(string) cloud.Service{
		"redis": s.redis, "pubsub": s.pubsub, "gcs": s.gcs, "eventarc": s.eventarc, "tasks": s.tasks, "cron": s.cron, "web": s.web,
	}[s.Kind]
	if !ok {
		return nil, fmt.Errorf("kind %q, wanted redis, pubsub, gcs, eventarc, tasks, cron or web", s.Kind)
	}
	if what := s.foreign(); what != "" {
		return nil, fmt.Errorf("a service of kind %s has no %q", s.Kind, what)
	}
	return declare(name), nil
}

// foreign names a key that is another kind's; empty if there is none.
func (s *service) foreign() string {
	for _, x := range []struct {
		key  string
		set  bool
		kind string
	}{
		{"commands", s.Commands != nil, "redis"}, {"replicated", s.Replicated, "redis"}, {"buckets", s.Buckets != nil, "gcs"}, {"objects", s.Objects != nil, "gcs"},
		{"topics", s.Topics != nil, "pubsub"}, {"subscriptions", s.Subscriptions != nil, "pubsub"}, {"queues", s.Queues != nil, "tasks"}, {"jobs", s.Jobs != nil, "cron"},
		{"status", s.Status != 0, "web"}, {"body", s.Body != "", "web"},
	} {
		if x.set && x.kind != s.Kind {
			return x.key
		}
	}
	if s.At != nil && (s.Kind == "eventarc" || s.Kind == "cron") {
		return "at"
	}
	return ""
}

func (s *service) redis(name string) cloud.Service {
	r := redis.New(name).At(s.At...)
	for _, words := range s.Commands {
		r = r.WithCommand(words...)
	}
	if s.Replicated {
		r = r.Replicated()
	}
	return r
}

func (s *service) pubsub(name string) cloud.Service {
	p := pubsub.New(name).At(s.At...).Topics(s.Topics...)
	for _, x := range s.Subscriptions {
		p = p.Pulled(pubsub.Subscription{Name: x.Name, Topic: x.Topic, AckDeadline: time.Duration(x.AckDeadline), ExactlyOnce: x.ExactlyOnce})
	}
	return p
}

func (s *service) gcs(name string) cloud.Service {
	g := gcs.New(name, s.Buckets...).At(s.At...)
	for _, o := range s.Objects {
		g = g.With(o.Bucket, o.Name, o.Content)
	}
	return g
}

func (s *service) eventarc(name string) cloud.Service { return eventarc.New(name) }

func (s *service) tasks(name string) cloud.Service {
	t := tasks.New(name).At(s.At...)
	for _, q := range s.Queues {
		t = t.With(tasks.Queue{Name: q.Name, MaxAttempts: q.MaxAttempts, MinBackoff: time.Duration(q.MinBackoff), MaxBackoff: time.Duration(q.MaxBackoff)})
	}
	return t
}

func (s *service) cron(name string) cloud.Service {
	c := cron.New(name)
	for _, j := range s.Jobs {
		c = c.With(cron.Job{Name: j.Name, Cron: j.Cron, Every: time.Duration(j.Every), Ticks: j.Ticks, Function: j.Program, Topic: j.Topic,
			Request: cloud.Request{Method: j.Method, Path: j.Path, Body: j.Body}})
	}
	return c
}

// web is somebody else's service, which always answers the same.
func (s *service) web(name string) cloud.Service {
	status := s.Status
	cloud.SetDefault(&status, http.StatusOK)
	return web.New(name, func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, s.Body)
		})
	}).At(s.At...)
}
