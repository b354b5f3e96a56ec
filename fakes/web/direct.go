package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/wtsim/wtsim/probe"
)

// direct carries a request out by calling the handler.
type direct struct {
	host    string
	handler http.Handler
}

// RoundTrip calls the handler on the caller's goroutine. A handler that
// panics with [http.ErrAbortHandler] drops the connection, as with net/http;
// any other panic is a mistake of the scenario, and says so.
func (d direct) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		switch p := recover(); {
		case p == nil:
		case isAbort(p):
			resp, err = nil, probe.ErrReset("read")
		default:
			panic(probe.Mistake(fmt.Sprintf("the scenario's handler of %s panicked on %s %s: %v", d.host, r.Method, r.URL.Path, p)))
		}
	}()
	w := &answer{header: http.Header{}, bodiless: r.Method == http.MethodHead}
	d.handler.ServeHTTP(w, served(r))
	w.WriteHeader(http.StatusOK) // no effect after another
	return w.response(r), nil
}

func isAbort(p any) bool {
	err, ok := p.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// served is a client's request as a server sees it.
func served(r *http.Request) *http.Request {
	s := r.Clone(r.Context())
	s.RequestURI, s.RemoteAddr, s.GetBody = r.URL.RequestURI(), "192.0.2.1:1234", nil
	if s.Host == "" {
		s.Host = r.URL.Host
	}
	if s.Method == "" {
		s.Method = http.MethodGet
	}
	if s.Body == nil {
		s.Body = http.NoBody
	}
	s.Proto, s.ProtoMajor, s.ProtoMinor = "HTTP/1.1", 1, 1
	return s
}

// answer is a response writer that keeps the response.
type answer struct {
	header   http.Header
	bodiless bool
	code     int
	sent     http.Header // as it was when the code was written
	body     bytes.Buffer
}

// Header returns the headers that WriteHeader will send.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader sends the headers, the first time; informational codes are
// passed over.
func (a *answer) WriteHeader(code int) {
	if a.code != 0 || code >= 100 && code < 200 && code != http.StatusSwitchingProtocols {
		return
	}
	a.code, a.sent = code, a.header.Clone()
	a.bodiless = a.bodiless || code < 200 || code == http.StatusNoContent || code == http.StatusNotModified
}

// Write sends a part of the body.
func (a *answer) Write(b []byte) (int, error) {
	if a.code == 0 {
		if a.header.Get("Content-Type") == "" {
			a.header.Set("Content-Type", http.DetectContentType(b))
		}
		a.WriteHeader(http.StatusOK)
	}
	if a.bodiless {
		return len(b), nil
	}
	return a.body.Write(b)
}

// Flush does nothing: the caller sees the answer when it is whole.
func (a *answer) Flush() {}

func (a *answer) response(r *http.Request) *http.Response {
	length := int64(a.body.Len())
	if n, err := strconv.ParseInt(a.sent.Get("Content-Length"), 10, 64); err == nil && a.bodiless {
		length = n
	}
	return &http.Response{
		StatusCode: a.code, Status: strconv.Itoa(a.code) + " " + http.StatusText(a.code),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.sent, Body: io.NopCloser(&a.body), ContentLength: length, Request: r,
	}
}
