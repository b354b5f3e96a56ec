// Package awswire is what AWS's services have in common in process: hosts,
// protocols, the shapes of errors, and the way of a request through the tap.
//
// Requests reach a service by host name, by the emulators' one address for all
// of them (AWS_ENDPOINT_URL), or by a client of the instance's; where one
// address is several services', the request itself says whose it is. It is
// JSON by X-Amz-Target (1.0 and 1.1), the Query protocol (a form, answered in
// XML), or REST, which the service reads by itself. Signatures are read for
// service and region, and not checked: nobody is let in or kept out.
// Nothing is compressed in an answer; a request may be.
package awswire

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/awsprobe"
	"github.com/wtsim/wtsim/probe/httpprobe"
)

// Account is the one that everything belongs to, and Region the one of what no
// request has named another for.
const (
	Account = "123456789012"
	Region  = "us-east-1"
)

// API is a service as its wire needs it.
type API struct {
	Service   string          // that requests are signed for: "dynamodb"
	Called    string          // the name of its operations' service, as the scenario declares it
	Namespace string          // of errors' names in JSON: "com.amazonaws.dynamodb.v20120810"
	XMLNS     string          // of answers in the Query protocol
	Checksum  bool            // answers have X-Amz-Crc32
	Keys      awsprobe.Keys   // of tables
	Faults    map[string]Code // how it refuses by each of its operations' Fails
	Kernel    cloud.Kernel

	// Refuse tells an error where the protocol is neither JSON nor the Query
	// protocol; nil where it is one of them.
	Refuse func(*Request, *Error) *http.Response
	// Raw says that bodies are what clients store, whatever their headers say.
	Raw bool

	// Handle carries a request out, on the caller's goroutine. What it answers
	// goes out as JSON, or in the Query protocol as XML, or is an
	// *http.Response, which goes out as it is. An error is an [*Error] or a
	// [*Lack]; others are answered with InternalFailure.
	Handle func(*Request) (any, error)
}

// Code is the status and the message of a refusal.
type Code struct {
	Status  int
	Message string
}

// Wire is the HTTP of a service during one run. Backends embed it: it is what
// of a [cloud.Host] all services have in common.
type Wire struct {
	api      API
	requests atomic.Int64
	closed   atomic.Bool
}

// New returns the wire of a service.
func New(api API) *Wire { return &Wire{api: api} }

// AWS is the service that requests are signed for.
func (w *Wire) AWS() string { return w.api.Service }

// Serves reports whether the host is one of the service's endpoints.
func (w *Wire) Serves(host string) bool {
	service, _, _ := awsprobe.Endpoint(host)
	return service == w.api.Service
}

// Close ends the run: what still calls fails.
func (w *Wire) Close() { w.closed.Store(true) }

// Client returns an HTTP client of a function instance that reaches the
// service whatever the host: the HTTPClient of a client of AWS's.
func (w *Wire) Client(env cloud.Env) *http.Client {
	return &http.Client{Transport: w.Transport(env.Tap())}
}

// Transport returns the round tripper that a tap's calls take. Requests to
// others of the run's services of AWS reach them.
func (w *Wire) Transport(tap probe.Tap) http.RoundTripper {
	describe := awsprobe.Describer(w.api.Keys)
	return &router{w, tap, httpprobe.Transport(tap, http.RoundTripper(front{w}), func(r *http.Request, op *event.Operation) {
		describe(r, op)
		op.Service = w.api.Called
	})}
}

// router sends a request to the service that it is for.
type router struct {
	*Wire
	tap  probe.Tap
	ours http.RoundTripper
}

// sibling is the backend of a service of AWS.
type sibling interface {
	AWS() string
	Transport(probe.Tap) http.RoundTripper
}

// RoundTrip passes the request on to its service.
func (t *router) RoundTrip(r *http.Request) (*http.Response, error) {
	to := awsprobe.To(r).Service
	if to == "" || to == t.api.Service {
		return t.ours.RoundTrip(r)
	}
	for _, b := range t.api.Kernel.Backends() {
		if s, ok := b.(sibling); ok && s.AWS() == to {
			return s.Transport(t.tap).RoundTrip(r)
		}
	}
	t.api.Kernel.Lacks("AWS's " + to + ", which the scenario does not have")
	return nil, fmt.Errorf("wtsim: a request to AWS's %s, which the scenario does not have", to)
}

// front carries requests out.
type front struct{ w *Wire }

// Request is one of a client's.
type Request struct {
	*http.Request
	awsprobe.Target
	Operation string     // "PutItem"; of REST empty
	Body      []byte     // decoded
	Form      url.Values // of the Query protocol; else nil
	Call      *probe.Call
	Missing   int    // how many of the newest writes a read is not to see
	ID        string // of the request, as the answer tells it
}

// Decode reads a request of JSON. An [*Error] that a value of it has when it
// reads itself stays what it is.
func (q *Request) Decode(into any) error {
	body := q.Body
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	err := json.Unmarshal(body, into)
	if e := (*Error)(nil); errors.As(err, &e) { // of a value that reads itself
		return e
	}
	if err != nil {
		return &Error{Code: "SerializationException", Namespace: "com.amazon.coral.service", Message: err.Error()}
	}
	return nil
}

// RoundTrip carries a request out.
func (f front) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.w.closed.Load() {
		return nil, errors.New(f.w.api.Service + ": the run has ended")
	}
	q, err := f.w.read(r)
	if err == nil {
		var answer any
		if answer, err = f.w.api.Handle(q); err == nil {
			return f.w.answer(q, answer), nil
		}
	}
	return f.w.refuse(q, err), nil
}

// Refuse answers that the service does not want to, in its own words.
func (f front) Refuse(r *http.Request, with string) *http.Response {
	q, err := f.w.read(r)
	if err == nil {
		code := f.w.api.Faults[with]
		err = &Error{Code: with, Status: code.Status, Message: code.Message}
	}
	return f.w.refuse(q, err)
}

// read reads a request.
func (w *Wire) read(r *http.Request) (*Request, error) {
	q := &Request{
		Request: r, Target: awsprobe.To(r), Call: probe.CallOf(r.Context()), Missing: httpprobe.Missing(r.Context()),
		ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", w.requests.Add(1)),
	}
	var err error
	if w.api.Raw {
		if r.Body != nil {
			defer r.Body.Close()
			q.Body, err = io.ReadAll(r.Body)
		}
		return q, err
	}
	if q.Body, err = readBody(r); err != nil {
		return q, &Error{Code: "SerializationException", Namespace: "com.amazon.coral.service", Message: err.Error()}
	}
	if q.Operation = q.Target.Name; q.Operation != "" {
		return q, nil
	}
	form := r.URL.Query()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if form, err = url.ParseQuery(string(q.Body)); err != nil {
			return q, &Error{Code: "MalformedQueryString", Message: err.Error()}
		}
	}
	if q.Operation = form.Get("Action"); q.Operation != "" {
		q.Form = form
	}
	return q, nil
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	var body io.Reader = r.Body
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = z
	}
	return io.ReadAll(body)
}
