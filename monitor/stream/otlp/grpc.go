package otlp

import (
	"context"
	"crypto/tls"
	"time"

	logsrpc "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracerpc "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // senders compress
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/wtsim/wtsim/monitor/stream/service"
)

// mostStreams bounds how many requests a connection has under way.
const mostStreams = 4

// Server is the receiver's service in gRPC, for who has the token.
func (r *Receiver) Server(s *service.Service, c *tls.Config) *grpc.Server {
	guard := func(ctx context.Context, call *tap.Info) (context.Context, error) { // before a message is read
		given := append(call.Header.Get("authorization"), "")
		if !s.Authorized(given[0]) {
			return nil, status.Error(codes.Unauthenticated, "a token is wanted: authorization: Bearer TOKEN")
		}
		return ctx, nil
	}
	o := []grpc.ServerOption{grpc.InTapHandle(guard), grpc.MaxRecvMsgSize(int(s.Limits.Body)), grpc.MaxConcurrentStreams(mostStreams),
		grpc.ConnectionTimeout(5 * time.Second), grpc.MaxHeaderListSize(32 << 10), grpc.KeepaliveParams(goingAway)}
	if c != nil {
		o = append(o, grpc.Creds(credentials.NewTLS(c)))
	}
	g := grpc.NewServer(o...)
	tracerpc.RegisterTraceServiceServer(g, &traceServer{receiver: r, service: s})
	logsrpc.RegisterLogsServiceServer(g, &logsServer{service: s})
	return g
}

// goingAway ends connections, which their clients open again: those that bring
// nothing, and now and then each, so that one that brings its message slowly makes room.
var goingAway = keepalive.ServerParameters{MaxConnectionIdle: 2 * time.Minute, MaxConnectionAge: 10 * time.Minute, MaxConnectionAgeGrace: 30 * time.Second}

type traceServer struct {
	tracerpc.UnimplementedTraceServiceServer
	receiver *Receiver
	service  *service.Service
}

// Export is of OTLP.
func (x *traceServer) Export(ctx context.Context, q *tracerpc.ExportTraceServiceRequest) (*tracerpc.ExportTraceServiceResponse, error) {
	r := &traces{receiver: x.receiver}
	r.ResourceSpans = q.GetResourceSpans()
	a, err := export(ctx, x.service, r)
	if err != nil {
		return nil, err
	}
	return a.(*tracerpc.ExportTraceServiceResponse), nil
}

type logsServer struct {
	logsrpc.UnimplementedLogsServiceServer
	service *service.Service
}

// Export is of OTLP.
func (x *logsServer) Export(ctx context.Context, q *logsrpc.ExportLogsServiceRequest) (*logsrpc.ExportLogsServiceResponse, error) {
	r := &records{}
	r.ResourceLogs = q.GetResourceLogs()
	a, err := export(ctx, x.service, r)
	if err != nil {
		return nil, err
	}
	return a.(*logsrpc.ExportLogsServiceResponse), nil
}

func export(ctx context.Context, s *service.Service, x request) (proto.Message, error) {
	taken, err := s.Take(ctx, int64(proto.Size(x.message())), func(b *service.Batch) error {
		return fillFrom(x, s.Limits.Batch, b)
	})
	if err == nil {
		return x.answer(taken), nil
	}
	if ctx.Err() != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	return nil, failure(err)
}

// failure is an error in gRPC, with when to try again where that may help.
func failure(err error) error {
	_, code := statusOf(err)
	told := status.New(code, err.Error())
	if code == codes.ResourceExhausted || code == codes.Unavailable {
		if with, err := told.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}); err == nil {
			told = with
		}
	}
	return told.Err()
}
