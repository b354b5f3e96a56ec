package sim

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/httpprobe"
)

// Calls that do not come through a client of [Env] end here: a host that the
// scenario has is served, and any other is told by function and host. What has
// no hook (a dial to a literal address) is left to the watchdog.

// router sends a function instance's HTTP requests to the service, or the
// function, of their host.
type router struct{ inst *instance }

// RoundTrip reports a call past the seam if no service has the host.
func (r *router) RoundTrip(req *http.Request) (*http.Response, error) {
	w := r.inst.world
	for _, b := range w.backends {
		if h, ok := b.backend.(cloud.Host); ok && h.Serves(req.URL.Host) {
			return h.Transport(r.inst.tap).RoundTrip(req)
		}
	}
	if h, ok := w.at(req.URL.Host).(cloud.Host); ok {
		return h.Transport(r.inst.tap).RoundTrip(req)
	}
	if f := w.function(req.URL.Host); f != nil {
		return httpprobe.Transport(r.inst.tap, &invoker{r.inst, f}, nil).RoundTrip(req)
	}
	return nil, w.pastSeam(r.inst, req.URL.Host)
}

// pastSeam reports a call of an instance, nil if it is not known, to a host
// that the scenario does not have.
func (w *world) pastSeam(i *instance, host string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	who := "a goroutine of no function"
	if i != nil {
		who = i.fn.Name
	}
	if w.outside == "" && (i == nil || !i.Dead()) {
		w.outside = fmt.Sprintf("%s calls %s past the seam, wanted a service of the scenario, through a client that is made from Env (or http.DefaultTransport)", who, host)
		w.signal()
	}
	return fmt.Errorf("wtsim: %s is called past the seam", host)
}

// caller is the function instance that the calling goroutine works for; nil
// if there is none.
func (w *world) caller() *instance {
	if o := w.owner(probe.Caller()); o != nil {
		return o.inst
	}
	return nil
}

// transport stands in for [http.DefaultTransport] during a run. It is a real
// transport, since programs take it for one; clones of it do not reach the
// scenario's services.
func (w *world) transport() http.RoundTripper {
	dial := func(_ context.Context, _, addr string) (net.Conn, error) { return nil, w.pastSeam(w.caller(), addr) }
	t := &http.Transport{
		DialContext: dial, DialTLSContext: dial,
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	t.RegisterProtocol("http", labelled{w})
	t.RegisterProtocol("https", labelled{w})
	return t
}

// labelled routes the requests of the instance that the goroutine's label
// tells.
type labelled struct{ world *world }

// RoundTrip passes a request to its caller's router.
func (l labelled) RoundTrip(req *http.Request) (*http.Response, error) {
	if i := l.world.caller(); i != nil {
		return i.router.RoundTrip(req)
	}
	return nil, l.world.pastSeam(nil, req.URL.Host)
}

// resolver stands in for [net.DefaultResolver] during a run: it asks a name
// server that reports each question.
func (w *world) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nameServer{w.pastSeam, w.caller()}, nil
	}}
}

// lookUp makes a first look-up, so that what package net makes then, once and
// for all, belongs to no bubble.
var lookUp = sync.OnceFunc(func() {
	r := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, os.ErrClosed }}
	_, _ = r.LookupHost(context.Background(), "wtsim.invalid") // fails, as it should
})

// nameServer is a connection to a name server that has no answer.
type nameServer struct {
	report func(*instance, string) error
	inst   *instance
}

// Write takes a question: two bytes of length, a header of twelve, the name.
func (n nameServer) Write(b []byte) (int, error) {
	var labels []string
	for rest := b[min(14, len(b)):]; len(rest) > 0 && rest[0] != 0 && int(rest[0]) < len(rest); rest = rest[1+rest[0]:] {
		labels = append(labels, string(rest[1:1+rest[0]]))
	}
	return 0, n.report(n.inst, strings.Join(labels, "."))
}

// Read has nothing.
func (n nameServer) Read([]byte) (int, error) { return 0, os.ErrClosed }

// Close does nothing.
func (n nameServer) Close() error { return nil }

// LocalAddr is of no use.
func (n nameServer) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr is of no use.
func (n nameServer) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// SetDeadline does nothing: nothing waits.
func (n nameServer) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (n nameServer) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (n nameServer) SetWriteDeadline(time.Time) error { return nil }
