package rpc

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime/pprof"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/wtsim/wtsim/probe"
)

// Wire returns the client's end of a connection in memory at whose other end
// every call is passed on to conn: for clients that dial by themselves, as those
// of programs do. stop ends what serves it.
func Wire(conn grpc.ClientConnInterface) (client net.Conn, stop func(), err error) {
	lis := bufconn.Listen(64 << 10)
	s := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return forward(conn, stream) }))
	go func() { //wtsim:go a server of gRPC's is goroutines
		pprof.SetGoroutineLabels(context.Background()) // and works for no single invocation
		_ = s.Serve(lis)
	}()
	client, err = lis.Dial()
	return client, s.Stop, err
}

// callerKey is what clients of gRPC in programs say by whom a call is (see
// internal/program): many share a connection. It is binary, as names may hold any
// letters.
const callerKey = "wtsim-caller-bin"

// callerOf returns who makes the call that a server handles; empty if that is not
// known.
func callerOf(ctx context.Context) string {
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		if v := md.Get(callerKey); len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// forward passes one call on, for who has made it.
func forward(conn grpc.ClientConnInterface, stream grpc.ServerStream) error {
	if caller := callerOf(stream.Context()); caller != "" {
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(probe.LabelKey, caller)))
	}
	full, _ := grpc.MethodFromServerStream(stream)
	service, name, _ := strings.Cut(strings.TrimPrefix(full, "/"), "/")
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service + "." + name))
	method, ok := found.(protoreflect.MethodDescriptor)
	if err != nil || !ok {
		return status.Errorf(codes.Unimplemented, "unknown method %s", full)
	}
	if method.IsStreamingClient() || method.IsStreamingServer() {
		return forwardStream(conn, stream, method, full)
	}
	request := newMessage(method.Input())
	if err := stream.RecvMsg(request); err != nil {
		return err
	}
	reply := newMessage(method.Output())
	if err := conn.Invoke(stream.Context(), full, request, reply); err != nil {
		return err
	}
	return stream.SendMsg(reply)
}

// newMessage makes a message of a generated type: the server's package is
// linked in, or there would be no such method.
func newMessage(d protoreflect.MessageDescriptor) proto.Message {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic(err)
	}
	return t.New().Interface()
}

// forwardStream copies messages both ways until the server's end is done.
func forwardStream(conn grpc.ClientConnInterface, stream grpc.ServerStream, method protoreflect.MethodDescriptor, full string) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	out, err := conn.NewStream(ctx, &grpc.StreamDesc{StreamName: string(method.Name()), ServerStreams: method.IsStreamingServer(), ClientStreams: method.IsStreamingClient()}, full)
	if err != nil {
		return err
	}
	first := newMessage(method.Input())
	if err := stream.RecvMsg(first); err != nil {
		return err
	}
	if err := out.SendMsg(first); err != nil {
		return err
	}
	go func() { //wtsim:go one direction of the stream
		for {
			m := newMessage(method.Input())
			if stream.RecvMsg(m) != nil {
				_ = out.CloseSend()
				return
			}
			if out.SendMsg(m) != nil {
				return
			}
		}
	}()
	for {
		m := newMessage(method.Output())
		if err := out.RecvMsg(m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.SendMsg(m); err != nil {
			return err
		}
	}
}

// Wires are the connections that a backend serves during a run.
type Wires struct{ stops []func() }

// Dial returns the client's end of a new one. Where there is none, calls fail.
func (w *Wires) Dial(conn grpc.ClientConnInterface) net.Conn {
	client, stop, err := Wire(conn)
	if err != nil { // the listener is ours, and open
		panic(err)
	}
	w.stops = append(w.stops, stop)
	return client
}

// Close ends them all.
func (w *Wires) Close() {
	for _, stop := range w.stops {
		stop()
	}
}
