package config

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/cron"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/fakes/eventarc"
	"github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/fakes/tasks"
	"github.com/wtsim/wtsim/fakes/web"
)

// service is one of any kind; what a kind does not have is refused.
type service struct {
	Kind          string         `yaml:"kind" doc:"what it is"`
	At            []string       `yaml:"at" doc:"addresses at which programs have it written down: hosts, or hosts and ports"`
	Commands      [][]string     `yaml:"commands" doc:"of a Redis: what is done before a run"`
	Of            string         `yaml:"of" doc:"the Redis whose read replicas they are"`
	Replicated    bool           `yaml:"replicated" doc:"a Redis with a replica, or a PostgreSQL with a standby, that may lose what it has acknowledged"`
	Synchronous   bool           `yaml:"synchronous" doc:"a PostgreSQL whose commits wait for a standby, where the session does not say otherwise"`
	Buckets       []string       `yaml:"buckets" doc:"of a Cloud Storage, or an S3"`
	Objects       []object       `yaml:"objects" doc:"what is there before a run"`
	Topics        []string       `yaml:"topics" doc:"of a Pub/Sub, those that no trigger and no subscription names; of an SNS all"`
	Subscriptions []subscription `yaml:"subscriptions" doc:"of a Pub/Sub those that are pulled; of an SNS those of queues"`
	Queues        []queue        `yaml:"queues" doc:"of a Cloud Tasks, or an SQS"`
	Jobs          []job          `yaml:"jobs" doc:"of a Cloud Scheduler"`
	Documents     []document     `yaml:"documents" doc:"of a Firestore: what is there before a run"`
	Indexes       []index        `yaml:"indexes" doc:"those that are not there by themselves"`
	Optimistic    bool           `yaml:"optimistic" doc:"a Firestore whose transactions lock nothing"`
	Secrets       []secret       `yaml:"secrets" doc:"of a Secret Manager, or AWS's Secrets Manager, that are there before a run"`
	Status        int            `yaml:"status" doc:"what somebody else's service answers: 200, if it is not said"`
	Body          string         `yaml:"body" doc:"its answer's body"`
	SQL           []string       `yaml:"sql" doc:"of a PostgreSQL: files of statements that make its tables and fill them, from this file's folder; or patterns, such as migrations/*.up.sql"`
	AWS           ofAWS          `yaml:",inline"`
}

type object struct {
	Bucket  string `yaml:"bucket"`
	Name    string `yaml:"name"`
	Content string `yaml:"content"`
}

type document struct {
	Path    string `yaml:"path" doc:"such as users/u1"`
	Content string `yaml:"content" doc:"its fields, as JSON"`
}

type index struct {
	Collection string   `yaml:"collection" doc:"its id"`
	Group      bool     `yaml:"group" doc:"the scope is the collection group"`
	Fields     []string `yaml:"fields" doc:"paths, with \" desc\" or \" contains\" behind them or nothing"`
}

type subscription struct {
	Name        string   `yaml:"name"`
	Topic       string   `yaml:"topic" doc:"whose messages"`
	AckDeadline duration `yaml:"ack-deadline"`
	ExactlyOnce bool     `yaml:"exactly-once"`
	Queue       string   `yaml:"queue" doc:"of SNS: the queue of SQS that is subscribed"`
	Filter      string   `yaml:"filter" doc:"of SNS: a filter policy, as JSON"`
	OnBody      bool     `yaml:"on-body" doc:"of SNS: the filter is over bodies"`
	Raw         bool     `yaml:"raw" doc:"of SNS: without an envelope"`
	DeadLetter  string   `yaml:"dead-letter" doc:"of SNS: the queue of what could not be delivered"`
}

type queue struct {
	Name        string   `yaml:"name"`
	MaxAttempts int      `yaml:"max-attempts"`
	MinBackoff  duration `yaml:"min-backoff"`
	MaxBackoff  duration `yaml:"max-backoff"`
	Visibility  duration `yaml:"visibility" doc:"of SQS: how long a message that was received is not to be seen"`
	Delay       duration `yaml:"delay" doc:"of SQS: how long one that was sent is not"`
	Wait        duration `yaml:"wait" doc:"of SQS: how long a receive waits that does not say"`
	Retention   duration `yaml:"retention" doc:"of SQS: how long a message is kept: 96h, if it is not said"`
	DeadLetter  string   `yaml:"dead-letter" doc:"of SQS: the queue to which a message goes that was received too often"`
	MaxReceives int      `yaml:"max-receives" doc:"of SQS: how often that is"`
	ByContent   bool     `yaml:"by-content" doc:"of SQS: the content is a message's deduplication id"`
}

type table struct {
	Name    string       `yaml:"name"`
	Keys    string       `yaml:"keys" doc:"names and types: user S, at N"`
	Stream  string       `yaml:"stream" doc:"what it shows of items: KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or NEW_AND_OLD_IMAGES"`
	TTL     string       `yaml:"ttl" doc:"the attribute that holds an item's time to live"`
	Indexes []tableIndex `yaml:"indexes"`
}

type tableIndex struct {
	Name     string `yaml:"name"`
	Keys     string `yaml:"keys" doc:"as a table's"`
	Local    bool   `yaml:"local" doc:"it has the table's partition key"`
	Projects string `yaml:"projects" doc:"ALL, if it is not said, KEYS_ONLY, or names of attributes, with commas between"`
}

type storedItem struct {
	Table string `yaml:"table"`
	Item  string `yaml:"item" doc:"JSON with types"`
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

func (s *service) redisReplica(name string, in *file) (cloud.Service, error) {
	for _, x := range in.Services {
		if x.name == s.Of && x.value.Kind == "redis" {
			return redis.Reader(name, s.Of).At(s.At...), nil
		}
		if x.name == name {
			break
		}
	}
	return nil, fmt.Errorf("it is of %q, wanted the name of a service of kind redis that stands before it", s.Of)
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

func (s *service) firestore(name string, _ *file) (cloud.Service, error) {
	f := firestore.New(name).At(s.At...)
	for _, d := range s.Documents {
		fields, err := d.fields()
		if err != nil {
			return nil, err
		}
		f = f.With(d.Path, fields)
	}
	for _, x := range s.Indexes {
		f = f.Indexed(firestore.Index{Collection: x.Collection, Group: x.Group, Fields: x.Fields})
	}
	if s.Optimistic {
		f = f.Optimistic()
	}
	return f, nil
}

// fields are those of a document; a number without a point is an integer.
func (d *document) fields() (map[string]any, error) {
	var out map[string]any
	decoder := json.NewDecoder(strings.NewReader(d.Content))
	decoder.UseNumber()
	if err := decoder.Decode(&out); err != nil {
		return nil, fmt.Errorf("document %q: its content is %q, wanted an object of JSON", d.Path, d.Content)
	}
	return numbered(out).(map[string]any), nil
}

func numbered(x any) any {
	switch x := x.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, v := range x {
			out[k] = numbered(v)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, v := range x {
			out[i] = numbered(v)
		}
		return out
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		f, _ := x.Float64() // JSON has no other numbers
		return f
	}
	return x
}

func (s *service) sqs(name string) cloud.Service {
	out := sqs.New(name).At(s.At...)
	for _, q := range s.Queues {
		out = out.With(sqs.Queue{Name: q.Name, Visibility: time.Duration(q.Visibility), Delay: time.Duration(q.Delay),
			Wait: time.Duration(q.Wait), Retention: time.Duration(q.Retention), DeadLetter: q.DeadLetter, MaxReceives: q.MaxReceives, ByContent: q.ByContent})
	}
	return out
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

func (s *service) dynamodb(name string) cloud.Service {
	var tables []dynamodb.Table
	for _, t := range s.AWS.Tables {
		out := dynamodb.Table{Name: t.Name, Keys: t.Keys, Stream: t.Stream, TTL: t.TTL}
		for _, x := range t.Indexes {
			out.Indexes = append(out.Indexes, dynamodb.Index{Name: x.Name, Keys: x.Keys, Local: x.Local, Projects: x.Projects})
		}
		tables = append(tables, out)
	}
	out := dynamodb.New(name, tables...).Deletes(time.Duration(s.AWS.Deletes)).At(s.At...)
	for _, i := range s.AWS.Items {
		out = out.With(i.Table, i.Item)
	}
	return out
}
