//go:build unix

package pgserver

import (
	"errors"
	"io"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is a connection to the server, by system calls alone: who waits for it in a
// bubble is busy, as far as that is concerned, and virtual time stands still.
type Conn struct{ fd int }

// Dial connects.
func (s *Server) Dial() (*Conn, error) {
	syscall.ForkLock.RLock()
	family, address := syscall.AF_UNIX, syscall.Sockaddr(&syscall.SockaddrUnix{Name: filepath.Join(s.Dir, ".s.PGSQL.5432")})
	if s.given != nil {
		family, address = syscall.AF_INET, s.given.address
		if _, six := address.(*syscall.SockaddrInet6); six {
			family = syscall.AF_INET6
		}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, err
	}
	if err := syscall.Connect(fd, address); err != nil {
		_ = syscall.Close(fd)
		return nil, err
	}
	if family != syscall.AF_UNIX {
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	}
	return &Conn{fd}, nil
}

// Write writes all of b.
func (c *Conn) Write(b []byte) (int, error) {
	for n := 0; n < len(b); {
		k, err := syscall.Write(c.fd, b[n:])
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return n, err
		}
		n += max(k, 0)
	}
	return len(b), nil
}

// Read reads what there is, and waits for something.
func (c *Conn) Read(b []byte) (int, error) {
	for {
		n, err := syscall.Read(c.fd, b)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Readable reports whether something comes within some real time.
func (c *Conn) Readable(within time.Duration) bool {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}, int(within.Milliseconds()))
		if !errors.Is(err, syscall.EINTR) {
			return n > 0
		}
	}
}

// Close closes it.
func (c *Conn) Close() { _ = syscall.Close(c.fd) }

// Freeze keeps a process of the server, that waits for a lock, from going on when it
// gets it; Thaw lets it.
func (s *Server) Freeze(pid int) { _ = syscall.Kill(pid, syscall.SIGSTOP) }

// Thaw lets a process go on.
func (s *Server) Thaw(pid int) { _ = syscall.Kill(pid, syscall.SIGCONT) }

// Cancel ends what a process is at, when it goes on.
func (s *Server) Cancel(pid int) { _ = syscall.Kill(pid, syscall.SIGINT) }
