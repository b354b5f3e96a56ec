// Package rpc serves gRPC in process: a generated client calls the generated
// interface of a server, on its own goroutine.
//
// There is no HTTP/2 between, and so no goroutine, timer, buffer or jitter of
// gRPC's that a run would have to pay for, or to make repeatable: a connection
// of gRPC's over an in-memory pipe has a dozen goroutines and costs as much as
// a hundred calls. Messages are copied, as the wire would.
package rpc

import (
	"context"
	"errors"
	"strings"
	"sync"

	"google.golang.org/api/option"
	gtransport "google.golang.org/api/transport/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Methods are the methods of some services. They are the same in every run:
// a package makes them once.
type Methods struct {
	unary  map[string]grpc.MethodDesc
	advice string
}

// NewMethods returns the methods of services. advice is what to do instead of
// calling a method that the server does not have.
func NewMethods(advice string, services ...*grpc.ServiceDesc) *Methods {
	m := &Methods{unary: map[string]grpc.MethodDesc{}, advice: advice}
	for _, s := range services {
		for _, d := range s.Methods {
			m.unary["/"+s.ServiceName+"/"+d.MethodName] = d
		}
	}
	return m
}

// Streamer is a server that has streams.
type Streamer interface {
	// OpenStream makes a stream of a method; nil if it has none of that name.
	// done is closed when the connection is. The stream's Header tells whether
	// it was accepted, and does not block.
	OpenStream(ctx context.Context, method string, done <-chan struct{}) grpc.ClientStream
}

// Conn is a client's connection to a server in process.
type Conn struct {
	methods *Methods
	server  any
	lacks   func(what string) // may be nil
	done    chan struct{}
	close   func()
}

// Dial returns a connection to a server, which implements the interfaces of
// all services that methods has. It ends with ctx, or when it is closed. lacks,
// which may be nil, is told of every method that is answered with Unimplemented.
func Dial(ctx context.Context, methods *Methods, server any, lacks func(what string)) *Conn {
	done := make(chan struct{})
	c := &Conn{methods: methods, server: server, lacks: lacks, done: done, close: sync.OnceFunc(func() { close(done) })}
	context.AfterFunc(ctx, c.close)
	return c
}

// errClosed is what gRPC says of a connection that was closed.
var errClosed = status.Error(codes.Canceled, "grpc: the client connection is closing")

func (c *Conn) closed() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Invoke calls a method of the server.
func (c *Conn) Invoke(ctx context.Context, method string, req, reply any, _ ...grpc.CallOption) error {
	if c.closed() {
		return errClosed
	}
	d, ok := c.methods.unary[method]
	if !ok {
		return c.unsupported(method)
	}
	copied := func(to any) error {
		proto.Merge(to.(proto.Message), req.(proto.Message))
		return nil
	}
	answer, err := d.Handler(c.server, WithGone(ctx, c.done), copied, nil)
	if err != nil {
		return c.failed(method, err)
	}
	proto.Merge(reply.(proto.Message), answer.(proto.Message))
	return nil
}

// NewStream opens a stream of the server.
func (c *Conn) NewStream(ctx context.Context, _ *grpc.StreamDesc, method string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	if c.closed() {
		return nil, errClosed
	}
	if s, ok := c.server.(Streamer); ok {
		if stream := s.OpenStream(ctx, method, c.done); stream != nil {
			return stream, nil
		}
	}
	return nil, c.unsupported(method)
}

// failed tells the run if the error says that something is not there.
func (c *Conn) failed(method string, err error) error {
	var l *Lack
	if errors.As(err, &l) {
		c.lack(l.What)
		return l.GRPCStatus().Err()
	}
	s := status.Convert(err)
	switch {
	case s.Code() != codes.Unimplemented:
	case strings.HasPrefix(s.Message(), "method "): // what the generated server says where nothing is written
		return c.unsupported(method)
	default: // a server of the user's own
		c.lack(s.Message())
	}
	return err
}

// Lack is the error of a server that does not simulate something.
type Lack struct {
	What   string // "App Engine"
	Advice string // what to do instead
}

func (l *Lack) Error() string { return "wtsim does not have " + l.What + ": " + l.Advice }

// GRPCStatus is how gRPC tells it.
func (l *Lack) GRPCStatus() *status.Status { return status.New(codes.Unimplemented, l.Error()) }

// lack tells the run what the server does not have.
func (c *Conn) lack(what string) {
	if c.lacks != nil {
		c.lacks(what)
	}
}

func (c *Conn) unsupported(method string) error {
	return c.failed(method, &Lack{method, c.methods.advice})
}

// Option returns the option that makes a client use conn, which passes calls
// on to c, and close c when it is closed.
func (c *Conn) Option(conn grpc.ClientConnInterface) option.ClientOption {
	return gtransport.WithConnPool(&pool{conn, c})
}

// pool is a pool of connections, as clients of Google's want it.
type pool struct {
	grpc.ClientConnInterface
	conn *Conn
}

// Conn returns nil: there is no connection of gRPC's. No generated client
// asks, but for a deprecated method of theirs.
func (p *pool) Conn() *grpc.ClientConn { return nil }

// Num returns 1.
func (p *pool) Num() int { return 1 }

// Close ends the connection: later calls fail, streams end.
func (p *pool) Close() error {
	p.conn.close()
	return nil
}

// Recv waits for what receive gives: a message, which is copied to the
// client's, or an error. wake is sent to, without blocking, when there is
// something new.
func Recv(ctx context.Context, done <-chan struct{}, wake <-chan struct{}, to any, receive func() (proto.Message, error)) error {
	for {
		select {
		case <-done:
			return errClosed
		default:
		}
		if ctx.Err() != nil {
			return status.FromContextError(ctx.Err()).Err()
		}
		m, err := receive()
		if err != nil {
			return err
		}
		if m != nil {
			proto.Reset(to.(proto.Message))
			proto.Merge(to.(proto.Message), m)
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
		case <-done:
		}
	}
}
