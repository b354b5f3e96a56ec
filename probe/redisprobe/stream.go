package redisprobe

import (
	"bufio"
	"bytes"
	"context"
	"runtime/pprof"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// subscribe carries out a request that has no answer of its own where it is
// written, and breaks the connection if it fails: a reader learns of that, as the
// writer would not. There may be no reader at all for a while, so the server's
// messages are taken in by a goroutine of nobody's.
func (c *conn) subscribe(t turn) {
	if err := c.push(t); err != nil {
		_ = c.breakOff(err)
	}
}

// push carries out a request that has no answer of its own.
func (c *conn) push(t turn) error {
	if t.call == nil {
		return c.send(t)
	}
	call := t.call
	fate := c.enter(call)
	if err := notPassed(fate); err != nil {
		return err
	}
	if err := c.send(t); err != nil {
		return err
	}
	call.Op.Result = event.Result{Status: "(subscribed)", OK: true}
	if err := c.tap.Leave(call); err != nil {
		return err
	}
	if fate.Action == probe.Lose {
		return probe.ErrReset("read")
	}
	return nil
}

// send sends a request, unless it was as it was written, and from then on takes
// in what the server pushes.
func (c *conn) send(t turn) error {
	if c.through {
		return nil
	}
	c.mu.Lock()
	started := c.stream || c.framed
	c.mu.Unlock()
	if started {
		_, err := c.Conn.Write(t.raw)
		return err
	}
	if err := c.Conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	c.mu.Lock()
	c.stream, c.framed = t.subscribes, t.pushed
	c.mu.Unlock()
	pump := c.pump
	if t.pushed {
		pump = c.pumpFrames
	}
	go pump() //wtsim:go it only moves bytes, as the system does for a socket
	_, err := c.Conn.Write(t.raw)
	return err
}

// pumpFrames takes in what the server sends, answers and what it pushes, until
// the connection closes.
func (c *conn) pumpFrames() {
	pprof.SetGoroutineLabels(context.Background())
	var frame bytes.Buffer
	for {
		frame.Reset()
		first, err := c.replies.Peek(1)
		var answer []byte
		switch {
		case err != nil:
		case first[0] == '>':
			err = readPush(c.replies, &frame)
		default:
			var start int
			if start, err = readReply(c.replies, &frame); err == nil {
				answer = bytes.Clone(frame.Bytes()[start:])
			}
		}
		c.mu.Lock()
		if c.gone == nil {
			c.in.Write(frame.Bytes())
			c.gone = err
		}
		if answer != nil {
			c.answers = append(c.answers, answer)
		}
		c.mu.Unlock()
		c.signal()
		if err != nil {
			return
		}
	}
}

// answer waits for an answer that the pump takes in.
func (c *conn) answer() ([]byte, error) {
	for {
		c.mu.Lock()
		if len(c.answers) > 0 {
			first := c.answers[0]
			c.answers = c.answers[1:]
			c.mu.Unlock()
			return first, nil
		}
		gone := c.gone
		c.mu.Unlock()
		if gone != nil {
			return nil, gone
		}
		if err := c.wait(); err != nil {
			return nil, err
		}
	}
}

// readPush moves a push message from r to out.
func readPush(r *bufio.Reader, out *bytes.Buffer) error {
	_, n, err := readHead(r, out)
	if err != nil {
		return err
	}
	return readParts(r, out, n)
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
	return readPush(c.replies, &c.in)
}
