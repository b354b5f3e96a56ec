package recording

import (
	"bytes"
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

// Dial returns a connection to a Redis that answers as the recording says, for
// [redisprobe.Dialer].
func (p *Player) Dial(_ context.Context, network, addr string) (net.Conn, error) {
	return &redisConn{player: p, network: network, addr: addr}, nil
}

// redisConn answers a request as it is written. Its one reader and one writer may
// be different goroutines.
type redisConn struct {
	player        *Player
	network, addr string

	mu      sync.Mutex
	in      bytes.Buffer // of a request that is not whole
	out     bytes.Buffer // answers
	multi   []string     // the words of a transaction so far
	inMulti bool
	closed  bool
}

// Write takes requests.
func (c *redisConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	c.in.Write(b)
	for c.in.Len() > 0 {
		words, length, err := redisprobe.ParseRequest(c.in.Bytes())
		if err != nil || length == 0 {
			return len(b), err
		}
		c.in.Next(length)
		c.answer(words)
	}
	return len(b), nil
}

// answer answers a request: one that passed the tap as recorded, what sets a
// connection up, or stands in a transaction that is not carried out yet, as any
// Redis does.
func (c *redisConn) answer(words []string) {
	name := strings.ToUpper(words[0])
	operation := words
	switch {
	case c.inMulti && name == "EXEC":
		operation = c.multi // as an operation has them
	case c.inMulti && name == "DISCARD":
		operation = nil
	case c.inMulti:
		c.multi = append(append(c.multi, words...), ";")
		c.out.WriteString("+QUEUED\r\n")
		return
	case name == "MULTI":
		c.inMulti = true
		c.out.WriteString("+OK\r\n")
		return
	}
	c.inMulti, c.multi = false, nil
	op, ok := c.player.take(func(call *probe.Call) bool { return slices.Equal(call.Op.Request.Words, operation) })
	switch {
	case ok:
		c.out.Write(redisprobe.Reply(op.Result))
	case name == "HELLO":
		c.out.WriteString("%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n")
	case name == "PING":
		c.out.WriteString("+PONG\r\n")
	default:
		c.out.WriteString("+OK\r\n")
	}
}

// Read returns answers. There is one for every request that was written, so it
// never waits.
func (c *redisConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.out.Len() == 0 {
		return 0, net.ErrClosed
	}
	return c.out.Read(b)
}

func (c *redisConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

type redisAddr struct{ network, text string }

func (a redisAddr) Network() string { return a.network }
func (a redisAddr) String() string  { return a.text }

func (c *redisConn) LocalAddr() net.Addr              { return redisAddr{c.network, "127.0.0.1:0"} }
func (c *redisConn) RemoteAddr() net.Addr             { return redisAddr{c.network, c.addr} }
func (c *redisConn) SetDeadline(time.Time) error      { return nil }
func (c *redisConn) SetReadDeadline(time.Time) error  { return nil }
func (c *redisConn) SetWriteDeadline(time.Time) error { return nil }
