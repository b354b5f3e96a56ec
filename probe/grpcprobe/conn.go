// Package grpcprobe is the seam of generated clients of gRPC: a connection, or
// dial options, that pass every call through the tap.
package grpcprobe

import (
	"context"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Describe tells what operation a gRPC call is. method is its full name,
// such as "/google.pubsub.v1.Publisher/Publish"; request is what was sent, the
// first message of a stream; nil if nothing was. The operation's request body is filled in
// already, in the canonical form that [Conn] tells of.
type Describe func(method string, request proto.Message, op *event.Operation)

// Conn returns a connection that passes every call of a generated client
// through the tap before base carries it out. describe may be nil: the service
// is then that of the protocol ("google.pubsub.v1.Publisher"), the method its
// method ("Publish"), the resource empty.
//
// A unary call is one operation, and so is every further attempt of the
// client library. Of a stream, opening it is one: it waits at the tap with the
// first message that was sent, when the client first asks for an answer; base
// tells by Header that it has accepted it. What is sent later is none. As in
// gRPC, a stream that is refused, or breaks, says so where its messages are
// received.
//
// Request and answer are JSON as the service's REST interface has it (see
// protojson), on one line, fields sorted by name, bytes decoded: as JSON if
// they are JSON, as text if they are text, else in base64. A rule sees what
// is in a Pub/Sub message as request.messages.0.data.order (see [probe.Rule]).
func Conn(tap probe.Tap, base grpc.ClientConnInterface, describe Describe) grpc.ClientConnInterface {
	return &conn{&seam{tap: tap, describe: describe, through: tap.Passive()}, base}
}

// DialOptions returns the same for a client that dials by itself: pass
// them to grpc.NewClient, or to option.WithGRPCDialOption. Attempts that gRPC
// makes below its interceptors (transparent retries, and those of a service
// config) are not seen.
func DialOptions(tap probe.Tap, describe Describe) []grpc.DialOption {
	s := &seam{tap: tap, describe: describe, through: tap.Passive()}
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return s.unary(ctx, method, req, reply, func(ctx context.Context) error { return invoke(ctx, method, req, reply, cc, opts...) })
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return s.stream(ctx, method, func(ctx context.Context) (grpc.ClientStream, error) { return open(ctx, desc, cc, method, opts...) })
		}),
	}
}

// conn is a connection with a seam.
type conn struct {
	seam *seam
	base grpc.ClientConnInterface
}

// Invoke makes a unary call.
func (c *conn) Invoke(ctx context.Context, method string, req, reply any, opts ...grpc.CallOption) error {
	return c.seam.unary(ctx, method, req, reply, func(ctx context.Context) error { return c.base.Invoke(ctx, method, req, reply, opts...) })
}

// NewStream makes a stream.
func (c *conn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.seam.stream(ctx, method, func(ctx context.Context) (grpc.ClientStream, error) {
		return c.base.NewStream(ctx, desc, method, opts...)
	})
}

// seam is where calls wait.
type seam struct {
	tap      probe.Tap
	describe Describe
	through  bool // the tap never holds nor changes a call
}

// result is what the service answered, and, where that is kept, as it was sent.
func (s *seam) result(reply any, err error) event.Result {
	r := result(reply, err)
	if k, ok := s.tap.(interface{ Keeping() bool }); ok && k.Keeping() && err == nil {
		if m, ok := reply.(proto.Message); ok {
			r.Wire, err = proto.Marshal(m)
			if err == nil && r.Wire == nil {
				r.Wire = []byte{} // an empty message is one
			}
		}
	}
	return r
}

// unary passes one call.
func (s *seam) unary(ctx context.Context, method string, req, reply any, invoke func(context.Context) error) error {
	c := s.call(ctx, method, req)
	c.Detached = true
	fate := s.tap.Enter(c)
	if fate.Action == probe.Late {
		probe.Later(s.tap, c, func(late *probe.Call) {
			err := invoke(probe.WithCall(context.WithoutCancel(ctx), late))
			late.Op.Result = result(reply, err)
			_ = s.tap.Leave(late) // nobody is there to be told
		})
		return lost(ctx, "timeout")
	}
	if err := notSent(ctx, fate); err != nil {
		return err
	}
	err := invoke(probe.WithCall(ctx, c))
	c.Op.Result = s.result(reply, err)
	if s.tap.Leave(c) != nil {
		return errClosing
	}
	switch {
	case fate.Action == probe.Lose:
		return lost(ctx, fate.With)
	case !s.through && ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	return err
}

// call is the operation of a call, on its way.
func (s *seam) call(ctx context.Context, method string, req any) *probe.Call {
	service, name, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	c := &probe.Call{GiveUp: ctx.Done(), Op: event.Operation{
		Service: service, Method: name, Access: event.Reads | event.Writes, Fails: fails,
		Request: event.Payload{Target: method},
	}}
	c.Op.Deadline, c.Timed = ctx.Deadline()
	m, ok := req.(proto.Message)
	if ok {
		c.Op.Request.Body = canonicalProto(m)
	}
	if s.describe != nil {
		s.describe(method, m, &c.Op)
	}
	return c
}

// fails is what any service of gRPC may answer. It is the code that
// clients may try again on without further ado.
// https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
var fails = []string{"UNAVAILABLE"}

// errClosing is what the client of an instance that is gone sees, as of a
// connection that it has closed: few client libraries try again on it.
var errClosing = status.Error(codes.Canceled, "grpc: the client connection is closing")

// notSent is the error of a call that has no effect; nil if it has one.
func notSent(ctx context.Context, fate probe.Fate) error {
	switch fate.Action {
	case probe.Cut:
		return errClosing
	case probe.GaveUp:
		if fate.GaveUpWith(ctx) == nil { // the tap ended the wait by itself
			return status.Error(codes.Canceled, context.Canceled.Error())
		}
		return status.FromContextError(ctx.Err()).Err()
	case probe.Refuse:
		return refusal(fate.With)
	}
	return nil
}

// refusal is what a service that refuses a call answers: the status of that
// name, or a connection that is refused.
func refusal(name string) error {
	code, ok := codeOf(name)
	switch {
	case !ok:
		return status.Errorf(codes.Unavailable, "connection error: desc = %q", "transport: Error while dialing: "+probe.ErrRefused().Error())
	case code == codes.Unavailable:
		return status.Error(code, "The service was unable to fulfill your request. Please try again.")
	}
	return status.Error(code, "The request was refused: "+name)
}

// lost is what the caller sees of a call whose answer is lost.
func lost(ctx context.Context, how string) error {
	if how == "timeout" {
		<-ctx.Done()
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Error(codes.Unavailable, "error reading from server: "+probe.ErrReset("read").Error())
}

// result is what the service answered.
func result(reply any, err error) event.Result {
	if err != nil {
		s := status.Convert(err)
		return event.Result{Status: codeName(s.Code()), Body: []byte(s.Message())}
	}
	r := event.Result{Status: codeName(codes.OK), OK: true}
	if m, ok := reply.(proto.Message); ok {
		r.Body = canonicalProto(m)
	}
	return r
}

// codeNames are the names of gRPC's codes, in their order.
var codeNames = [...]string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL",
	"UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}

// codeName returns the name of a gRPC status code as specifications write
// it, "NOT_FOUND", which is what operations have as their status.
func codeName(c codes.Code) string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "CODE(" + strconv.Itoa(int(c)) + ")"
}

func codeOf(name string) (codes.Code, bool) {
	for c, n := range codeNames {
		if n == name {
			return codes.Code(c), true
		}
	}
	return 0, false
}
