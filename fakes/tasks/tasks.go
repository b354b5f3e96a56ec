// Package tasks is Cloud Tasks in process, behind the real
// cloud.google.com/go/cloudtasks/apiv2 client.
//
// A scenario declares it with [New], and with it the queues that there are; a
// function's constructor gets its client from [Client].
//
//   - A queue dispatches its tasks at its rate, in no order, so many at a time.
//   - A task whose attempt fails runs again after a backoff, until its attempts
//     are used up.
//   - The name of a task cannot be used again for a while.
//
// A task is an HTTP request to a function of the scenario, which its URL
// names: by the first part of the host ("https://charge.example/run"), on hosts
// of Cloud Run without what the platform adds ("charge-abc123xyz0-uc.a.run.app",
// "charge-123456789.us-central1.run.app"), and on a host of cloudfunctions.net by
// the first element of the path. Project and location are not looked at. Tokens
// (OIDC, OAuth) are accepted and not sent.
//
// CreateTask, GetTask, ListTasks and DeleteTask work.
//
// Not supported, and answered with UNIMPLEMENTED: App Engine targets, hosts
// that are no function of the scenario, RunTask, batches, everything that
// makes, changes, pauses or describes queues (declare them in the scenario),
// IAM, locations and operations. Not there at all: quotas, HTTP targets and
// overrides of queues, the host of a URL when a task is looked at (it is the
// function alone), and the history of a task's attempts but for their
// number.
package tasks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/api/option"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe/gcpprobe"
)

// Service declares a Cloud Tasks. It is a value: its methods return another
// and leave it as it is.
type Service struct {
	cloud.Places

	name    string
	queues  []Queue
	without []string // guarantees
}

// New declares a Cloud Tasks under a name, usually "tasks". Its operations are
// those of a service of that name.
func New(name string) *Service { return &Service{name: name} }

// At returns the service with addresses at which programs look for it that have
// them written down, such as "localhost:8123". A client that dials by itself reaches
// it there on the patched runtime; plain Go cannot bring a dial here.
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// With returns the service with further queues.
func (s *Service) With(queues ...Queue) *Service {
	out := *s
	out.queues = slices.Clip(s.queues)
	for _, q := range queues {
		out.queues = append(out.queues, q.withDefaults())
	}
	return &out
}

// Hosts are where production's clients find it.
func (s *Service) Hosts() []string { return []string{"cloudtasks.googleapis.com"} }

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short what it is.
func (s *Service) String() string { return "Cloud Tasks" }

// Check returns the first thing that is wrong with the queues.
func (s *Service) Check(cloud.Deployment) error {
	for _, q := range s.queues {
		if err := q.check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) lacks(guarantee string) bool { return slices.Contains(s.without, guarantee) }

// Open starts it for a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{kernel: k, service: s}
	describe := func(method string, request proto.Message, op *event.Operation) {
		gcpprobe.DescribeTasks(method, request, op)
		op.Service = s.name
	}
	b.Backend = rpc.NewBackend(methods, &server{backend: b}, describe, k.Lacks)
	for _, q := range s.queues {
		if s.lacks(retries) {
			q.MaxAttempts = 1
		}
		b.queues = append(b.queues, &queue{Queue: q, backend: b, done: map[string]time.Time{}})
	}
	return b, nil
}

// Client returns the real client of a function instance. options may hold
// what production uses, but no connection. It panics if the client cannot be
// made, which is a mistake in the options.
func Client(env cloud.Env, service string, options ...option.ClientOption) *cloudtasks.Client {
	client, err := cloudtasks.NewClient(env.Context(), append(options, Option(env, service))...)
	if err != nil {
		panic(fmt.Errorf("tasks: the client could not be made in process: %w", err))
	}
	return client
}

// Option returns the option that connects a client of a function instance to
// the run's Cloud Tasks.
func Option(env cloud.Env, service string) option.ClientOption {
	return env.Backend(service).(*Backend).Option(env)
}

// Map returns the queues.
func (s *Service) Map(cloud.Deployment) (parts []cloud.Part, edges []cloud.Edge) {
	for _, q := range s.queues {
		parts = append(parts, cloud.Part{Kind: "queue", Name: q.Name, Doc: q.String()})
	}
	return parts, nil
}

// Way is from who makes a task to its queue.
func (s *Service) Way(function string, op *event.Operation) (cloud.Edge, bool) {
	name, _, _ := strings.Cut(op.Resource, "/")
	return cloud.Edge{From: cloud.Part{Kind: "function", Name: function}, To: cloud.Part{Kind: "queue", Name: name}}, true
}

// The guarantees.
const (
	names   = "tasks/names"
	retries = "tasks/retries"
)

// Guarantees lists what can be taken away.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{
		{Name: names, Without: "a queue takes a task although it knows, or knew, one of that name", Source: "https://docs.cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks/create",
			Used: func(u cloud.Usage) bool {
				return u.Any(func(op *event.Operation) bool {
					return op.Service == s.name && op.Method == "createTask" && strings.Contains(op.Resource, "/")
				})
			}},
		{Name: retries, Without: "a queued task whose attempt fails is given up", Source: "https://docs.cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues#RetryConfig",
			Used: func(cloud.Usage) bool { return len(s.queues) > 0 }},
	}
}

// Without returns the service without a guarantee.
func (s *Service) Without(name string) cloud.Service {
	out := *s
	out.without = append(slices.Clip(s.without), name)
	return &out
}

var methods = rpc.NewMethods("queues are declared in the scenario, and dispatch their tasks by themselves", &cloudtaskspb.CloudTasks_ServiceDesc)

// server answers the client's calls.
type server struct {
	cloudtaskspb.UnimplementedCloudTasksServer
	backend *Backend
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
