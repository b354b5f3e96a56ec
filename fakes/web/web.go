// Package web is any third-party HTTP API in process: an [http.Handler]
// under a host name, behind real net/http clients.
package web

import (
	"net/http"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/httpprobe"
)

// Service declares a third-party API.
type Service struct {
	cloud.Places

	host    string
	open    func() http.Handler
	without []string // guarantees
}

// New declares an API under a host name, such as "payments.example". open
// makes its handler anew for every run. Operations are those of a service
// of that name; their method is the HTTP method, their resource the path.
//
// A handler that implements [Stateful] shows its state to properties.
func New(host string, open func() http.Handler) *Service { return &Service{host: host, open: open} }

// At returns the service with addresses at which programs look for it that have
// them written down, such as "localhost:8080". A client that dials by itself reaches
// it there on the patched runtime; so does, on plain Go, the default HTTP client.
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// Stateful is a handler whose state properties may look at.
type Stateful interface {
	http.Handler
	// Contents returns what it stores, keys in sorted order.
	Contents() []cloud.Content
}

// Name returns the host name.
func (s *Service) Name() string { return s.host }

// String tells in short what it is.
func (s *Service) String() string { return "HTTP" }

// Open makes the API of a run.
func (s *Service) Open(cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{host: s.host, handler: s.open()}
	b.serves = s.weakened(b.handler)
	return b, nil
}

// Backend is an API during one run.
type Backend struct {
	host    string
	handler http.Handler
	serves  http.Handler // the handler, with what stands before it
}

// Handler returns the API's handler.
func (b *Backend) Handler() http.Handler { return b.handler }

// Client returns an HTTP client of a function instance that reaches this
// service.
func Client(env cloud.Env, service string) *http.Client {
	return &http.Client{Transport: env.Backend(service).(*Backend).Transport(env.Tap())}
}

// Serves reports whether the host is this API's.
func (b *Backend) Serves(host string) bool { return host == b.host }

// Transport returns the round tripper that a tap's calls take.
func (b *Backend) Transport(tap probe.Tap) http.RoundTripper {
	return httpprobe.Transport(tap, http.RoundTripper(direct{b.host, b.serves}), b.describe)
}

// describe names the service, under whatever address it was called.
func (b *Backend) describe(_ *http.Request, op *event.Operation) {
	op.Service = b.host
}

// Contents returns the handler's state, if it shows one.
func (b *Backend) Contents() []cloud.Content {
	if s, ok := b.handler.(Stateful); ok {
		return s.Contents()
	}
	return nil
}

// Close does nothing.
func (b *Backend) Close() {}
