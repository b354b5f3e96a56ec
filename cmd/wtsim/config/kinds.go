package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
)

// kind is a kind of services: how one is declared, and which keys it has besides
// "kind".
type kind struct {
	name    string
	declare func(s *service, name string, in *file) (cloud.Service, error)
	keys    []string
}

// kinds are all, in the order in which people are told of them.
func kinds() []kind {
	return []kind{
		{"redis", always((*service).redis), []string{"at", "commands", "replicated"}},
		{"redis-replica", (*service).redisReplica, []string{"at", "of"}},
		{"postgres", (*service).postgres, []string{"at", "sql", "replicated", "synchronous"}},
		{"pubsub", always((*service).pubsub), []string{"at", "topics", "subscriptions"}},
		{"gcs", always((*service).gcs), []string{"at", "buckets", "objects"}},
		{"eventarc", always((*service).eventarc), nil},
		{"tasks", always((*service).tasks), []string{"at", "queues"}},
		{"firestore", (*service).firestore, []string{"at", "documents", "indexes", "optimistic"}},
		{"secretmanager", always((*service).secretManager), []string{"at", "secrets"}},
		{"logging", always((*service).logging), []string{"at"}},
		{"cron", always((*service).cron), []string{"jobs"}},
		{"web", always((*service).web), []string{"at", "status", "body"}},
		{"smtp", always((*service).smtp), []string{"at"}},
		{"lambda", (*service).lambda, []string{"at", "schedules", "async"}},
		{"sqs", always((*service).sqs), []string{"at", "queues"}},
		{"sns", always((*service).sns), []string{"at", "topics", "subscriptions"}},
		{"eventbridge", always((*service).eventbridge), []string{"at", "buses", "rules"}},
		{"dynamodb", always((*service).dynamodb), []string{"at", "tables", "items", "deletes"}},
		{"s3", always((*service).s3), []string{"at", "buckets", "versioned", "objects"}},
		{"secretsmanager", always((*service).secretsmanager), []string{"at", "secrets"}},
		{"ssm", always((*service).ssm), []string{"at", "parameters"}},
		{"kms", always((*service).kms), []string{"at", "keys"}},
		{"sts", always((*service).sts), []string{"at"}},
		{"ses", always((*service).ses), []string{"at"}},
		{"cognito", always((*service).cognito), []string{"at", "pools"}},
		{"bedrock", (*service).bedrock, []string{"at", "models"}},
		{"logs", always((*service).logs), []string{"at"}},
		{"cloudwatch", always((*service).cloudwatch), []string{"at"}},
	}
}

// always is a declaration that cannot fail.
func always(declare func(s *service, name string) cloud.Service) func(*service, string, *file) (cloud.Service, error) {
	return func(s *service, name string, _ *file) (cloud.Service, error) { return declare(s, name), nil }
}

// declare returns the service as a scenario in Go has it.
func (s *service) declare(name string, in *file) (cloud.Service, error) {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == s.Kind })
	if i < 0 {
		return nil, fmt.Errorf("kind %q, wanted %s", s.Kind, either(kindNames()))
	}
	for _, key := range given(s) {
		if key != "kind" && !slices.Contains(all[i].keys, key) {
			return nil, fmt.Errorf("a service of kind %s has no %q", s.Kind, key)
		}
	}
	if what := cmp.Or(s.foreignQueue(), s.foreignSubscription(), s.foreignSecret()); what != "" {
		return nil, fmt.Errorf("a service of kind %s has no %q", s.Kind, what)
	}
	return all[i].declare(s, name, in)
}

// foreignQueue names a queue with a key that the other kind's queues have; empty
// if there is none.
func (s *service) foreignQueue() string {
	for _, q := range s.Queues {
		ofTasks := q.MaxAttempts != 0 || q.MinBackoff != 0 || q.MaxBackoff != 0
		ofSQS := q.Visibility != 0 || q.Delay != 0 || q.Wait != 0 || q.Retention != 0 || q.DeadLetter != "" || q.MaxReceives != 0 || q.ByContent
		if ofTasks && s.Kind == "sqs" || ofSQS && s.Kind == "tasks" {
			return "queues: " + q.Name
		}
	}
	return ""
}

func kindNames() (all []string) {
	for _, k := range kinds() {
		all = append(all, k.name)
	}
	return all
}

// either lists alternatives for people.
func either(all []string) string {
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}

// given are the keys of a mapping that a file has, in their order.
func given(mapping any) (keys []string) {
	v := reflect.Indirect(reflect.ValueOf(mapping))
	for field := range v.Type().Fields() {
		name, inline := key(field)
		switch x := v.FieldByIndex(field.Index); {
		case inline:
			keys = append(keys, given(x.Addr().Interface())...)
		case !x.IsZero():
			keys = append(keys, name)
		}
	}
	return keys
}

// key is what a field is called in a file; inline says that its own fields stand
// in its place.
func key(field reflect.StructField) (name string, inline bool) {
	name, rest, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	if name == "" { // of a rule, which is JSON elsewhere
		name, _, _ = strings.Cut(field.Tag.Get("json"), ",")
	}
	return name, rest == "inline"
}

// having is the name of the first service of a kind of which something holds;
// empty, if there is none.
func (f *file) having(kind string, holds func(*service) bool) string {
	for i := range f.Services {
		if x := &f.Services[i]; x.value.Kind == kind && holds(&x.value) {
			return x.name
		}
	}
	return ""
}

func (f *file) hasProgram(name string) bool {
	return slices.ContainsFunc(f.Programs, func(x named[programme]) bool { return x.name == name })
}
