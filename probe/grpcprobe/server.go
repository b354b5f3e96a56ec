package grpcprobe

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/wtsim/wtsim/probe"
)

// ServerOptions make every call that a server answers an invocation, as
// httpprobe's Handler does requests: the events of its operations name it, and
// leave before its answer.
func ServerOptions(r *probe.Recorder) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			ctx, end := invocation(ctx, r)
			defer end()
			return handle(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			ctx, end := invocation(s.Context(), r)
			defer end()
			return handle(srv, servedStream{s, ctx})
		}),
	}
}

func invocation(ctx context.Context, r *probe.Recorder) (context.Context, func()) {
	var parent string
	if values := metadata.ValueFromIncomingContext(ctx, "traceparent"); len(values) > 0 {
		parent = values[0]
	}
	return r.Invocation(probe.WithTraceParent(ctx, parent))
}

// servedStream is a stream with the context of its invocation.
type servedStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context returns the invocation's context.
func (s servedStream) Context() context.Context { return s.ctx }
