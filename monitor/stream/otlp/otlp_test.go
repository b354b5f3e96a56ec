package otlp

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream/jetstream"
	"github.com/wtsim/wtsim/monitor/stream/service"
	"github.com/wtsim/wtsim/probe/otelprobe"
	"github.com/wtsim/wtsim/props"
)

const shopProperties = `
properties:
  - name: charged once
    at most once: CHARGED(order)
  - name: charged with consent
    forall: [order]
    states:
      none:
        - {on: CONSENT(order), to: given}
        - {on: CHARGED(order), to: violated}
      given:
        - {on: CHARGED(order), to: given}
`

const shopRules = `
rules:
  - emit: CHARGED
    kind: client
    service: payments.example
    method: POST
    resource: /orders/{order}/charge
    where: {attribute.http.status_code: 201}
    with: {order: "{order}"}
  - emit: CONSENT
    method: set consent
    with: {order: attribute.app.order}
`

// shop is a monitor of the shop, on disk, with HTTP and gRPC.
type shop struct {
	t       *testing.T
	service *service.Service
	http    string
	grpc    string
}

func newShop(t *testing.T, o service.Options) *shop {
	t.Helper()
	all, err := props.Parse("p.yaml", []byte(shopProperties))
	if err != nil {
		t.Fatal(err)
	}
	if o.Program, err = monitor.Compile(all...); err != nil {
		t.Fatal(err)
	}
	rules, err := ParseRules("rules.yaml", []byte(shopRules))
	if err != nil {
		t.Fatal(err)
	}
	receiver := &Receiver{Rules: rules}
	o.Routes, o.Stream.Lateness = receiver.Routes, 100*time.Millisecond
	engine, err := jetstream.Embed(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	x := &shop{t: t}
	if x.service, err = service.Start(context.Background(), o, engine); err != nil {
		t.Fatal(err)
	}
	x.http = listen(t, x.service.Serve).String()
	server := receiver.Server(x.service, nil)
	x.grpc = listen(t, server.Serve).String()
	t.Cleanup(func() { server.Stop(); x.service.Stop(); engine.Close() })
	return x
}

func listen(t *testing.T, serve func(net.Listener) error) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go serve(l) //nolint:errcheck // it ends with the test
	return l.Addr()
}

// closed settles what waits, and returns the status.
func (x *shop) closed() (st service.Status) {
	x.t.Helper()
	a, err := http.Post("http://"+x.http+"/v1/close", "", nil)
	if err != nil {
		x.t.Fatal(err)
	}
	defer a.Body.Close()
	if err := json.NewDecoder(a.Body).Decode(&st); err != nil {
		x.t.Fatal(err)
	}
	return st
}

func (x *shop) get(path string) string {
	x.t.Helper()
	a, err := http.Get("http://" + x.http + path)
	if err != nil {
		x.t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	return string(b)
}

func instance(id string) *resource.Resource {
	return resource.NewSchemaless(attribute.String("service.name", "shop"), attribute.String("service.instance.id", id))
}

// charge is what an instrumented HTTP client makes of a call, with the old
// conventions.
func charge(tracer trace.Tracer, order string, status int) {
	_, s := tracer.Start(context.Background(), "POST", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.method", "POST"), attribute.String("http.url", "https://payments.example/orders/"+order+"/charge"), attribute.Int("http.status_code", status)))
	if status >= 400 {
		s.SetStatus(codes.Error, "")
	}
	s.End()
}

func consent(tracer trace.Tracer, order string) {
	_, s := tracer.Start(context.Background(), "set consent", trace.WithAttributes(attribute.String("app.order", order)))
	s.End()
}

// Spans of the real SDK, over HTTP and gRPC, compressed and not: two charges are
// two; what rests on a consent that was not seen is inconclusive; what was
// refused was no charge.
func TestSpansOfTheSDK(t *testing.T) {
	exporters := map[string]func(x *shop) (sdktrace.SpanExporter, error){
		"http": func(x *shop) (sdktrace.SpanExporter, error) {
			return otlptracehttp.New(context.Background(), otlptracehttp.WithEndpoint(x.http), otlptracehttp.WithInsecure())
		},
		"http, gzip": func(x *shop) (sdktrace.SpanExporter, error) {
			return otlptracehttp.New(context.Background(), otlptracehttp.WithEndpoint(x.http), otlptracehttp.WithInsecure(), otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
		},
		"grpc, gzip": func(x *shop) (sdktrace.SpanExporter, error) {
			return otlptracegrpc.New(context.Background(), otlptracegrpc.WithEndpoint(x.grpc), otlptracegrpc.WithInsecure(), otlptracegrpc.WithCompressor("gzip"))
		},
	}
	for name, exporter := range exporters {
		t.Run(name, func(t *testing.T) {
			x := newShop(t, service.Options{Shards: 2})
			out, err := exporter(x)
			if err != nil {
				t.Fatal(err)
			}
			tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(out), sdktrace.WithResource(instance("i-1")))
			tracer := tracers.Tracer("test")
			consent(tracer, "o-1")
			charge(tracer, "o-1", 201)
			charge(tracer, "o-2", 503)
			charge(tracer, "o-2", 201)
			charge(tracer, "o-1", 201)
			if err := tracers.Shutdown(context.Background()); err != nil {
				t.Fatal(err)
			}
			st := x.closed()
			if st.Events != 4 || st.Violations != 1 || st.Undecided != 1 || !st.Lossy || st.Missing != 0 || st.Malformed != 0 {
				t.Errorf("status %+v", st.Totals)
			}
			if v := x.get("/v1/violations"); !strings.Contains(v, `"property":"charged once","binding":{"order":"o-1"},"certainty":"certain","source":"i-1"`) {
				t.Errorf("violations %s", v)
			}
			if m := x.get("/metrics"); !strings.Contains(m, "wtsim_records_unmatched_total 1\n") || !strings.Contains(m, `wtsim_requests_total{status="200"}`) {
				t.Errorf("metrics %s", m)
			}
		})
	}
}

// Spans that are numbered lose nothing in silence: what rests on absence is
// decided, and one that was not sampled is missing.
func TestNumberedSpans(t *testing.T) {
	x := newShop(t, service.Options{})
	out, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpoint(x.http), otlptracehttp.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithResource(instance("i-1")),
		sdktrace.WithSampler(otelprobe.Sampler(byName{})),
		sdktrace.WithSpanProcessor(otelprobe.Processor(sdktrace.NewBatchSpanProcessor(out), otelprobe.Options{Starts: true})))
	tracer := tracers.Tracer("test")
	for _, name := range []string{"wanted by no rule", "dropped", "another"} {
		_, s := tracer.Start(context.Background(), name)
		s.End()
	}
	charge(tracer, "o-2", 201)
	if err := tracers.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	st := x.closed()
	// Of each span but one: its start and its end.
	if st.Events != 6 || st.Violations != 1 || st.Undecided != 0 || st.Lossy || st.Missing != 2 || st.Late != 0 {
		t.Errorf("status %+v", st.Totals)
	}
	if v := x.get("/v1/violations"); !strings.Contains(v, `"property":"charged with consent","binding":{"order":"o-2"},"certainty":"certain","source":"i-1/spans"`) {
		t.Errorf("violations %s", v)
	}
}

// byName is a sampler that drops spans of one name.
type byName struct{ sdktrace.Sampler }

// ShouldSample is of the SDK.
func (byName) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if p.Name == "dropped" {
		return sdktrace.NeverSample().ShouldSample(p)
	}
	return sdktrace.AlwaysSample().ShouldSample(p)
}

// Log records of the real SDK: those with an event name are events, whose
// attributes are their parameters.
func TestRecordsOfTheSDK(t *testing.T) {
	x := newShop(t, service.Options{})
	out, err := otlploghttp.New(context.Background(), otlploghttp.WithEndpoint(x.http), otlploghttp.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	p := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(out)), sdklog.WithResource(instance("i-1")))
	logger := p.Logger("test")
	for i, name := range []string{"CHARGED", "", "CHARGED"} {
		var r log.Record
		r.SetEventName(name)
		r.SetTimestamp(time.Now().Add(time.Duration(i)))
		r.AddAttributes(attribute.String("order", "o-7"), attribute.Int("amount", 3))
		logger.Emit(context.Background(), r)
	}
	if err := p.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if st := x.closed(); st.Events != 2 || st.Violations != 1 || st.Undecided != 1 {
		t.Errorf("status %+v", st.Totals)
	}
}

const oneSpan = `{"resourceSpans":[{"resource":{"attributes":[RESOURCE]},"scopeSpans":[{"spans":[{
 "traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","name":"POST","kind":3,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000",
 "attributes":[{"key":"http.request.method","value":{"stringValue":"POST"}},{"key":"server.address","value":{"stringValue":"payments.example"}},
  {"key":"url.path","value":{"stringValue":"/orders/o-1/charge"}},{"key":"http.response.status_code","value":{"intValue":"201"}}],"someNewField":1}]}]}]}`

func (x *shop) post(path, form, body string) (int, string) {
	x.t.Helper()
	a, err := http.Post("http://"+x.http+path, form, strings.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	if got := a.Header.Get("Content-Type"); form != "text/plain" && got != form {
		x.t.Errorf("%s: answered in %q, wanted %q", path, got, form)
	}
	return a.StatusCode, string(b)
}

// JSON, with ids in hexadecimal digits; a resource without an instance is refused
// by name and counted; a span that comes again is a duplicate.
func TestJSON(t *testing.T) {
	x := newShop(t, service.Options{})
	named := strings.Replace(oneSpan, "RESOURCE", `{"key":"faas.instance","value":{"stringValue":"f-1"}}`, 1)
	for range 2 {
		if code, body := x.post("/v1/traces", "application/json", named); code != 200 || body != "{}" {
			t.Errorf("got %d %s", code, body)
		}
	}
	code, body := x.post("/v1/traces", "application/json", strings.Replace(oneSpan, "RESOURCE", "", 1))
	if code != 200 || !strings.Contains(body, `"rejectedSpans":"1"`) || !strings.Contains(body, "service.instance.id") {
		t.Errorf("got %d %s", code, body)
	}
	if st := x.closed(); st.Events != 1 || st.Malformed != 1 || st.Duplicates != 1 {
		t.Errorf("status %+v", st.Totals)
	}
	if v := x.get("/v1/status"); !strings.Contains(v, `"lossy":true`) {
		t.Errorf("status %s", v)
	}
}

// What is no request of OTLP is refused as OTLP says, in the form that it came in.
func TestBadRequests(t *testing.T) {
	x := newShop(t, service.Options{Limits: service.Limits{Body: 1000, Event: 1000, Batch: 1, Parameters: 10, Depth: 5}})
	for name, c := range map[string]struct {
		path, form, body string
		code             int
		says             string
	}{
		"no form":  {"/v1/traces", "text/plain", "", 415, "application/x-protobuf"},
		"no JSON":  {"/v1/traces", "application/json", "{", 400, "not JSON"},
		"an id":    {"/v1/logs", "application/json", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"xyz"}]}]}]}`, 400, "hexadecimal"},
		"no proto": {"/v1/traces", "application/x-protobuf", "\xff\xff", 400, ""},
		"large":    {"/v1/traces", "application/json", strings.Repeat(" ", 2000), 413, "1000 bytes"},
		"many":     {"/v1/logs", "application/json", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{}]}]}]}`, 413, "2 records"},
		"none":     {"/v1/logs", "application/json", "{}", 200, "{}"},
	} {
		if code, body := x.post(c.path, c.form, c.body); code != c.code || !strings.Contains(body, c.says) {
			t.Errorf("%s: got %d %q, want %d with %q", name, code, body, c.code, c.says)
		}
	}
	none := &Receiver{}
	if err := (&traces{receiver: none}).check(); err == nil || !strings.Contains(err.Error(), "--rules") {
		t.Errorf("without rules: %v", err)
	}
	if body := x.get("/metrics"); !strings.Contains(body, `status="413"`) || !strings.Contains(body, `status="415"`) {
		t.Error("refused requests are not counted")
	}
}
