package service

import (
	"context"
	"net"
	"sync"
	"time"
)

// mostConnections bounds how many are open at once; others wait to be taken.
const mostConnections = 1024

// Limited is a listener that holds back what is beyond the bound.
func Limited(l net.Listener) net.Listener {
	return &limitedListener{Listener: l, room: make(chan struct{}, mostConnections), closed: make(chan struct{})}
}

type limitedListener struct {
	net.Listener
	room   chan struct{}
	closed chan struct{}
	once   sync.Once
}

// Accept waits for room first.
func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &limitedConn{Conn: c, done: sync.OnceFunc(func() { <-l.room })}, nil
}

// Close ends a wait for room too.
func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	done func()
}

// Close makes room.
func (c *limitedConn) Close() error {
	c.done()
	return c.Conn.Close()
}

// diskFull is told by logs that are on a disk.
type diskFull interface{ AlmostFull() bool }

// watchDisk stops taking events in before the log's disk is full.
func (s *Service) watchDisk(ctx context.Context) {
	d, ok := s.logs.(diskFull)
	for ok && ctx.Err() == nil {
		full := d.AlmostFull()
		if s.gateway.full.Swap(full) != full {
			s.log.Warn("the disk", "almost full", full)
		}
		sleep(ctx, 2*time.Second)
	}
}
