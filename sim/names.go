package sim

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/wtsim/wtsim/cloud"
)

// Look-ups of host names during a run: those at which services are have an
// address, at which the service can be dialled; others leave the simulation, and
// are told.

// resolver stands in for [net.DefaultResolver] during a run.
func (sm *seam) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return &nameServer{seam: sm, inst: sm.caller()}, nil
	}}
}

// lookUp makes a first look-up, so that what package net makes then, once and
// for all, belongs to no bubble.
var lookUp = sync.OnceFunc(func() {
	r := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, os.ErrClosed }}
	_, _ = r.LookupHost(context.Background(), "wtsim.invalid") // fails, as it should
})

// nameServer is a connection to a name server, as TCP has it (RFC 1035, 4.2.2):
// two bytes of length before each message.
type nameServer struct {
	seam   *seam
	inst   *instance
	answer bytes.Buffer
}

// Write takes a question.
func (n *nameServer) Write(b []byte) (int, error) {
	reply, past := n.seam.resolve(n.inst, b[min(2, len(b)):])
	if past {
		n.seam.gate.signal()
	}
	if reply == nil {
		return 0, os.ErrInvalid
	}
	n.answer.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
	return len(b), nil
}

// asked is how the look-ups of resolvers of an application's own are answered.
// What is past the seam is found when the run is quiet: nobody of the run
// answers, who could tell it.
func (sm *seam) asked() func(question []byte) []byte {
	i := sm.caller()
	return func(question []byte) []byte {
		reply, _ := sm.resolve(i, question)
		return reply
	}
}

// resolve answers a question of an instance, with nil what is none, and says
// whether it is past the seam. It may be called by any goroutine of the process.
func (sm *seam) resolve(i *instance, question []byte) (reply []byte, past bool) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil || len(m.Questions) != 1 {
		return nil, false
	}
	q := m.Questions[0]
	name, _ := cloud.PlaceOf(q.Name.String())
	switch at := sm.addressFor(i, name); {
	case at.IsValid() && q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60},
			Body:   &dnsmessage.AResource{A: at.As4()},
		}}
	case at.IsValid():
	case sm.services.below(name), sm.absent(name), i != nil && i.process != nil && sm.fleet.below(name):
		m.RCode = dnsmessage.RCodeNameError
	default:
		past, m.RCode = true, dnsmessage.RCodeRefused
		sm.note(i, pastSeam(name))
	}
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	reply, _ = m.Pack() // it was unpacked
	return reply, past
}

// addressFor is where an instance finds a host; none if it does not. A process
// finds functions, too, and who tells it of itself.
func (sm *seam) addressFor(i *instance, name string) netip.Addr {
	at := sm.services.address(name)
	switch process := i != nil && i.process != nil; {
	case at.IsValid() || !process:
		return at
	case sm.fleet.function(name) != nil:
		return sm.fleet.address(name)
	case sm.absent(name) && i.world.sim.scenario.Platform.Metadata != nil:
		return netip.AddrFrom4([4]byte{169, 254, 169, 254})
	}
	return at
}

// address is where a host is at which there is a service; none if there is not.
func (sv *services) address(host string) (at netip.Addr) {
	for n := range sv.of {
		if slices.Contains(sv.hosts(n), host) {
			return netip.MustParseAddr(address(n))
		}
	}
	return at
}

// address is where programs find a function: one of another block that is kept for
// documentation (RFC 5737).
func (fl *fleet) address(name string) netip.Addr {
	n := slices.IndexFunc(fl.functions, func(f *function) bool { return f.Name == name })
	return netip.AddrFrom4([4]byte{198, 51, 100, byte(10 + n)})
}

// at is the function that is there, or that has the name; nil if there is none.
func (fl *fleet) at(host string) *function {
	for _, f := range fl.functions {
		if f.Name == host || fl.address(f.Name).String() == host {
			return f
		}
	}
	return nil
}

// hosts are the names of the n-th service's places.
func (sv *services) hosts(n int) (all []string) {
	if p, ok := sv.of[n].(cloud.Placed); ok {
		for _, a := range p.Addresses() {
			host, _ := cloud.PlaceOf(a)
			all = append(all, host)
		}
	}
	if h, ok := sv.of[n].(cloud.Hosted); ok && sv.programs {
		all = append(all, h.Hosts()...)
	}
	return all
}

// below reports whether a name is one that clients of a known host look for, such
// as _grpclb._tcp.HOST, there or in the machine's own domains: nothing is there.
func (sv *services) below(name string) bool {
	name = plain(name)
	for n := range sv.of {
		if slices.ContainsFunc(sv.hosts(n), func(h string) bool { return name == h || strings.HasPrefix(name, h+".") }) {
			return true
		}
	}
	return false
}

// below is the same of names of functions.
func (fl *fleet) below(name string) bool {
	name = plain(name)
	return slices.ContainsFunc(fl.functions, func(f *function) bool { return name == f.Name || strings.HasPrefix(name, f.Name+".") })
}

// plain is a name without what services' own names begin with: _grpclb._tcp.
func plain(name string) string {
	for strings.HasPrefix(name, "_") {
		_, name, _ = strings.Cut(name, ".")
	}
	return name
}

// known is an address with the name of the host that was looked up for it.
func (sv *services) known(to string) string {
	host, port := cloud.PlaceOf(to)
	for n := range sv.of {
		if hosts := sv.hosts(n); host == address(n) && len(hosts) > 0 {
			i := max(0, slices.IndexFunc(hosts, func(h string) bool { return sv.placed(n, h, port) }))
			return net.JoinHostPort(hosts[i], port)
		}
	}
	return to
}

// Read gives the answer.
func (n *nameServer) Read(b []byte) (int, error) { return n.answer.Read(b) }

// Close does nothing.
func (n *nameServer) Close() error { return nil }

// LocalAddr is of no use.
func (n *nameServer) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr is of no use.
func (n *nameServer) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// SetDeadline does nothing: nothing waits.
func (n *nameServer) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (n *nameServer) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (n *nameServer) SetWriteDeadline(time.Time) error { return nil }
