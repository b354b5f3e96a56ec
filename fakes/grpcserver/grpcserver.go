// Package grpcserver is any gRPC service in process: a server of one's own, or
// of a third party, behind the real generated clients.
//
// Not supported: streams, trailers, and interceptors. A call of one is refused
// with UNIMPLEMENTED, and told as a limit of the simulator.
package grpcserver

import (
	"context"
	"fmt"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/grpcprobe"
)

// Service declares a gRPC server. It is a value: its methods return another and
// leave it as it is.
type Service struct {
	cloud.Places

	name     string
	register func(grpc.ServiceRegistrar)
}

// New declares a server under a name. register makes it anew for every run, as
// a program does that serves it:
//
//	grpcserver.New("payments", func(r grpc.ServiceRegistrar) { pb.RegisterPaymentsServer(r, newPayments()) })
//
// Operations are those of a service of that name; their method is the
// protocol's, "Charge", and rules see requests and answers as JSON. A server that
// implements [Stateful] shows its state to properties.
func New(name string, register func(grpc.ServiceRegistrar)) *Service {
	return &Service{name: name, register: register}
}

// At returns the service with addresses at which programs look for it that have
// them written down, such as "payments.internal:443". A client that dials by
// itself, without TLS, reaches it there on the patched runtime; plain Go cannot
// bring a dial here.
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// Stateful is a server whose state properties may look at.
type Stateful interface {
	// Contents returns what it stores, keys in sorted order.
	Contents() []cloud.Content
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short what it is.
func (s *Service) String() string { return "gRPC" }

// Open makes the server of a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{name: s.name, lacks: k.Lacks, servers: map[string]server{}}
	s.register(b)
	if len(b.names) == 0 {
		return nil, fmt.Errorf("grpcserver: service %q registers nothing, wanted a server", s.name)
	}
	return b, nil
}

// Backend is a server during one run. It is what servers register with.
type Backend struct {
	name    string
	lacks   func(what string)
	servers map[string]server // by the protocol's service
	names   []string          // of these, in order of registration
	wires   rpc.Wires
}

// server is what answers one of the protocol's services.
type server struct {
	methods *rpc.Methods
	impl    any
}

// RegisterService is [grpc.ServiceRegistrar]'s.
func (b *Backend) RegisterService(desc *grpc.ServiceDesc, impl any) {
	b.names = append(b.names, desc.ServiceName)
	b.servers[desc.ServiceName] = server{rpc.NewMethods("call one that is unary", desc), impl}
}

// Conn returns the connection of a function instance to a service, which
// generated clients take: pb.NewPaymentsClient(grpcserver.Conn(env, "payments")).
func Conn(env cloud.Env, service string) grpc.ClientConnInterface {
	b := env.Backend(service).(*Backend)
	return grpcprobe.Conn(env.Tap(), &conn{b, env.Context()}, b.describe)
}

// Dial returns a connection for a client that dials by itself.
func (b *Backend) Dial(tap probe.Tap) net.Conn {
	return b.wires.Dial(grpcprobe.Conn(tap, &conn{b, context.Background()}, b.describe))
}

// describe names the service as the scenario does.
func (b *Backend) describe(_ string, _ proto.Message, op *event.Operation) { op.Service = b.name }

// Contents returns what servers show.
func (b *Backend) Contents() []cloud.Content {
	var all []cloud.Content
	for _, name := range b.names {
		if s, ok := b.servers[name].impl.(Stateful); ok {
			all = append(all, s.Contents()...)
		}
	}
	return all
}

// Close ends the connections of clients that have dialled by themselves.
func (b *Backend) Close() { b.wires.Close() }

// conn is a function instance's connection.
type conn struct {
	b        *Backend
	instance context.Context
}

// Invoke calls a method. A server that panics is a mistake of the scenario.
func (c *conn) Invoke(ctx context.Context, method string, req, reply any, opts ...grpc.CallOption) error {
	defer func() {
		if p := recover(); p != nil {
			panic(probe.Mistake(fmt.Sprintf("the scenario's server of %s panicked on %s: %v", c.b.name, method, p)))
		}
	}()
	if sent, ok := metadata.FromOutgoingContext(ctx); ok {
		ctx = metadata.NewIncomingContext(ctx, sent)
	}
	return c.to(method).Invoke(ctx, method, req, reply, opts...)
}

// NewStream opens a stream, which there are none of.
func (c *conn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.to(method).NewStream(ctx, desc, method, opts...)
}

// to is the connection to who answers a method.
func (c *conn) to(method string) grpc.ClientConnInterface {
	name, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	s, ok := c.b.servers[name]
	if !ok {
		return nobody{}
	}
	return rpc.Dial(c.instance, s.methods, s.impl, c.b.lacks)
}

// nobody answers as a server does that a service is not registered with.
type nobody struct{}

// Invoke says that there is none.
func (nobody) Invoke(_ context.Context, method string, _, _ any, _ ...grpc.CallOption) error {
	return status.Errorf(codes.Unimplemented, "unknown service %s", method)
}

// NewStream says so too.
func (nobody) NewStream(_ context.Context, _ *grpc.StreamDesc, method string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Errorf(codes.Unimplemented, "unknown service %s", method)
}
