package probe

import (
	"context"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/event"
)

// DescribeRPC tells what operation a gRPC call is. method is its full name,
// such as "/google.pubsub.v1.Publisher/Publish"; request is what was sent, the
// first message of a stream; nil if nothing was. The operation's request body is filled in
// already, in the canonical form that [GRPC] tells of.
type DescribeRPC func(method string, request proto.Message, op *event.Operation)

// GRPC returns a connection that passes every call of a generated client
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
// is in a Pub/Sub message as request.messages.0.data.order (see [Rule]).
func GRPC(tap Tap, base grpc.ClientConnInterface, describe DescribeRPC) grpc.ClientConnInterface {
	return &rpcConn{&rpcSeam{tap: tap, describe: describe, through: passive(tap)}, base}
}

// GRPCDialOptions returns the same for a client that dials by itself: pass
// them to grpc.NewClient, or to option.WithGRPCDialOption. Attempts that gRPC
// makes below its interceptors (transparent retries, and those of a service
// config) are not seen.
func GRPCDialOptions(tap Tap, describe DescribeRPC) []grpc.DialOption {
	s := &rpcSeam{tap: tap, describe: describe, through: passive(tap)}
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return s.unary(ctx, method, req, reply, func(ctx context.Context) error { return invoke(ctx, method, req, reply, cc, opts...) })
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return s.stream(ctx, method, func(ctx context.Context) (grpc.ClientStream, error) { return open(ctx, desc, cc, method, opts...) })
		}),
	}
}

// rpcConn is a connection with a seam.
type rpcConn struct {
	seam *rpcSeam
	base grpc.ClientConnInterface
}

// Invoke makes a unary call.
func (c *rpcConn) Invoke(ctx context.Context, method string, req, reply any, opts ...grpc.CallOption) error {
	return c.seam.unary(ctx, method, req, reply, func(ctx context.Context) error { return c.base.Invoke(ctx, method, req, reply, opts...) })
}

// NewStream makes a stream.
func (c *rpcConn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.seam.stream(ctx, method, func(ctx context.Context) (grpc.ClientStream, error) {
		return c.base.NewStream(ctx, desc, method, opts...)
	})
}

// rpcSeam is where calls wait.
type rpcSeam struct {
	tap      Tap
	describe DescribeRPC
	through  bool // the tap never holds nor changes a call
}

// unary passes one call.
func (s *rpcSeam) unary(ctx context.Context, method string, req, reply any, invoke func(context.Context) error) error {
	c := s.call(ctx, method, req)
	v := s.tap.Enter(c)
	if err := rpcNotSent(ctx, v); err != nil {
		return err
	}
	err := invoke(withCall(ctx, c))
	c.Op.Result = rpcResult(reply, err)
	if s.tap.Leave(c) != nil {
		return errClosing
	}
	switch {
	case v.Action == Lose:
		return rpcLost(ctx, v.With)
	case !s.through && ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	return err
}

// call is the operation of a call, on its way.
func (s *rpcSeam) call(ctx context.Context, method string, req any) *Call {
	service, name, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	c := &Call{GiveUp: ctx.Done(), Op: event.Operation{
		Service: service, Method: name, Access: event.Reads | event.Writes, Fails: rpcFails,
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

// rpcFails is what any service of gRPC may answer. It is the code that
// clients may try again on without further ado.
// https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
var rpcFails = []string{"UNAVAILABLE"}

// errClosing is what the client of an instance that is gone sees, as of a
// connection that it has closed: few client libraries try again on it.
var errClosing = status.Error(codes.Canceled, "grpc: the client connection is closing")

// rpcNotSent is the error of a call that has no effect; nil if it has one.
func rpcNotSent(ctx context.Context, v Verdict) error {
	switch v.Action {
	case Cut:
		return errClosing
	case GaveUp:
		if ctx.Err() == nil { // the tap ended the wait by itself
			return status.Error(codes.Canceled, context.Canceled.Error())
		}
		return status.FromContextError(ctx.Err()).Err()
	case Refuse:
		return rpcRefusal(v.With)
	}
	return nil
}

// rpcRefusal is what a service that refuses a call answers: the status of that
// name, or a connection that is refused.
func rpcRefusal(name string) error {
	code, ok := rpcCode(name)
	switch {
	case !ok:
		return status.Errorf(codes.Unavailable, "connection error: desc = %q", "transport: Error while dialing: "+ErrRefused().Error())
	case code == codes.Unavailable:
		return status.Error(code, "The service was unable to fulfill your request. Please try again.")
	}
	return status.Error(code, "The request was refused: "+name)
}

// rpcLost is what the caller sees of a call whose answer is lost.
func rpcLost(ctx context.Context, how string) error {
	if how == "timeout" {
		<-ctx.Done()
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Error(codes.Unavailable, "error reading from server: "+ErrReset("read").Error())
}

// rpcResult is what the service answered.
func rpcResult(reply any, err error) event.Result {
	if err != nil {
		s := status.Convert(err)
		return event.Result{Status: RPCStatus(s.Code()), Body: []byte(s.Message())}
	}
	r := event.Result{Status: RPCStatus(codes.OK), OK: true}
	if m, ok := reply.(proto.Message); ok {
		r.Body = canonicalProto(m)
	}
	return r
}

// rpcNames are the names of gRPC's codes, in their order.
var rpcNames = [...]string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL",
	"UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}

// RPCStatus returns the name of a gRPC status code as specifications write
// it, "NOT_FOUND", which is what operations have as their status.
func RPCStatus(c codes.Code) string {
	if int(c) < len(rpcNames) {
		return rpcNames[c]
	}
	return "CODE(" + strconv.Itoa(int(c)) + ")"
}

func rpcCode(name string) (codes.Code, bool) {
	for c, n := range rpcNames {
		if n == name {
			return codes.Code(c), true
		}
	}
	return 0, false
}

// lastElement is the last element of a resource name such as
// projects/p/topics/t, which is how people call the thing.
func lastElement(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// lowerFirst is a method's name as Google's documentation writes it.
func lowerFirst(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToLower(name[:1]) + name[1:]
}
