package otlp

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	logsrpc "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracerpc "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/monitor/stream/service"
)

// Receiver takes requests of OTLP.
type Receiver struct {
	Rules *Rules // nil: no spans are taken
}

// ErrNoRules says that nothing makes events of spans.
var ErrNoRules = errors.New("spans become events by rules, and there are none; wanted --rules FILE")

// Routes are the receiver's routes at a monitor, see [service.Options].
func (r *Receiver) Routes(s *service.Service) map[string]http.Handler {
	return map[string]http.Handler{
		"POST /v1/traces": &endpoint{s, func() request { return &traces{receiver: r} }},
		"POST /v1/logs":   &endpoint{s, func() request { return &records{} }},
	}
}

// request is one of OTLP's.
type request interface {
	message() proto.Message // to be read into
	records() int
	check() error
	fill(to Sink)
	answer(t service.Taken) proto.Message
}

type traces struct {
	receiver *Receiver
	tracerpc.ExportTraceServiceRequest
}

func (x *traces) message() proto.Message { return &x.ExportTraceServiceRequest }

func (x *traces) records() (n int) {
	for _, r := range x.GetResourceSpans() {
		for _, s := range r.GetScopeSpans() {
			n += len(s.GetSpans())
		}
	}
	return n
}

func (x *traces) check() error {
	if x.receiver.Rules == nil {
		return ErrNoRules
	}
	return nil
}

// fillFrom takes in what a request brings, if it is one that may be.
func fillFrom(x request, most int, to Sink) error {
	if n := x.records(); n > most {
		return fmt.Errorf("%w: %d records, wanted at most %d", service.ErrTooLarge, n, most)
	}
	if err := x.check(); err != nil {
		return err
	}
	x.fill(to)
	return nil
}

// rejected is of how many records nothing was taken. One of which two events are
// malformed is one.
func rejected(x request, t service.Taken) int64 { return int64(min(t.Malformed, x.records())) }

func (x *traces) fill(to Sink) {
	for _, r := range x.GetResourceSpans() {
		o := originOf(r.GetResource())
		for _, s := range r.GetScopeSpans() {
			for _, one := range s.GetSpans() {
				x.receiver.Rules.span(&o, one, to)
			}
		}
	}
}

func (x *traces) answer(t service.Taken) proto.Message {
	a := &tracerpc.ExportTraceServiceResponse{}
	if t.Malformed > 0 {
		a.PartialSuccess = &tracerpc.ExportTracePartialSuccess{RejectedSpans: rejected(x, t), ErrorMessage: reasons(t)}
	}
	return a
}

type records struct {
	logsrpc.ExportLogsServiceRequest
}

func (x *records) message() proto.Message { return &x.ExportLogsServiceRequest }

func (x *records) records() (n int) {
	for _, r := range x.GetResourceLogs() {
		for _, s := range r.GetScopeLogs() {
			n += len(s.GetLogRecords())
		}
	}
	return n
}

func (x *records) check() error { return nil }

func (x *records) fill(to Sink) {
	for _, r := range x.GetResourceLogs() {
		o := originOf(r.GetResource())
		for _, s := range r.GetScopeLogs() {
			for _, one := range s.GetLogRecords() {
				record(&o, one, to)
			}
		}
	}
}

func (x *records) answer(t service.Taken) proto.Message {
	a := &logsrpc.ExportLogsServiceResponse{}
	if t.Malformed > 0 {
		a.PartialSuccess = &logsrpc.ExportLogsPartialSuccess{RejectedLogRecords: rejected(x, t), ErrorMessage: reasons(t)}
	}
	return a
}

func reasons(t service.Taken) string { return strings.Join(t.Reasons, "; ") }

// endpoint is one route.
type endpoint struct {
	service *service.Service
	make    func() request
}

// encoding is one of OTLP's two.
type encoding struct {
	name      string
	unmarshal func([]byte, proto.Message) error
	marshal   func(proto.Message) ([]byte, error)
}

var (
	binary = &encoding{"application/x-protobuf", proto.Unmarshal, proto.Marshal}
	text   = &encoding{"application/json", unmarshalJSON, protojson.Marshal}
)

func encodingOf(r *http.Request) *encoding {
	form, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	compressed := r.Header.Get("Content-Encoding")
	switch {
	case compressed != "" && compressed != "identity" && !strings.EqualFold(compressed, "gzip"):
	case form == binary.name:
		return binary
	case form == text.name:
		return text
	}
	return nil
}

// ServeHTTP answers as OTLP/HTTP says.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	form := encodingOf(r)
	if form == nil {
		e.service.Refused(http.StatusUnsupportedMediaType)
		write(w, text, http.StatusUnsupportedMediaType, &spb.Status{Code: int32(codes.InvalidArgument), Message: fmt.Sprintf(
			"content type %q, encoding %q, wanted application/x-protobuf or application/json, plain or gzip", r.Header.Get("Content-Type"), r.Header.Get("Content-Encoding"))})
		return
	}
	x := e.make()
	taken, err := e.service.Take(r.Context(), 0, func(b *service.Batch) error {
		body, err := b.Body(w, r)
		if err != nil {
			return err
		}
		data, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		if err := form.unmarshal(data, x.message()); err != nil {
			return err
		}
		return fillFrom(x, e.service.Limits.Batch, b)
	})
	if err != nil {
		status, code := statusOf(err)
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		write(w, form, status, &spb.Status{Code: int32(code), Message: err.Error()})
		return
	}
	write(w, form, http.StatusOK, x.answer(taken))
}

// statusOf is what an error is in HTTP and in gRPC.
func statusOf(err error) (int, codes.Code) {
	switch {
	case errors.Is(err, service.ErrBusy):
		return http.StatusTooManyRequests, codes.ResourceExhausted
	case errors.Is(err, service.ErrTooLarge):
		return http.StatusRequestEntityTooLarge, codes.InvalidArgument
	case errors.Is(err, service.ErrNoStore), errors.Is(err, service.ErrStopping):
		return http.StatusServiceUnavailable, codes.Unavailable
	}
	return http.StatusBadRequest, codes.InvalidArgument
}

func write(w http.ResponseWriter, form *encoding, status int, m proto.Message) {
	data, err := form.marshal(m)
	if err != nil {
		status, data = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", form.name)
	w.WriteHeader(status)
	_, _ = w.Write(data) // who does not read does not want it
}
