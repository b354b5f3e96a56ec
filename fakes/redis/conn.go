package redis

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/wtsim/wtsim/probe/redisprobe"
)

// conn is a client's connection and the server's side of it. Commands are
// carried out where they are written, on the caller's goroutine, so that a
// connection needs no goroutine of its own.
type conn struct {
	b       *Backend
	replica bool

	// Under b.mu:
	peer  *server.Peer
	in    []byte // not yet a whole request
	db    int
	group [][]string // MULTI and what is queued after it
	dirty bool       // the group will not happen
	waits *waiter    // a blocking command; what follows it stays in in
	stale int        // how many writes the next answer misses
	reply []byte     // the first bytes of the last one
	parts *parts     // of the next transaction or script, which has begun

	mu   sync.Mutex // after b.mu; the server's own goroutines push messages
	out  bytes.Buffer
	head []byte        // the first bytes of what was written since it was reset
	mute bool          // nothing is written
	side *bytes.Buffer // where the answer goes instead; may be nil
	gone error
	by   time.Time
	wake chan struct{}
}

func (b *Backend) newConn(replica bool) *conn {
	c := &conn{b: b, replica: replica, wake: make(chan struct{}, 1), head: make([]byte, 0, 8)}
	c.peer = server.NewPeer(bufio.NewWriter(sink{c}))
	b.conns = append(b.conns, c)
	return c
}

// sink is where the server writes.
type sink struct{ c *conn }

// Write never fails: the answer to a client that is gone is dropped.
func (s sink) Write(p []byte) (int, error) {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := min(len(p), cap(c.head)-len(c.head)); n > 0 {
		c.head = append(c.head, p[:n]...)
	}
	switch {
	case c.side != nil:
		c.side.Write(p)
	case c.gone == nil && !c.mute:
		c.out.Write(p)
		c.signal()
	}
	return len(p), nil
}

func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Write carries out the requests that it completes.
func (c *conn) Write(p []byte) (int, error) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if err := c.Gone(); err != nil {
		return 0, err
	}
	c.in = append(c.in, p...)
	return len(p), c.run()
}

// run carries out what has been written, until a command waits.
func (c *conn) run() error {
	for c.waits == nil {
		words, n, err := redisprobe.ParseRequest(c.in)
		if err != nil || n == 0 {
			return err
		}
		if c.in = c.in[n:]; len(c.in) == 0 {
			c.in = nil
		}
		if len(words) > 0 {
			c.execute(words)
		}
	}
	return nil
}

// Read returns answers.
func (c *conn) Read(p []byte) (int, error) {
	for {
		c.mu.Lock()
		n, gone, by := c.out.Len(), c.gone, c.by
		if n > 0 {
			n, _ = c.out.Read(p)
		}
		c.mu.Unlock()
		if n > 0 || gone != nil {
			return n, orNil(gone, n)
		}
		if err := c.await(by); err != nil {
			return 0, err
		}
	}
}

func orNil(err error, n int) error {
	if n > 0 {
		return nil
	}
	return err
}

// await waits for something to change, or for a deadline.
func (c *conn) await(by time.Time) error {
	if by.IsZero() {
		<-c.wake
		return nil
	}
	timer := time.NewTimer(time.Until(by)) //wtsim:clock the bubble's clock
	defer timer.Stop()
	select {
	case <-c.wake:
		return nil
	case <-timer.C:
		return os.ErrDeadlineExceeded
	}
}

// Gone returns what is wrong with the connection, nil if it is alive.
func (c *conn) Gone() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone
}

// ReadStale makes the next request be answered from the state so many writes
// ago.
func (c *conn) ReadStale(missing int) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.stale = missing
}

// Close ends the connection.
func (c *conn) Close() error {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.drop(c, net.ErrClosed)
	return nil
}

// drop ends a connection; the other side sees err.
func (b *Backend) drop(c *conn, err error) {
	c.mu.Lock()
	ended := c.gone != nil
	if !ended {
		c.gone = err
		c.out.Reset()
	}
	c.signal()
	c.mu.Unlock()
	if ended {
		return
	}
	b.forget(c)
}

// LocalAddr is of no use.
func (c *conn) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr is of no use.
func (c *conn) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// SetDeadline sets when a read gives up; writes do not wait.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline does nothing.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline sets when a read gives up.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by = t
	c.signal()
	return nil
}
