package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/wtsim/wtsim/probe"
)

// conn is a client's connection and the proxy behind it. Statements are carried out
// where answers are read, on the goroutine that reads them, so that a connection
// needs no goroutine of its own.
type conn struct {
	b        *Backend
	instance context.Context
	tap      probe.Tap
	number   int
	talk     *talk // under b.mu

	mu      sync.Mutex // after b.mu
	in      []byte     // not yet a whole message
	hello   bool       // the client has said who it is
	queue   []message
	busy    bool                            // one of them is being looked at
	notices []pgproto3.NotificationResponse // that the client has not seen
	out     bytes.Buffer
	gone    error
	by      time.Time
	wake    chan struct{}
	giveUp  chan struct{} // closed when the caller does not want to wait any more
	gaveUp  bool
}

func newConn(b *Backend, instance context.Context, tap probe.Tap, number int) *conn {
	c := &conn{b: b, instance: instance, tap: tap, number: number, wake: make(chan struct{}, 1), giveUp: make(chan struct{})}
	c.talk = &talk{conn: c, statements: map[string]*prepared{}, portals: map[string]*portal{}, database: "postgres", transaction: transaction{status: 'I'}}
	return c
}

func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Write takes messages; see [conn] for when they are looked at.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.write(p)
	if err != nil && !c.b.closed.Load() { // then it is a client that says good-bye
		probe.Depart(c.tap)
	}
	return n, err
}

func (c *conn) write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone != nil {
		return 0, c.gone
	}
	c.in = append(c.in, p...)
	for {
		m, n := c.cut()
		if n == 0 {
			break
		}
		c.queue, c.in = append(c.queue, m), c.in[n:]
	}
	if len(c.in) == 0 {
		c.in = nil
	}
	c.signal()
	return len(p), nil
}

// cut is the next whole message that was written: what a client says before it has
// said who it is has no kind, and gets one here.
func (c *conn) cut() (message, int) {
	if c.hello {
		return cut(c.in)
	}
	if len(c.in) < 8 {
		return message{}, 0
	}
	n := int(binary.BigEndian.Uint32(c.in))
	if n < 8 || len(c.in) < n {
		return message{}, 0
	}
	code := binary.BigEndian.Uint32(c.in[4:])
	m := message{kind: encryption, raw: append([]byte{0}, c.in[:n]...)}
	switch {
	case code == cancelRequest:
		m.kind = cancelling
	case code>>16 == 3:
		m.kind, c.hello = greeting, true
	}
	return m, n
}

// The kinds of messages that have none.
const (
	greeting   = 1
	encryption = 2
	cancelling = 3

	cancelRequest = 80877102
)

// Read returns answers, and carries out what they answer.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.read(p)
	if err != nil && !c.b.closed.Load() { // then it is a client that says good-bye
		probe.Depart(c.tap)
	}
	return n, err
}

func (c *conn) read(p []byte) (int, error) {
	for {
		c.mu.Lock()
		now := time.Now() //wtsim:clock the deadlines of a connection are by its clock
		by := c.by
		switch {
		case c.out.Len() > 0 && c.gone == nil && (by.IsZero() || now.Before(by)):
			n, err := c.out.Read(p)
			c.mu.Unlock()
			return n, err
		case c.gone != nil:
			err := c.gone
			c.mu.Unlock()
			return 0, err
		case !by.IsZero() && !now.Before(by):
			c.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		case len(c.queue) > 0 && !c.busy:
			m := c.queue[0]
			c.queue, c.busy = c.queue[1:], true
			c.mu.Unlock()
			c.talk.take(m)
			c.mu.Lock()
			c.busy = false
			c.signal()
			c.mu.Unlock()
		case len(c.notices) > 0 && !c.busy:
			c.mu.Unlock()
			c.talk.notified()
		default:
			c.mu.Unlock()
			c.await(by)
		}
	}
}

// await waits for something to change, or for a deadline.
func (c *conn) await(by time.Time) {
	if by.IsZero() {
		<-c.wake
		return
	}
	timer := time.NewTimer(time.Until(by)) //wtsim:clock the bubble's clock
	defer timer.Stop()
	select {
	case <-c.wake:
	case <-timer.C:
	}
}

// then takes the next message from the queue if it is of a kind.
func (c *conn) then(kind byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 || c.queue[0].kind != kind {
		return false
	}
	c.queue = c.queue[1:]
	return true
}

// answer is what the client reads next.
func (c *conn) answer(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone == nil {
		c.out.Write(b)
	}
}

// waits returns what is closed when the caller gives up.
func (c *conn) waits() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.giveUp
}

// stopWaiting ends what the caller waits for. With c.mu held.
func (c *conn) stopWaiting() {
	if !c.gaveUp {
		c.gaveUp = true
		close(c.giveUp)
	}
}

// wantsAgain lets the caller wait for what comes next.
func (c *conn) wantsAgain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gaveUp && c.gone == nil {
		c.gaveUp, c.giveUp = false, make(chan struct{})
	}
}

func (c *conn) over() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone
}

// Close ends the connection.
func (c *conn) Close() error {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.drop(c, net.ErrClosed)
	return nil
}

// LocalAddr is of no use.
func (c *conn) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr is where a client would send a request to cancel.
func (c *conn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5432} }

// SetDeadline sets when a read gives up; writes do not wait.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline does nothing.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline sets when a read gives up. One that has passed already, by which
// clients say that they do not want to wait, ends a wait at the tap and for a lock.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by = t
	if !t.IsZero() && !time.Now().Before(t) { //wtsim:clock the bubble's clock
		c.stopWaiting()
	} else if c.gaveUp && !c.busy && c.gone == nil { // it has waited for nothing but notifications
		c.gaveUp, c.giveUp = false, make(chan struct{})
	}
	c.signal()
	return nil
}
