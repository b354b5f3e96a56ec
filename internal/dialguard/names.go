package dialguard

import (
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// nameServer answers the look-ups of resolvers that the run does not know. It
// listens for as long as the process lives: a goroutine of a run could not serve
// others.
type nameServer struct {
	conn *net.UDPConn

	mu       sync.Mutex
	answerer Answerer
	asked    map[uint16]func([]byte) []byte // by the port that asks
}

var names nameServer

// listen begins to serve; without a socket, look-ups are refused as any dial is.
func (s *nameServer) listen() {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return
	}
	s.conn = conn
	go s.serve()
}

func (s *nameServer) serve() {
	question := make([]byte, 4096)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(question)
		if err != nil {
			return
		}
		if answer := s.answer(from, question[:n]); answer != nil {
			_, _ = s.conn.WriteToUDPAddrPort(answer, from)
		}
	}
}

func (s *nameServer) answer(from netip.AddrPort, question []byte) []byte {
	s.mu.Lock()
	f := s.asked[from.Port()]
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(question)
}

// ask changes who answers.
func (s *nameServer) ask(a Answerer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answerer, s.asked = a, map[uint16]func([]byte) []byte{}
}

// lead connects a socket of the caller's to the server, if somebody answers.
func (s *nameServer) lead(fd int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil || s.answerer == nil {
		return false
	}
	here := s.conn.LocalAddr().(*net.UDPAddr)
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: here.Port, Addr: [4]byte(here.IP.To4())}); err != nil {
		return false // a socket of IPv6: the guard refuses it
	}
	if own, ok := local(fd); ok {
		s.asked[own] = s.answerer()
	}
	return true
}

// local is the port of a socket.
func local(fd int) (port uint16, ok bool) {
	at, err := syscall.Getsockname(fd)
	if a, four := at.(*syscall.SockaddrInet4); err == nil && four {
		return uint16(a.Port), true
	}
	return 0, false
}
