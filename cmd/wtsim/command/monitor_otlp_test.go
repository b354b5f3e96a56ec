package command

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// between is the part of a text that stands between two others.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, from)
	part, _, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("nothing stands between %q and %q", from, to)
	}
	return part
}

// The example of docs/production.md works: its rules, its request, and a span of
// the real SDK over gRPC, which charges the same order again.
func TestMonitorTakesOTLP(t *testing.T) {
	page, err := os.ReadFile("../../../docs/production.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "## OpenTelemetry\n")
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rules := file("rules.yaml", between(t, section, "```yaml\n", "```"))
	props := file("shop.yaml", "properties:\n  - name: charged once\n    at most once: CHARGED(order)\n")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	p := startMonitor(t, "--props", props, "--rules", rules, "--otlp", address, "--data", filepath.Join(dir, "data"))
	if code, body := p.request("POST", "/v1/traces", "application/json", strings.NewReader(between(t, section, "/v1/traces -d '", "'"))); code != 200 || strings.TrimSpace(body) != "{}" {
		t.Fatalf("the page's request: %d %s", code, body)
	}
	out, err := otlptracegrpc.New(context.Background(), otlptracegrpc.WithEndpoint(address), otlptracegrpc.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(out), sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.instance.id", "shop-2"))))
	_, s := tracers.Tracer("test").Start(context.Background(), "POST", oteltrace.WithSpanKind(oteltrace.SpanKindClient), oteltrace.WithAttributes(
		attribute.String("http.request.method", "POST"), attribute.String("server.address", "payments.example"), attribute.String("url.path", "/orders/o-1/charge"),
		attribute.Int("http.response.status_code", 201)))
	s.End()
	if err := tracers.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if st := p.close(); st.Events != 2 || st.Violations != 1 || !st.Lossy || st.Verdict != "violated" {
		t.Errorf("status %+v", st)
	}
}
