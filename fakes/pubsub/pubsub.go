// Package pubsub is Cloud Pub/Sub in process, behind the real
// cloud.google.com/go/pubsub/v2 client.
//
// A scenario declares it with [New]; a function's constructor gets its client
// from [Client]. Topics and subscriptions are those of the scenario: what they
// do (delivery, order, leases, retries, dead letters) is the simulator's, and
// this package is the wire between it and the client. The client makes its
// calls in process, so no goroutine, connection or timer is there but its own.
//
// Publish, Pull, StreamingPull, Acknowledge and ModifyAckDeadline work, and so
// do the methods that get or list topics and subscriptions; the project that a
// name is in is not looked at. A Pull that asks to wait waits [PullWait] for a
// message.
//
// Not supported, and answered with UNIMPLEMENTED: to create, change, delete or
// detach topics and subscriptions (declare them in the scenario), snapshots and
// Seek, schemas, IAM, and acknowledgements on a StreamingPull stream itself
// (the client sends them as calls of their own). Not there at all: quotas,
// message retention, compression, and settings of topics that a scenario
// cannot declare.
//
// A subscriber's Receive is the client's own, with its own timers: it looks for
// acknowledgements to send every 100 ms, and when it ends, a goroutine of it
// remains for up to 10 s. Acknowledgements and extensions of leases that fall
// due in one instant are sent in an order that plain Go draws; on the patched
// runtime it is the same in every run.
package pubsub

import (
	"fmt"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"

	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/gcpprobe"
)

// Project is the project of the clients that [Client] makes.
const Project = "wtsim"

// PullWait is how long a Pull waits for a message if it is not told to return
// at once. (The service waits for "a bounded amount of time".)
// https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1#pullrequest
const PullWait = 10 * time.Second

// Service declares a Pub/Sub.
type Service struct{}

// New declares the Pub/Sub that carries the scenario's topics and
// subscriptions to clients. Its operations are those of service "pubsub".
func New() *Service { return &Service{} }

// Name returns "pubsub".
func (s *Service) Name() string { return "pubsub" }

// String tells in short what it is.
func (s *Service) String() string { return "Cloud Pub/Sub" }

// Emulator tells isolated runs' clients where it is.
// https://docs.cloud.google.com/pubsub/docs/emulator
func (s *Service) Emulator(address string) (name, value string) {
	return "PUBSUB_EMULATOR_HOST", address
}

// Open starts it for a run.
func (s *Service) Open(p probe.Platform) (probe.Backend, error) {
	if p == nil {
		return nil, fmt.Errorf("pubsub: there is no platform to carry messages of")
	}
	return &Backend{rpc.NewBackend(methods, &server{platform: p}, gcpprobe.DescribePubSub)}, nil
}

// Backend is Pub/Sub during one run.
type Backend struct{ rpc.Backend }

// Client returns the real client of a function instance, in project
// [Project]. options may hold what production uses, but no connection. It
// panics if the client cannot be made, which is a mistake in the options. Do
// not forget that publishing is asynchronous, as ever.
func Client(env probe.Env, options ...option.ClientOption) *pubsub.Client {
	client, err := pubsub.NewClient(env.Context(), Project, append(options, Option(env))...)
	if err != nil {
		panic(fmt.Errorf("pubsub: the client could not be made in process: %w", err))
	}
	return client
}

// Option returns the option that connects a client of a function instance
// (one of another project, or with a configuration) to the run's Pub/Sub.
func Option(env probe.Env) option.ClientOption {
	return env.Backend("pubsub").(*Backend).Option(env)
}

var methods = rpc.NewMethods("topics and subscriptions are declared in the scenario",
	&pubsubpb.Publisher_ServiceDesc, &pubsubpb.Subscriber_ServiceDesc)

// server answers the client's calls.
type server struct {
	pubsubpb.UnimplementedPublisherServer
	pubsubpb.UnimplementedSubscriberServer
	platform probe.Platform
}
