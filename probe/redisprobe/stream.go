package redisprobe

import (
	"context"
	"runtime/pprof"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// subscribe makes the connection a stream, or breaks it: a reader learns of
// that, as the writer would not. There may be no reader at all for a while, so
// the server's messages are taken in by a goroutine of nobody's.
func (c *conn) subscribe(t turn) {
	call := t.call
	fate := c.enter(call)
	err := notPassed(fate)
	if err == nil {
		err = c.openStream(t.raw)
	}
	if err == nil {
		call.Op.Result = event.Result{Status: "(subscribed)", OK: true}
		err = c.tap.Leave(call)
	}
	if err == nil && fate.Action == probe.Lose {
		err = probe.ErrReset("read")
	}
	if err != nil {
		_ = c.breakOff(err)
	}
}

func (c *conn) openStream(request []byte) error {
	if err := c.Conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	c.mu.Lock()
	c.stream = true
	c.mu.Unlock()
	go c.pump() //wtsim:go it only moves bytes, as the system does for a socket
	_, err := c.Conn.Write(request)
	return err
}

// pump takes in what the server pushes, until the connection closes.
func (c *conn) pump() {
	pprof.SetGoroutineLabels(context.Background())
	b := make([]byte, 4<<10)
	for {
		n, err := c.replies.Read(b)
		c.mu.Lock()
		if c.gone == nil {
			c.in.Write(b[:n])
			c.gone = err
		}
		c.mu.Unlock()
		c.signal()
		if err != nil {
			return
		}
	}
}

// unasked waits for what the server says to no request: a push message is
// taken whole, and on anything else the connection is a stream.
func (c *conn) unasked() error {
	first, err := c.replies.Peek(1)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.next < len(c.queue): // a request came meanwhile, and this is its answer
		return nil
	case first[0] != '>':
		c.stream = true
		return nil
	}
	_, n, err := readHead(c.replies, &c.in)
	if err != nil {
		return err
	}
	return readParts(c.replies, &c.in, n)
}
