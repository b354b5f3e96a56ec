// Package dialguard sees the sockets that the process opens, on a Go that was
// not patched.
//
// Package net makes every socket by two variables of its own, that stand for
// the system calls socket and connect. They cannot be named from outside, but
// they can be recognised: in the data of the process they are the words that
// point at the functions [syscall.Socket] and [syscall.Connect]. [Watch] puts
// functions of ours in their place, which ask a guard first. Nothing is changed
// where the words are not found, or where a dial does not reach the guard
// afterwards: Watch says so.
package dialguard

import (
	"errors"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// Answerer is asked by who looks a name up with a resolver of its own. What it
// returns answers one question of that look-up, a message of RFC 1035, on a
// goroutine of the process; no answer leaves it unanswered.
type Answerer func() func(question []byte) (answer []byte)

// Guard is asked before the calling goroutine opens a way out of the process.
// An error is what its caller gets instead. The address is empty of a socket
// that is not connected, as those that listen.
type Guard func(network, address string) error

var (
	guard atomic.Pointer[Guard]
	once  sync.Once
	works bool
)

// Watch lets a guard see the sockets of the process, and an answerer its
// look-ups; nil for nobody. It reports whether it can.
func Watch(g Guard, a Answerer) bool {
	once.Do(func() {
		names.listen()
		works = install() && tried()
	})
	names.ask(a)
	if g == nil {
		guard.Store(nil)
	} else {
		guard.Store(&g)
	}
	return works
}

// Unseen says what is not noticed in this process; empty if all is. On the
// patched runtime dials come another way.
func Unseen(patched bool) string { return unseen(patched || Watch(nil, nil)) }

func unseen(watched bool) string {
	if watched {
		return ""
	}
	return "on " + runtime.GOOS + " plain Go does not show which sockets a handler opens: a connection that leaves the simulation is not noticed; wtsim test, and wtsim run of a package, notice it"
}

var errTried = errors.New("dialguard: a trial")

// tried looks whether a socket is seen. It asks for one that is not dialled: on
// the patched runtime, dials go another way.
func tried() bool {
	seen := 0
	trial := Guard(func(network, _ string) error {
		if network == "udp" {
			seen++
		}
		return errTried
	})
	guard.Store(&trial)
	defer guard.Store(nil)
	_, err := net.ListenPacket("udp", "127.0.0.1:0")
	return seen > 0 && errors.Is(err, errTried)
}

// socket stands for syscall.Socket. A socket that will be connected is judged
// by connect, and one that listens by listen; only what receives datagrams from
// anywhere is known by who makes it.
func socket(domain, kind, protocol int) (int, error) {
	if g := guard.Load(); g != nil && kind&0xf == syscall.SOCK_DGRAM && receives() {
		if err := (*g)("udp", ""); err != nil {
			return -1, err
		}
	}
	return syscall.Socket(domain, kind, protocol)
}

// receives reports whether the caller makes a socket of package net that is
// not to be connected.
func receives() bool { return calledFrom("net.(*sysListener).") }

// LookingUp reports whether a connection by UDP is asked for by a resolver of
// package net, whoever made it, for a look-up of a name.
func LookingUp(network, address string) bool {
	return strings.HasPrefix(network, "udp") && strings.HasSuffix(address, ":53") && calledFrom("net.(*Resolver).")
}

// calledFrom reports whether a function whose name begins so is at work on the
// calling goroutine.
func calledFrom(prefix string) bool {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, prefix) {
			return true
		}
		if !more {
			return false
		}
	}
}

// connect stands for syscall.Connect.
func connect(fd int, to syscall.Sockaddr) error {
	if g := guard.Load(); g != nil {
		network, address := addressOf(fd, to)
		if LookingUp(network, address) && names.lead(fd) {
			return nil
		}
		if err := (*g)(network, address); err != nil {
			return err
		}
	}
	return syscall.Connect(fd, to)
}

// listen stands for syscall.Listen.
func listen(fd, backlog int) error {
	if g := guard.Load(); g != nil {
		if err := (*g)("tcp", ""); err != nil {
			return err
		}
	}
	return syscall.Listen(fd, backlog)
}

// addressOf is what a socket is connected to, for people.
func addressOf(fd int, to syscall.Sockaddr) (network, address string) {
	network = "tcp"
	if kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE); err == nil && kind == syscall.SOCK_DGRAM {
		network = "udp"
	}
	switch a := to.(type) {
	case *syscall.SockaddrInet4:
		return network, net.JoinHostPort(net.IP(a.Addr[:]).String(), strconv.Itoa(a.Port))
	case *syscall.SockaddrInet6:
		return network, net.JoinHostPort(net.IP(a.Addr[:]).String(), strconv.Itoa(a.Port))
	case *syscall.SockaddrUnix:
		return "unix", a.Name
	}
	return network, "an address of another kind"
}
