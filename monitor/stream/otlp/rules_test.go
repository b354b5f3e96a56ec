package otlp

import (
	"fmt"
	"strings"
	"testing"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/wtsim/wtsim/event"
)

// told is a sink that writes down.
type told struct{ lines []string }

func (s *told) Event(e *event.Event) {
	s.lines = append(s.lines, string(e.AppendJSON(nil)))
}
func (s *told) Refuse(why string) { s.lines = append(s.lines, "refused: "+why) }
func (s *told) Unmatched()        { s.lines = append(s.lines, "unmatched") }

func pairs(all ...any) (kvs []*common.KeyValue) {
	for i := 0; i < len(all); i += 2 {
		v := &common.AnyValue{}
		switch x := all[i+1].(type) {
		case string:
			v.Value = &common.AnyValue_StringValue{StringValue: x}
		case int:
			v.Value = &common.AnyValue_IntValue{IntValue: int64(x)}
		case []string:
			a := &common.ArrayValue{}
			for _, s := range x {
				a.Values = append(a.Values, &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}})
			}
			v.Value = &common.AnyValue_ArrayValue{ArrayValue: a}
		}
		kvs = append(kvs, &common.KeyValue{Key: all[i].(string), Value: v})
	}
	return kvs
}

func spanWith(kind trace.Span_SpanKind, attributes ...any) *trace.Span {
	return &trace.Span{
		TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: "name", Kind: kind,
		StartTimeUnixNano: 1e18, EndTimeUnixNano: 1e18 + 5, Attributes: pairs(attributes...),
	}
}

var somewhere = originOf(&resource.Resource{Attributes: pairs("service.name", "shop", "service.instance.id", "i-1")})

func rulesOf(t *testing.T, text string) *Rules {
	t.Helper()
	r, err := ParseRules("r.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Whatever a sender's conventions spell it like, a rule finds it, whichever
// spelling the rule has; service, method and resource are those of the call.
func TestSpellings(t *testing.T) {
	const client, server = trace.Span_SPAN_KIND_CLIENT, trace.Span_SPAN_KIND_SERVER
	for name, c := range map[string]struct {
		rule string
		span *trace.Span
	}{
		"http, old":      {"service: pay.example, method: POST, resource: '/o/{x}'", spanWith(client, "http.method", "POST", "net.peer.name", "pay.example", "http.target", "/o/7?a=b", "http.status_code", 200)},
		"http, new":      {"service: pay.example, method: POST, resource: '/o/{x}'", spanWith(client, "http.request.method", "POST", "url.full", "https://pay.example:8443/o/7?a=b", "http.response.status_code", 200)},
		"http server":    {"service: shop, method: GET, resource: '/o/{x}'", spanWith(server, "http.request.method", "GET", "url.path", "/o/7", "http.route", "/o/:id", "server.address", "me")},
		"rpc, old":       {"service: pay.Pay, method: Charge, where: {attribute.rpc.response.status_code: OK, status: OK}, resource: '{x}'", spanWith(client, "rpc.system", "grpc", "rpc.service", "pay.Pay", "rpc.method", "Charge", "rpc.grpc.status_code", 0)},
		"rpc, other":     {"service: pay.Pay, method: Charge, where: {attribute.rpc.grpc.status_code: OK}", spanWith(client, "rpc.service", "pay.Pay", "rpc.method", "Charge", "rpc.status_code", "0")},
		"rpc, new":       {"service: pay.Pay, method: Charge, where: {attribute.rpc.status_code: OK}", spanWith(client, "rpc.method", "pay.Pay/Charge", "rpc.response.status_code", "OK")},
		"db, old":        {"service: postgresql, method: INSERT, resource: orders", spanWith(client, "db.system", "postgresql", "db.operation", "INSERT", "db.sql.table", "orders", "db.name", "shop")},
		"db, new":        {"service: postgresql, method: INSERT, resource: orders", spanWith(client, "db.system.name", "postgresql", "db.operation.name", "INSERT", "db.collection.name", "orders", "db.namespace", "shop")},
		"messaging, old": {"service: kafka, method: publish, resource: orders", spanWith(trace.Span_SPAN_KIND_PRODUCER, "messaging.system", "kafka", "messaging.operation", "publish", "messaging.destination", "orders")},
		"messaging, new": {"service: kafka, method: send, resource: orders", spanWith(trace.Span_SPAN_KIND_PRODUCER, "messaging.system", "kafka", "messaging.operation.type", "send", "messaging.destination.name", "orders")},
		"dynamodb":       {"service: DynamoDB, method: PutItem, resource: orders", spanWith(client, "rpc.system", "aws-api", "rpc.service", "DynamoDB", "rpc.method", "PutItem", "aws.dynamodb.table_names", []string{"orders"})},
		"dynamodb, new":  {"service: DynamoDB, method: PutItem, resource: orders", spanWith(client, "rpc.method", "DynamoDB/PutItem", "aws.dynamodb.table_names", []string{"orders"})},
		"s3":             {"service: S3, method: PutObject, resource: 'b/{x}'", spanWith(client, "rpc.service", "S3", "rpc.method", "PutObject", "aws.s3.bucket", "b", "aws.s3.key", "k")},
		"faas":           {"method: name, where: {attribute.faas.invocation_id: r-1}", spanWith(server, "faas.execution", "r-1")},
		"both spellings": {"where: {attribute.http.method: PUT}", spanWith(client, "http.method", "POST", "http.request.method", "PUT")},
		"pseudo":         {"kind: client, where: {attribute.span.kind: client, attribute.span.name: name, attribute.service.name: shop}", spanWith(client)},
	} {
		var s told
		rulesOf(t, "rules:\n- {emit: E, "+c.rule+"}").span(&somewhere, c.span, &s)
		if len(s.lines) != 1 || !strings.Contains(s.lines[0], `"type":"E"`) {
			t.Errorf("%s: got %q, wanted an event", name, s.lines)
		}
	}
}

// A rule is of a span's end or start, of what succeeded or failed.
func TestEndsAndOutcomes(t *testing.T) {
	rules := rulesOf(t, `
rules:
  - {emit: DONE, with: {x: =1, code: status, absent: attribute.none}}
  - {emit: FAILED, outcome: failed}
  - {emit: ENDED, outcome: any}
  - {emit: BEGUN, at: start}
`)
	ok, refused, broken := spanWith(trace.Span_SPAN_KIND_CLIENT, "faas.invocation_id", "v"), spanWith(trace.Span_SPAN_KIND_CLIENT, "http.status_code", 404), spanWith(0)
	broken.Status = &trace.Status{Code: trace.Status_STATUS_CODE_ERROR}
	rpc := spanWith(trace.Span_SPAN_KIND_CLIENT, "rpc.grpc.status_code", 14)
	for name, c := range map[string]struct {
		span *trace.Span
		want string
	}{"ok": {ok, "BEGUN DONE ENDED"}, "refused": {refused, "BEGUN FAILED ENDED"}, "broken": {broken, "BEGUN FAILED ENDED"}, "rpc": {rpc, "BEGUN FAILED ENDED"}} {
		var s told
		rules.span(&somewhere, c.span, &s)
		var got []string
		for _, line := range s.lines {
			e, err := event.Decode([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Type)
			if at := e.Time.UnixNano(); !e.Lossy || e.Sequence != fmt.Sprint(at) || (at == 1e18) != (e.Type == "BEGUN") {
				t.Errorf("%s: %s", name, line)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %s", name, got, c.want)
		}
	}
	var s told
	rules.span(&somewhere, ok, &s)
	const want = `{"specversion":"1.0","id":"30313233343536373839616263646566-3031323334353637/end","source":"i-1","type":"DONE","time":"2001-09-09T01:46:40.000000005Z","sequence":"1000000000000000005","invocation":"v","lossy":true,"data":{"code":"","x":"1"}}`
	if s.lines[1] != want {
		t.Errorf("got  %s\nwant %s", s.lines[1], want)
	}
}

// What would be an event and cannot be is refused by name.
func TestRefusals(t *testing.T) {
	rules := rulesOf(t, "rules:\n- {emit: E}\n- {emit: S, at: start}")
	nowhere := originOf(&resource.Resource{Attributes: pairs("service.name", "shop")})
	noTime, noID := spanWith(0), spanWith(0)
	noTime.EndTimeUnixNano, noID.SpanId = 0, nil
	for _, c := range []struct {
		o    *origin
		s    *trace.Span
		want string
	}{
		{&nowhere, spanWith(0), `refused: span "name": the resource of service "shop" has neither service.instance.id nor faas.instance`},
		{&somewhere, noTime, `refused: span "name": it has no time`},
		{&somewhere, noID, `refused: span "name": its ids are of 16 and 0 bytes`},
		{&somewhere, spanWith(0, "wtsim.sequence", 7), `refused: span "name": wtsim.sequence.start is "", wanted a number`},
		{&somewhere, spanWith(0, "wtsim.sequence", "x", "wtsim.sequence.start", 1), `refused: span "name": wtsim.sequence is "x"`},
	} {
		var s told
		rules.span(c.o, c.s, &s)
		if len(s.lines) != 1 || !strings.HasPrefix(s.lines[0], c.want) {
			t.Errorf("got %q, want %q", s.lines, c.want)
		}
	}
}

// A file of rules that says something else than rules is refused in one line
// with its place.
func TestBadRules(t *testing.T) {
	for text, want := range map[string]string{
		"":                                           `r.yaml: no rules, wanted a list under "rules"`,
		"rules: []":                                  `r.yaml: no rules, wanted a list under "rules"`,
		"rules:\n- {emit: E, emits: F}":              `unknown field "emits"`,
		"rule:\n- {emit: E}":                         `unknown field "rule"`,
		"rules:\n- {method: E}":                      "r.yaml: rule 1 (): emit is missing",
		"rules:\n- {emit: E, at: noon}":              `r.yaml: rule 1 (E): at is "noon", wanted start or end`,
		"rules:\n- {emit: E, kind: big}":             `r.yaml: rule 1 (E): kind is "big", wanted internal, server`,
		"rules:\n- {emit: E, outcome: x}":            `r.yaml: rule 1 (E): outcome is "x", wanted ok, failed or any`,
		"rules:\n- {emit: E, with: {a: response.b}}": `r.yaml: rule 1 (E): a span has no response.b`,
		"rules:\n- {emit: E, where: {arg.1: b}}":     `r.yaml: rule 1 (E): a span has no arg.1`,
		"rules:\n- {emit: E, with: {a: nonsense}}":   `r.yaml: rule 1 (E): unknown expression "nonsense"`,
		"rules:\n- {emit: E, with: {a: '{b}'}}":      `r.yaml: rule 1 (E): {b} is not bound`,
		"rules:\n- {emit: E, resource: '{a'}":        `r.yaml: rule 1 (E): resource "{a"`,
		"rules:\n- {emit: E\n":                       "r.yaml: [",
		"rules:\n- {emit: E, with: {a: {b: c}}}":     "r.yaml: [",
		"rules:\n- {emit: E}\n- {emit: F, emit: G}":  "r.yaml: [",
	} {
		_, err := ParseRules("r.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "r.yaml") {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
