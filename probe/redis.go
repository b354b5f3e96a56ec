package probe

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"os"
	"sync"
	"time"

	"github.com/wtsim/wtsim/event"
)

// Dialer is the type of go-redis' Options.Dialer.
type Dialer = func(ctx context.Context, network, addr string) (net.Conn, error)

// RedisDialer returns a dialer whose connections pass every command through
// the tap, below the client's retry loop. It suits go-redis'
// Options.Dialer; any client of the Redis protocol will do.
//
// A command is an operation; MULTI to EXEC is one; the commands of another
// pipeline are one each, as Redis carries them out. What a client says when
// it sets a connection up (HELLO, CLIENT, AUTH, SELECT) is none.
func RedisDialer(tap Tap, service string, dial Dialer) Dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &redisConn{Conn: conn, tap: tap, service: service, replies: bufio.NewReader(conn), closed: make(chan struct{})}, nil
	}
}

// redisConn carries out a request when it is written: what the caller reads
// then is its answer, or what the tap made of it.
type redisConn struct {
	net.Conn
	tap     Tap
	service string
	out     []byte        // written, not yet a whole request
	group   [][]string    // MULTI and what follows, until EXEC
	raw     [][]byte      // the group's requests
	replies *bufio.Reader // the server's side

	mu      sync.Mutex
	in      bytes.Buffer // answers that the caller has not read
	gone    error        // the connection is broken: what a read returns
	silent  bool         // no answer will come: a read waits for its deadline
	timed   bool         // the client uses read deadlines
	readBy  time.Time
	closing sync.Once
	closed  chan struct{}
}

// Write takes requests and carries out those that are whole.
func (c *redisConn) Write(b []byte) (int, error) {
	if c.gone != nil {
		return 0, c.gone
	}
	c.out = append(c.out, b...)
	for {
		words, n := parseRequest(c.out)
		if n == 0 {
			return len(b), nil
		}
		raw := c.out[:n:n]
		c.out = c.out[n:]
		if err := c.request(words, raw); err != nil {
			return 0, err
		}
	}
}

func (c *redisConn) request(words []string, raw []byte) error {
	name := commandName(words)
	switch {
	case name == "MULTI" || len(c.group) > 0 && name != "EXEC" && name != "DISCARD":
		c.group, c.raw = append(c.group, words), append(c.raw, raw)
		return nil
	case len(c.group) > 0:
		group, raws := append(c.group, words), append(c.raw, raw)
		c.group, c.raw = nil, nil
		return c.operation(describeTransaction(group), raws)
	case isSetup(name):
		return c.exchange([][]byte{raw}, nil)
	}
	return c.operation(describeCommand(words), [][]byte{raw})
}

// operation waits at the tap, then does what the tap says.
func (c *redisConn) operation(op event.Operation, raws [][]byte) error {
	if c.gone != nil || c.silent { // an earlier command of the pipeline was lost
		return nil
	}
	op.Service = c.service
	call := &Call{Op: op, Timed: c.timed}
	switch v := c.tap.Enter(call); v.Action {
	case Cut, Refuse, GaveUp:
		return c.breakOff(ErrReset("write"))
	case Lose:
		held := c.in.Len()
		if err := c.exchange(raws, call); err != nil {
			return err
		}
		c.in.Truncate(held)
		if v.With == "timeout" {
			c.silent = true
			return nil
		}
		c.gone = ErrReset("read")
		return nil
	}
	return c.exchange(raws, call)
}

// exchange sends requests and takes their answers.
func (c *redisConn) exchange(raws [][]byte, call *Call) error {
	var last []byte
	for _, raw := range raws {
		if _, err := c.Conn.Write(raw); err != nil {
			return c.breakOff(err)
		}
		reply, err := readReply(c.replies)
		if err != nil {
			return c.breakOff(err)
		}
		c.in.Write(reply)
		last = reply
	}
	if call == nil {
		return nil
	}
	call.Op.Result = describeReply(last)
	if err := c.tap.Leave(call); err != nil {
		return c.breakOff(err)
	}
	return nil
}

func (c *redisConn) breakOff(err error) error {
	c.gone = err
	c.in.Reset()
	return err
}

// Read returns answers; where the tap has made none come, it waits for the
// read deadline or fails.
func (c *redisConn) Read(b []byte) (int, error) {
	switch {
	case c.in.Len() > 0:
		return c.in.Read(b)
	case c.gone != nil:
		return 0, c.gone
	case c.silent:
		return 0, c.waitDeadline()
	}
	return c.replies.Read(b)
}

func (c *redisConn) waitDeadline() error {
	c.mu.Lock()
	by := c.readBy
	c.mu.Unlock()
	if by.IsZero() {
		<-c.closed
		return net.ErrClosed
	}
	timer := time.NewTimer(time.Until(by))
	defer timer.Stop()
	select {
	case <-timer.C:
		return os.ErrDeadlineExceeded
	case <-c.closed:
		return net.ErrClosed
	}
}

// SetDeadline sets the read deadline; writes never wait.
func (c *redisConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline does nothing: a request is accepted at once, as a socket's
// buffer does, and what follows is the answer's time.
func (c *redisConn) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline sets when a read gives up.
func (c *redisConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readBy = t
	c.timed = c.timed || !t.IsZero()
	return c.Conn.SetReadDeadline(t)
}

// Close closes the connection.
func (c *redisConn) Close() error {
	c.closing.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
