package cloud

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/probe"
)

// Env is what a function instance's clients are made of.
type Env interface {
	// Tap is the instance's way to the outside.
	Tap() probe.Tap
	// Context is cancelled when the instance ends.
	Context() context.Context
	// Backend returns the run's backend of a service; it panics if the
	// scenario has no such service, which is a mistake of the scenario.
	Backend(service string) Backend
	// HTTPClient returns a client that reaches the scenario's HTTP services by
	// their host names. [http.DefaultClient] does too.
	HTTPClient() *http.Client
	// OnTerminate asks for f to be called when the instance is to end: the
	// platform sends SIGTERM, and gives it some time. A crash does not ask.
	OnTerminate(f func(context.Context))
	// TempDir returns a directory of the instance's own, which is gone when the
	// instance is, as the file system of a container. Its path is not the same
	// in every run: nothing that leaves the handler should hold it.
	TempDir() (string, error)
}

// Handler is what invocations of a function call: an HTTP handler, or a
// function of a form that its triggers know.
type Handler struct {
	http http.Handler
	form any
}

// HTTP returns the handler of a function that HTTP requests invoke: those of
// clients and functions, and those that platforms make of messages, events,
// ticks and queued tasks. An answer of 2xx acknowledges these.
func HTTP(h http.Handler) Handler { return Handler{http: h} }

// HTTPFunc is [HTTP] for a function.
func HTTPFunc(f func(http.ResponseWriter, *http.Request)) Handler {
	return HTTP(http.HandlerFunc(f))
}

// Of returns the handler of a function of a platform's own form, such as one
// that takes events. Platforms have constructors for theirs.
func Of(form any) Handler { return Handler{form: form} }

// Behind returns the handler of a form of which requests are made events too,
// by what stands before it.
func (h Handler) Behind(front http.Handler) Handler {
	h.http = front
	return h
}

// Patient is a front that waits only so long for its function, which goes on all the
// same: then it gives an answer of its own.
type Patient interface {
	http.Handler
	// Waits is how long, zero for as long as the function may take, and the answer.
	Waits() (time.Duration, Response)
}

// Waits is how long what stands before the function waits for it, and what it answers
// then; zero for as long as the function may take.
func (h Handler) Waits() (time.Duration, Response) {
	if p, ok := h.http.(Patient); ok {
		return p.Waits()
	}
	return 0, Response{}
}

// HTTP returns the HTTP handler; nil if it is none.
func (h Handler) HTTP() http.Handler { return h.http }

// Form returns what [Of] was given; nil if there is no such thing.
func (h Handler) Form() any { return h.form }

// Empty reports whether it is the zero value.
func (h Handler) Empty() bool { return h.http == nil && h.form == nil }

// Request is an HTTP request that invokes a function.
type Request struct {
	Method string // default POST
	Path   string // default /
	Header map[string]string
	Body   string
}

// Response is what an invoker gets.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// String tells people what is asked: "POST /orders".
func (r *Request) String() string { return r.Verb() + " " + r.Target() }

// Verb is the method, with its default.
func (r *Request) Verb() string {
	if r.Method == "" {
		return http.MethodPost
	}
	return r.Method
}

// Target is the path, with its default.
func (r *Request) Target() string {
	if r.Path == "" {
		return "/"
	}
	return r.Path
}

// With returns the request with further headers, names and values by turns.
func (r Request) With(more ...string) Request {
	h := map[string]string{}
	for k, v := range r.Header { //wtsim:order a map to a map
		h[http.CanonicalHeaderKey(k)] = v
	}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	r.Header = h
	return r
}

// Call calls a function's handler with the request. It succeeds below 500.
func (r *Request) Call(ctx context.Context, h Handler) Ending {
	if h.http == nil {
		return Ending{Status: "the function takes messages, not requests", Response: Response{Status: 500}}
	}
	req, err := http.NewRequestWithContext(ctx, r.Verb(), "https://functions.example"+r.Target(), strings.NewReader(r.Body))
	if err != nil {
		return Ending{Status: "bad request: " + err.Error(), Response: Response{Status: 400}}
	}
	for name, value := range r.Header { //wtsim:order headers are independent
		req.Header.Set(name, value)
	}
	req.RequestURI, req.RemoteAddr = r.Target(), "192.0.2.1:1234"
	w := &responseWriter{header: http.Header{}}
	h.http.ServeHTTP(w, req)
	_, _ = io.Copy(io.Discard, req.Body)
	w.WriteHeader(http.StatusOK) // no effect after another
	return Ending{
		Status: strconv.Itoa(w.status), Success: w.status < 500,
		Response: Response{Status: w.status, Header: w.header, Body: w.body.Bytes()},
	}
}

// OK reports whether the answer is one of 2xx.
func (r *Response) OK() bool { return r.Status >= 200 && r.Status < 300 }

// responseWriter keeps a handler's response.
type responseWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *responseWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
