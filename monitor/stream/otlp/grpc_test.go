package otlp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"testing"

	tracerpc "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/wtsim/wtsim/monitor/stream/service"
)

func dialed(t *testing.T, address string) tracerpc.TraceServiceClient {
	t.Helper()
	c, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return tracerpc.NewTraceServiceClient(c)
}

// Who has no token is not let in; what is refused is told with its number; what
// is too large is refused, and what comes when the monitor stops is tried again.
func TestGRPC(t *testing.T) {
	x := newShop(t, service.Options{Token: "secret", Limits: service.Limits{Body: 4000, Event: 4000, Batch: 10, Parameters: 10, Depth: 5}})
	client, ctx := dialed(t, x.grpc), context.Background()
	export := func(ctx context.Context, spans ...*trace.Span) (*tracerpc.ExportTraceServiceResponse, *status.Status) {
		a, err := client.Export(ctx, &tracerpc.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{ScopeSpans: []*trace.ScopeSpans{{Spans: spans}}}}})
		return a, status.Convert(err)
	}
	if _, s := export(ctx); s.Code() != codes.Unauthenticated {
		t.Errorf("without a token: %v", s)
	}
	if _, s := export(ctx, spanWith(0, "a", strings.Repeat("x", 5000))); s.Code() != codes.Unauthenticated { // before a message is read
		t.Errorf("too large, without a token: %v", s)
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer secret")
	consented := spanWith(0)
	consented.Name = "set consent"
	if a, s := export(ctx, consented); s.Code() != codes.OK || a.GetPartialSuccess().GetRejectedSpans() != 1 || !strings.Contains(a.GetPartialSuccess().GetErrorMessage(), "faas.instance") {
		t.Errorf("got %v, %v", a, s)
	}
	if a, s := export(ctx); s.Code() != codes.OK || a.PartialSuccess != nil {
		t.Errorf("got %v, %v", a, s)
	}
	if _, s := export(ctx, make([]*trace.Span, 11)...); s.Code() != codes.InvalidArgument {
		t.Errorf("too many: %v", s)
	}
	if _, s := export(ctx, spanWith(0, "a", strings.Repeat("x", 5000))); s.Code() != codes.ResourceExhausted { // gRPC's own answer
		t.Errorf("too large: %v", s)
	}
	x.service.Stop()
	_, s := export(ctx)
	if s.Code() != codes.Unavailable || !retries(s) {
		t.Errorf("stopping: %v", s)
	}
}

func retries(s *status.Status) bool {
	for _, d := range s.Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok && r.GetRetryDelay().AsDuration() > 0 {
			return true
		}
	}
	return false
}

// TLS is that of HTTP: who has no certificate that is wanted is not let in.
func TestGRPCOverTLS(t *testing.T) {
	x := newShop(t, service.Options{})
	known := httptest.NewTLSServer(nil) // for its certificate
	defer known.Close()
	ca := x509.NewCertPool()
	ca.AddCert(known.Certificate())
	server := (&Receiver{Rules: &Rules{}}).Server(x.service, &tls.Config{Certificates: known.TLS.Certificates, ClientAuth: tls.RequireAnyClientCert})
	address := listen(t, server.Serve).String()
	defer server.Stop()
	for name, certificates := range map[string][]tls.Certificate{"none": nil, "its own": known.TLS.Certificates} {
		c, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: ca, ServerName: "example.com", Certificates: certificates})))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, err = tracerpc.NewTraceServiceClient(c).Export(context.Background(), &tracerpc.ExportTraceServiceRequest{})
		if (err == nil) != (certificates != nil) {
			t.Errorf("with %s: %v", name, err)
		}
	}
}

// Under back-pressure senders are told to come again: 429 with Retry-After,
// RESOURCE_EXHAUSTED with RetryInfo.
func TestBackPressure(t *testing.T) {
	if s := status.Convert(failure(service.ErrBusy)); s.Code() != codes.ResourceExhausted || !retries(s) {
		t.Errorf("gRPC: %v", s)
	}
	if s := status.Convert(failure(service.ErrNoStore)); s.Code() != codes.Unavailable || !retries(s) {
		t.Errorf("gRPC: %v", s)
	}
	x := newShop(t, service.Options{Limits: service.Limits{Body: 1 << 30, Event: 1000, Batch: 10, Parameters: 10, Depth: 5}})
	r := httptest.NewRequest("POST", "/v1/traces", strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = 65 << 20 // more than may be on its way
	w := httptest.NewRecorder()
	(&Receiver{}).Routes(x.service)["POST /v1/traces"].ServeHTTP(w, r)
	if w.Code != 429 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"code":8`) {
		t.Errorf("HTTP: %d %v %s", w.Code, w.Header(), w.Body)
	}
}
