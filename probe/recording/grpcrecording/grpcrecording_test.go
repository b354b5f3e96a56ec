package grpcrecording

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/grpcprobe"
	"github.com/wtsim/wtsim/probe/recording"
)

// back tells two statuses, and then that it has gone.
type back struct {
	health.UnimplementedHealthServer
}

func (back) Watch(r *health.HealthCheckRequest, s grpc.ServerStreamingServer[health.HealthCheckResponse]) error {
	if r.Service == "unknown" {
		return status.Error(codes.NotFound, "no such service")
	}
	for _, x := range []health.HealthCheckResponse_ServingStatus{health.HealthCheckResponse_NOT_SERVING, health.HealthCheckResponse_SERVING} {
		if err := s.Send(&health.HealthCheckResponse{Status: x}); err != nil {
			return err
		}
	}
	if r.Service == "gone" {
		return status.Error(codes.Aborted, "it has gone")
	}
	return nil
}

// front asks the back, and answers the last that it hears.
type front struct {
	health.UnimplementedHealthServer
	back health.HealthClient
}

func (f *front) heard(ctx context.Context, r *health.HealthCheckRequest) (last *health.HealthCheckResponse, err error) {
	stream, err := f.back.Watch(ctx, r)
	for err == nil {
		var next *health.HealthCheckResponse
		if next, err = stream.Recv(); err == nil {
			last = next
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return last, err
}

func (f *front) Check(ctx context.Context, r *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	return f.heard(ctx, r)
}

func (f *front) Watch(r *health.HealthCheckRequest, s grpc.ServerStreamingServer[health.HealthCheckResponse]) error {
	last, err := f.heard(s.Context(), r)
	if err != nil {
		return err
	}
	return s.Send(last)
}

// kept is what a recorder keeps.
type kept struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (k *kept) Put(e event.Event) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.text.Write(append(e.AppendJSON(nil), '\n'))
}

func (k *kept) Flush(context.Context) error { return nil }

func serve(t *testing.T, of health.HealthServer, options ...grpc.ServerOption) func(...grpc.DialOption) health.HealthClient {
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer(options...)
	health.RegisterHealthServer(server, of)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return func(options ...grpc.DialOption) health.HealthClient {
		return dial(t, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))...)
	}
}

func dial(t *testing.T, options ...grpc.DialOption) health.HealthClient {
	conn, err := grpc.NewClient("passthrough:///bufconn", options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return health.NewHealthClient(conn)
}

// Calls that a server of gRPC answers, and the streams that it hears meanwhile, are
// played as they were: ends, errors, and what the server then answers.
func TestServed(t *testing.T) {
	rules, err := probe.CompileRules(nil)
	if err != nil {
		t.Fatal(err)
	}
	all := &kept{}
	recorder := probe.NewRecorder("f", "i-1", rules, probe.SinkFunc(func(event.Event) {}))
	recorder.Keep(all)
	behind := serve(t, back{})(grpcprobe.DialOptions(recorder, nil)...)
	client := serve(t, &front{back: behind}, append(grpcprobe.ServerOptions(recorder), ServerOptions(recorder)...)...)()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer secret", "tenant", "t-1")
	names := []string{"shop", "unknown", "gone"}
	for _, name := range names {
		r, err := client.Check(ctx, &health.HealthCheckRequest{Service: name})
		if (err == nil) != (name == "shop") || err == nil && r.Status != health.HealthCheckResponse_SERVING {
			t.Fatal(name, r, err)
		}
	}
	watch, err := client.Watch(ctx, &health.HealthCheckRequest{Service: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = watch.Recv()
	}
	if text := all.text.String(); strings.Contains(text, "secret") || !strings.Contains(text, "t-1") {
		t.Error("the recording has what is secret, or lacks what is not")
	}
	invocations, err := recording.Read(strings.NewReader(all.text.String()))
	if err != nil || len(invocations) != 4 {
		t.Fatal(len(invocations), err)
	}
	want := []codes.Code{codes.OK, codes.NotFound, codes.Aborted, codes.OK}
	for i, of := range invocations {
		w, d := play(t, of)
		got := w.Result().Trailer.Get("Grpc-Status")
		if d != nil || len(of.Operations) != 1 || got != string('0'+rune(want[i])) && (want[i] != codes.Aborted || got != "10") {
			t.Errorf("%s: status %s, wanted %v; %v; %d operations", of.Request.Target, got, want[i], d, len(of.Operations))
		}
		answer := &health.HealthCheckResponse{}
		if want[i] == codes.OK && (proto.Unmarshal(w.Body.Bytes()[5:], answer) != nil || answer.Status != health.HealthCheckResponse_SERVING) {
			t.Errorf("%s: %q", of.Request.Target, w.Body)
		}
	}
	if _, d := play(t, &recording.Invocation{ID: "x", Began: invocations[0].Began, Request: invocations[1].Request, Operations: invocations[0].Operations}); d == nil || !strings.Contains(d.Actual, "unknown") {
		t.Errorf("another stream is answered: %v", d)
	}
}

// play asks the front again.
func play(t *testing.T, of *recording.Invocation) (*httptest.ResponseRecorder, *recording.Divergence) {
	r, err := of.HTTP()
	if err != nil {
		t.Fatal(err)
	}
	p := recording.NewPlayer(of)
	server := grpc.NewServer()
	defer server.Stop()
	health.RegisterHealthServer(server, &front{back: dial(t, grpcprobe.Played(p, nil)...)})
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r.WithContext(t.Context()))
	return w, p.End()
}
