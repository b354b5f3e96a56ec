// Package tasks is Cloud Tasks in process, behind the real
// cloud.google.com/go/cloudtasks/apiv2 client.
//
// A scenario declares it with [New]; a function's constructor gets its client
// from [Client]. Queues are those of the scenario: when they dispatch, how
// often they try again and how long they remember a name is the simulator's,
// and this package is the wire between it and the client.
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

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/api/option"

	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/gcpprobe"
)

// Service declares a Cloud Tasks.
type Service struct{}

// New declares the Cloud Tasks that carries tasks to the scenario's queues.
// Its operations are those of service "tasks".
func New() *Service { return &Service{} }

// Name returns "tasks".
func (s *Service) Name() string { return "tasks" }

// String tells in short what it is.
func (s *Service) String() string { return "Cloud Tasks" }

// Open starts it for a run.
func (s *Service) Open(p probe.Platform) (probe.Backend, error) {
	if p == nil {
		return nil, fmt.Errorf("tasks: there is no platform to carry tasks to")
	}
	return &Backend{rpc.NewBackend(methods, &server{platform: p}, gcpprobe.DescribeTasks)}, nil
}

// Backend is Cloud Tasks during one run.
type Backend struct{ rpc.Backend }

// Client returns the real client of a function instance. options may hold
// what production uses, but no connection. It panics if the client cannot be
// made, which is a mistake in the options.
func Client(env probe.Env, options ...option.ClientOption) *cloudtasks.Client {
	client, err := cloudtasks.NewClient(env.Context(), append(options, Option(env))...)
	if err != nil {
		panic(fmt.Errorf("tasks: the client could not be made in process: %w", err))
	}
	return client
}

// Option returns the option that connects a client of a function instance to
// the run's Cloud Tasks.
func Option(env probe.Env) option.ClientOption {
	return env.Backend("tasks").(*Backend).Option(env)
}

var methods = rpc.NewMethods("queues are declared in the scenario, and dispatch their tasks by themselves", &cloudtaskspb.CloudTasks_ServiceDesc)

// server answers the client's calls.
type server struct {
	cloudtaskspb.UnimplementedCloudTasksServer
	platform probe.Platform
}
