package otlp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// kinds are the names of the kinds of span, by number from 1.
var kinds = [...]string{"internal", "server", "client", "producer", "consumer"}

// Placeholder is the type of the event that a numbered span is which no rule
// wants.
const Placeholder = "otel.span"

// Attributes that number a span in its source, see package otelprobe.
const (
	sequenceOfEnd   = "wtsim.sequence"
	sequenceOfStart = "wtsim.sequence.start"
)

// origin is a resource: whose spans and log records follow.
type origin struct {
	attributes attributes
	wrong      error
}

func originOf(r *resource.Resource) origin {
	o := origin{attributes: attributes{}}
	o.wrong = o.attributes.add(r.GetAttributes(), canonical)
	return o
}

// source is the clock domain.
func (o *origin) source() (string, error) {
	if o.wrong != nil {
		return "", fmt.Errorf("its resource: %w", o.wrong)
	}
	if s := o.attributes.text("service.instance.id", "faas.instance"); s != "" {
		return s, nil
	}
	return "", fmt.Errorf("the resource of service %q has neither service.instance.id nor faas.instance, wanted one: whose clock it is", o.attributes.text("service.name"))
}

// span is a span as an operation.
type span struct {
	op         event.Operation
	attributes attributes
	kind       string
	failed     bool
}

// spanOf reads what rules look at.
func spanOf(o *origin, s *trace.Span) (*span, error) {
	x := &span{attributes: attributes{}}
	if err := x.attributes.add(s.GetAttributes(), canonical); err != nil {
		return nil, err
	}
	for name, v := range o.attributes { //wtsim:order each stands for itself
		if _, own := x.attributes[name]; !own {
			x.attributes[name] = v
		}
	}
	if n := int(s.GetKind()); n > 0 && n <= len(kinds) {
		x.kind = kinds[n-1]
	}
	if code, ok := x.attributes["rpc.response.status_code"]; ok {
		x.attributes["rpc.response.status_code"] = event.Str(rpcStatus(code.Text()))
	}
	x.attributes["span.name"], x.attributes["span.kind"] = event.Str(s.GetName()), event.Str(x.kind)
	x.op.Service, x.op.Method, x.op.Resource = x.service(), x.method(s.GetName()), x.resource(s.GetName())
	x.op.Result.Status = x.attributes.text("http.response.status_code", "rpc.response.status_code", "db.response.status_code")
	x.failed = s.GetStatus().GetCode() == trace.Status_STATUS_CODE_ERROR || x.refused()
	x.op.Attributes = x.attributes.data()
	return x, nil
}

// service is who was called, or who serves.
func (x *span) service() string {
	if s, _ := x.rpc(); s != "" {
		return s
	}
	if s := x.attributes.text("db.system.name", "messaging.system"); s != "" {
		return s
	}
	if x.kind == "client" || x.kind == "producer" {
		if s := x.attributes.text("server.address"); s != "" {
			if host, _, err := net.SplitHostPort(s); err == nil {
				return host
			}
			return s
		}
		if u, err := url.Parse(x.attributes.text("url.full")); err == nil && u.Hostname() != "" {
			return u.Hostname()
		}
		if s := x.attributes.text("faas.invoked_name", "peer.service"); s != "" {
			return s
		}
	}
	return x.attributes.text("service.name")
}

// rpc is the service and the method of a call. The newest conventions have both
// in one attribute.
func (x *span) rpc() (service, method string) {
	service, method = x.attributes.text("rpc.service"), x.attributes.text("rpc.method")
	if at := strings.LastIndexByte(method, '/'); service == "" && at > 0 {
		return method[:at], method[at+1:]
	}
	return service, method
}

func (x *span) method(name string) string {
	if _, m := x.rpc(); m != "" {
		return m
	}
	if m := x.attributes.text("db.operation.name", "messaging.operation.type", "messaging.operation.name", "http.request.method"); m != "" {
		return m
	}
	return name
}

// resource is what the call touches.
func (x *span) resource(name string) string {
	a := x.attributes
	if bucket := a.text("aws.s3.bucket"); bucket != "" {
		return strings.TrimSuffix(bucket+"/"+a.text("aws.s3.key"), "/")
	}
	if tables, ok := a["aws.dynamodb.table_names"]; ok {
		if items := tables.Tree().Items; len(items) > 0 {
			return items[0].Text()
		}
	}
	if r := a.text("aws.sqs.queue.url", "db.collection.name", "messaging.destination.name", "faas.invoked_name"); r != "" {
		return r
	}
	if path, _, _ := strings.Cut(a.text("url.path"), "?"); path != "" {
		return path
	}
	if u, err := url.Parse(a.text("url.full")); err == nil && u.Path != "" {
		return u.Path
	}
	if r := a.text("http.route", "db.namespace"); r != "" {
		return r
	}
	return name
}

// refused tells whether the service did not accept the call.
func (x *span) refused() bool {
	if n, err := strconv.Atoi(x.attributes.text("http.response.status_code")); err == nil && n >= 400 {
		return true
	}
	status := x.attributes.text("rpc.response.status_code")
	_, isHTTP := x.attributes["http.response.status_code"]
	return status != "" && status != "OK" && !isHTTP
}

// Sink takes events in, and why something that would be one is none.
type Sink interface {
	Event(e *event.Event)
	Refuse(why string)
	Unmatched() // something that is meant to be no event
}

// Span makes events of a span.
func (r *Rules) span(o *origin, s *trace.Span, to Sink) {
	x, err := spanOf(o, s)
	if err != nil {
		to.Refuse(fmt.Sprintf("span %q: %v", s.GetName(), err))
		return
	}
	m := moment{origin: o, attributes: x.attributes}
	starts, ends := r.apply(x)
	if m.numbered() {
		starts, ends = orPlaceholder(starts, x.attributes, sequenceOfStart), orPlaceholder(ends, x.attributes, sequenceOfEnd)
	}
	if len(starts)+len(ends) == 0 {
		to.Unmatched()
		return
	}
	all, err := m.events(s, starts, ends)
	if err != nil {
		to.Refuse(fmt.Sprintf("span %q: %v", s.GetName(), err))
		return
	}
	for i := range all {
		to.Event(&all[i])
	}
}

// orPlaceholder is an event for a number that would be missing else.
func orPlaceholder(all []probe.Emitted, a attributes, number string) []probe.Emitted {
	if _, ok := a[number]; ok && len(all) == 0 {
		return []probe.Emitted{{Type: Placeholder}}
	}
	return all
}

// moment puts events of one span, or log record, in their place.
type moment struct {
	origin     *origin
	attributes attributes
}

// numbered tells whether it has a place in a sequence of its source.
func (m *moment) numbered() bool {
	_, ok := m.attributes[sequenceOfEnd]
	return ok
}

// events of a span are at its start and at its end.
func (m *moment) events(s *trace.Span, starts, ends []probe.Emitted) (all []event.Event, err error) {
	if len(s.GetTraceId()) != 16 || len(s.GetSpanId()) != 8 {
		return nil, fmt.Errorf("its ids are of %d and %d bytes, wanted 16 and 8", len(s.GetTraceId()), len(s.GetSpanId()))
	}
	id := hex.EncodeToString(s.GetTraceId()) + "-" + hex.EncodeToString(s.GetSpanId())
	for i, e := range starts {
		one, err := m.event(e, s.GetStartTimeUnixNano(), sequenceOfStart)
		if err != nil {
			return nil, err
		}
		one.ID = id + "/start" + place(i)
		all = append(all, one)
	}
	for i, e := range ends {
		one, err := m.event(e, s.GetEndTimeUnixNano(), sequenceOfEnd)
		if err != nil {
			return nil, err
		}
		one.ID = id + "/end" + place(i)
		all = append(all, one)
	}
	return all, nil
}

func place(i int) string {
	if i == 0 {
		return ""
	}
	return "." + strconv.Itoa(i+1)
}

var errNoTime = errors.New("it has no time, wanted nanoseconds since 1970")

// event is an event without an id.
func (m *moment) event(of probe.Emitted, at uint64, number string) (e event.Event, err error) {
	if at == 0 {
		return e, errNoTime
	}
	e = event.Event{Type: of.Type, Data: of.Data, Time: time.Unix(int64(at/1e9), int64(at%1e9)).UTC(), Invocation: m.attributes.text("faas.invocation_id")}
	if e.Source, err = m.origin.source(); err != nil {
		return e, err
	}
	if !m.numbered() {
		e.Lossy, e.Sequence = true, strconv.FormatUint(at, 10)
		return e, nil
	}
	e.Source += "/spans"
	e.Sequence = m.attributes.text(number)
	if _, err := strconv.ParseUint(e.Sequence, 10, 63); err != nil {
		return e, fmt.Errorf("%s is %q, wanted a number, which the span processor gives", number, e.Sequence)
	}
	return e, nil
}
