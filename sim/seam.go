package sim

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/dialguard"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/httpprobe"
)

// Calls that do not come through a client of [Env] end here: a host that the
// scenario has is served, and any other is told by function and host. So is a
// socket that a handler opens by package net, whatever its kind: it gets none.
// (What makes its system calls by itself has no hook, and is left to the
// watchdog.)

// seam is where calls end that leave the simulation.
type seam struct {
	gate     *gate
	fleet    *fleet
	services *services
	roster   *roster
}

// router sends a function instance's HTTP requests to the service, or the
// function, of their host.
type router struct{ inst *instance }

// RoundTrip reports a call past the seam if no service has the host.
func (r *router) RoundTrip(req *http.Request) (*http.Response, error) {
	w := r.inst.world
	for _, b := range w.services.backends {
		if h, ok := b.backend.(cloud.Host); ok && h.Serves(req.URL.Host) {
			return h.Transport(r.inst.tap).RoundTrip(req)
		}
	}
	if h, ok := w.services.at(req.URL.Host).(cloud.Host); ok {
		return h.Transport(r.inst.tap).RoundTrip(req)
	}
	if f := w.fleet.function(req.URL.Host); f != nil {
		return httpprobe.Transport(r.inst.tap, &invoker{r.inst, f}, nil).RoundTrip(req)
	}
	return nil, w.seam.pastSeam(r.inst, req.URL.Host)
}

// pastSeam reports a call of an instance, nil if it is not known, to a host
// that the scenario does not have. One of the platform's own that clients only
// look for is not there, as on any machine that is not the platform's.
func (sm *seam) pastSeam(i *instance, host string) error {
	if sm.absent(host) {
		return probe.ErrRefused()
	}
	sm.report(i, pastSeam(host))
	return fmt.Errorf("wtsim: %s is called past the seam", host)
}

func pastSeam(host string) string {
	return "calls " + host + " past the seam, wanted a service of the scenario, through a client that is made from Env (or http.DefaultTransport)"
}

// absent reports whether a host is one of those that the platform's clients
// only look for.
func (sm *seam) absent(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	return slices.Contains(sm.fleet.absent, strings.TrimSuffix(host, "."))
}

// ofPlatform reports whether a host, with its port, is one of the platform's services.
func (sm *seam) ofPlatform(address string) bool {
	host, _ := cloud.PlaceOf(address)
	return sm.fleet.domain != "" && strings.HasSuffix(host, "."+sm.fleet.domain)
}

// report tells the run what an instance does past the seam.
func (sm *seam) report(i *instance, does string) {
	sm.note(i, does)
	sm.gate.signal()
}

// note notes what an instance does past the seam; the first counts.
func (sm *seam) note(i *instance, does string) {
	sm.gate.mu.Lock()
	defer sm.gate.mu.Unlock()
	who := "a goroutine of no function"
	if i != nil {
		who = i.fn.Name
	}
	if sm.gate.outside == "" && (i == nil || !i.Dead()) {
		sm.gate.outside = who + " " + does
	}
}

// refuse is asked before the process opens a socket. What no function's
// goroutine does is none of the run's.
func (sm *seam) refuse(network, address string) error {
	i := sm.caller()
	switch {
	case i == nil:
		return nil
	case address == "":
		sm.report(i, "opens a "+network+" socket to be called at, wanted a handler: requests, messages and events come from the scenario")
		return syscall.EACCES
	}
	_ = sm.pastSeam(i, place(network, sm.services.known(address)))
	return syscall.ECONNREFUSED
}

// place is an address for people; of TCP, which most are, without its network.
func place(network, address string) string {
	switch {
	case strings.HasPrefix(network, "udp"):
		return address + " (udp)"
	case strings.HasPrefix(network, "unix"):
		return address + " (unix)"
	}
	return address
}

// caller is the function instance that the calling goroutine works for; nil
// if there is none.
func (sm *seam) caller() *instance {
	if o := sm.gate.owner(probe.Caller()); o != nil {
		return o.inst
	}
	return nil
}

// transport stands in for [http.DefaultTransport] during a run. It is a real
// transport, since programs take it for one; clones of it do not reach the
// scenario's services.
func (sm *seam) transport() http.RoundTripper {
	dial := func(_ context.Context, _, addr string) (net.Conn, error) { return nil, sm.pastSeam(sm.caller(), addr) }
	t := &http.Transport{
		DialContext: dial, DialTLSContext: dial,
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	t.RegisterProtocol("http", labelled{sm})
	t.RegisterProtocol("https", labelled{sm})
	return t
}

// labelled routes the requests of the instance that the goroutine's label
// tells.
type labelled struct{ seam *seam }

// RoundTrip passes a request to its caller's router.
func (l labelled) RoundTrip(req *http.Request) (*http.Response, error) {
	if i := l.seam.caller(); i != nil {
		return i.router.RoundTrip(req)
	}
	return nil, l.seam.pastSeam(nil, req.URL.Host)
}

// Unnoticed says which ways out of the simulation are not noticed in this
// process; empty if all are.
func Unnoticed() string { return dialguard.Unseen(seeded.Runtime) }
