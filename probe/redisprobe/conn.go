// Package redisprobe is the seam of clients of Redis: dialers whose connections
// pass every command through the tap, and what commands do to which keys.
package redisprobe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Dial is the type of go-redis' Options.Dialer.
type Dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// Dialer returns a dialer whose connections pass every command through
// the tap, below the client's retry loop. It suits go-redis'
// Options.Dialer; any client of the Redis protocol will do.
//
//  1. A command is an operation, carried out when its answer is read (which
//     is where clients wait, and when their deadline is known), on the
//     goroutine that reads it.
//  2. The commands of a pipeline are one operation each, as Redis carries
//     them out. MULTI to EXEC is one operation, "MULTI SET INCR EXEC", of all
//     keys.
//  3. What a client says when it sets a connection up (HELLO, AUTH, CLIENT,
//     SELECT, ...) is none.
//  4. The caller's deadline counts from when the tap lets the call through:
//     a call that waits there stands for a caller that is not running. Not so
//     where the tap says that the call is held on its way ([probe.Call.Held]):
//     the caller then gives up in time. What happens after that does so on the
//     same connection, which its client has closed.
//  5. SUBSCRIBE and its like are operations; what the server pushes then passes
//     unseen. In RESP2 they make the connection a stream. In RESP3 (HELLO 3)
//     other commands on it are operations as ever; UNSUBSCRIBE and its like,
//     and a PING after SUBSCRIBE, are none.
//  6. What is not a request of the protocol breaks the connection, with an
//     error that says so.
//  7. A connection of dial's that has been reset (it has a method Gone that
//     says so) fails where the client writes: no operation comes of it. A call
//     that waited at the tap meanwhile has not happened; its status is "reset".
//
// Where the tap is passive, requests go out as they are written, pipelines in one
// piece, and (6) does not hold: what it does not understand it lets pass.
func Dialer(tap probe.Tap, service string, dial Dial) Dial {
	return dialer(tap, splitter{service: service}, dial)
}

// ReplicaDialer is [Dialer] for a read replica. Its operations are
// those of the service, marked by [Replica].
//
// Where the fate of a read is [probe.Stale], the connection of dial's is told to
// answer from an older state: it has to be a [StaleReader].
func ReplicaDialer(tap probe.Tap, service string, dial Dial) Dial {
	return dialer(tap, splitter{service: service, target: Replica}, dial)
}

// Replica is the Request.Target of an operation on a read replica.
const Replica = "replica"

// StaleReader is a connection whose next request can be answered from the
// state some writes ago.
type StaleReader interface {
	ReadStale(missing int)
}

// goner is a connection that knows that it has been reset.
type goner interface{ Gone() error }

func dialer(tap probe.Tap, requests splitter, dial Dial) Dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		below, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c := &conn{
			Conn: below, tap: tap, through: tap.Passive(), requests: requests,
			replies: bufio.NewReader(below), closed: make(chan struct{}), wake: make(chan struct{}, 1),
		}
		if !c.through {
			c.goner, _ = below.(goner)
		}
		if s, ok := below.(syscall.Conn); ok && c.through {
			return socket{c, s}, nil
		}
		return c, nil
	}
}

// socket shows the client the socket below, where it looks whether an idle
// connection still lives.
type socket struct {
	*conn
	syscall.Conn
}

// conn is a connection with one reader and one writer, which may be
// different goroutines. It has a field for each half of its state: what is being
// read, what is being written, and how it ends.
type conn struct {
	net.Conn
	tap      probe.Tap
	through  bool          // the tap never holds nor changes a call
	goner    goner         // Conn, if it is one
	requests splitter      // the writer's
	replies  *bufio.Reader // the server's side; the reader's, or the pump's
	closing  sync.Once
	closed   chan struct{}
	wake     chan struct{} // something changed that a waiting reader wants to know

	mu      sync.Mutex
	queue   []turn       // requests, in order
	next    int          // the first of queue whose answer was not asked for yet
	busy    bool         // the reader is carrying one out
	late    bool         // one is to be carried out when the client has closed the connection
	in      bytes.Buffer // answers that the caller has not read
	gone    error        // the connection is broken: what a read returns
	silent  bool         // no answer will come: a read waits for its deadline
	stream  bool         // answers are no longer matched with requests
	framed  bool         // the pump takes answers from what is pushed
	resp3   bool
	answers [][]byte    // that the pump has taken, in order; they stand in in, too
	spare   *probe.Call // that is over, and that a passive tap has not kept
	readBy  time.Time
}

// Write takes requests; see [Dialer] for when they are carried out.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.write(b)
	if err != nil {
		probe.Depart(c.tap)
	}
	return n, err
}

func (c *conn) write(b []byte) (int, error) {
	c.mu.Lock()
	gone, stream, idle := c.gone, c.stream, c.next == len(c.queue) && !c.busy
	c.requests.resp3, c.requests.spare, c.spare = c.resp3, c.spare, nil
	c.mu.Unlock()
	if gone == nil && c.goner != nil && idle {
		gone = c.goner.Gone()
	}
	if gone != nil {
		return 0, gone
	}
	if stream {
		return c.Conn.Write(b)
	}
	turns, err := c.requests.add(b, idle)
	if c.through {
		c.mu.Lock()
		c.queue = append(c.queue, turns...)
		c.stream = err != nil || len(turns) > 0 && turns[len(turns)-1].subscribes
		c.mu.Unlock()
		return c.Conn.Write(b)
	}
	if err != nil {
		return 0, c.breakOff(err)
	}
	if len(turns) == 1 && (turns[0].subscribes || turns[0].pushed) && idle {
		c.subscribe(turns[0])
		return len(b), nil
	}
	c.mu.Lock()
	c.queue = append(c.queue, turns...)
	c.mu.Unlock()
	c.signal()
	return len(b), nil
}

// Read returns answers, and carries out the requests that they answer.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.read(b)
	if err != nil {
		probe.Depart(c.tap)
	}
	return n, err
}

func (c *conn) read(b []byte) (int, error) {
	for {
		c.mu.Lock()
		switch {
		case c.in.Len() > 0:
			n, err := c.in.Read(b)
			c.mu.Unlock()
			return n, err
		case c.gone != nil:
			err := c.gone
			c.mu.Unlock()
			return 0, err
		case c.next < len(c.queue) && !c.silent:
			t := c.queue[c.next]
			c.next, c.busy = c.next+1, true
			c.mu.Unlock()
			c.perform(t)
		case c.through && c.stream:
			c.mu.Unlock()
			return c.replies.Read(b)
		case c.through:
			c.mu.Unlock()
			if err := c.unasked(); err != nil {
				return 0, err
			}
		default:
			c.mu.Unlock()
			if err := c.wait(); err != nil {
				return 0, err
			}
		}
	}
}

// perform carries out one request. Without an answer for the caller it
// leaves the connection broken or silent.
func (c *conn) perform(t turn) {
	err := c.turn(t)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone != nil { // the writer broke the connection meanwhile
		c.in.Reset()
	}
	if c.next == len(c.queue) {
		clear(c.queue)
		c.queue, c.next = c.queue[:0], 0
	}
	if c.busy = false; c.through && t.call != nil {
		c.spare = t.call
	}
	switch {
	case err == nil:
	case c.through && errors.Is(err, errReply): // what was read of it stands in c.in
		c.queue, c.next, c.stream = nil, 0, true
	default:
		c.in.Reset()
		if c.gone = err; err == errSilent {
			c.gone, c.silent = nil, true
		}
	}
}

// errSilent says that the caller shall wait for an answer until its deadline.
var errSilent = errors.New("redis: no answer")

// turn waits at the tap, then does what the tap says. The error is what the
// caller sees instead of the answer.
func (c *conn) turn(t turn) error {
	if t.pushed {
		return c.push(t)
	}
	if t.call == nil {
		reply, err := c.exchange(t)
		if t.hello && err == nil {
			c.mu.Lock()
			c.resp3 = reply[0] == '%'
			c.mu.Unlock()
		}
		return err
	}
	call := t.call
	if t.subscribes && !c.through {
		return fmt.Errorf("redis: %s in a pipeline is not supported, wanted it in a request of its own", call.Op.Method)
	}
	call.Detached = c.detachable(t)
	fate := c.enter(call)
	if fate.Action == probe.Late {
		c.leave(t)
	}
	if err := notPassed(fate); err != nil {
		return err
	}
	if t.subscribes {
		call.Op.Result = event.Result{Status: "(subscribed)", OK: true}
		return c.tap.Leave(call)
	}
	if old, ok := c.Conn.(StaleReader); ok && fate.Action == probe.Stale {
		missing, _ := strconv.Atoi(fate.With)
		old.ReadStale(missing)
	}
	reply, err := c.exchange(t)
	if err != nil {
		return c.unanswered(call, err)
	}
	call.Op.Result = t.result(reply, c.through)
	if err := c.tap.Leave(call); err != nil {
		return err
	}
	switch {
	case fate.Action == probe.Lose && fate.With == "timeout":
		return errSilent
	case fate.Action == probe.Lose:
		return probe.ErrReset("read")
	}
	return nil
}

// unanswered tells the tap of a call that a reset has ended. One that the
// caller gave up waiting for may yet happen.
func (c *conn) unanswered(call *probe.Call, err error) error {
	if !c.through && errors.Is(err, syscall.ECONNRESET) {
		call.Op.Result = event.Result{Status: "reset"}
		if dead := c.tap.Leave(call); dead != nil {
			return dead
		}
	}
	return err
}

// enter asks the tap, and lets the deadline count from its answer.
func (c *conn) enter(call *probe.Call) probe.Fate {
	c.mu.Lock()
	by := c.readBy
	c.mu.Unlock()
	call.GiveUp, call.Timed, call.Op.Deadline = c.closed, !by.IsZero(), by
	if c.through {
		return c.tap.Enter(call)
	}
	began := time.Now() //wtsim:clock the deadlines of a connection are by its clock
	fate := c.tap.Enter(call)
	if held := time.Since(began); held > 0 && !by.IsZero() && !call.Held { //wtsim:clock as above
		c.mu.Lock()
		if c.readBy.Equal(by) {
			c.readBy = by.Add(held)
		}
		c.mu.Unlock()
	}
	return fate
}

// notPassed returns what the caller sees of a call that did not happen.
func notPassed(fate probe.Fate) error {
	switch fate.Action {
	case probe.Refuse, probe.Cut:
		return probe.ErrReset("read")
	case probe.GaveUp:
		if fate.With == "timeout" {
			return errSilent
		}
		return net.ErrClosed
	case probe.Late:
		return errSilent
	}
	return nil
}

// exchange sends a request and takes its answer, into c.in, and returns it; it is
// valid until c.in is read.
func (c *conn) exchange(t turn) (reply []byte, err error) {
	c.mu.Lock()
	framed := c.framed
	c.mu.Unlock()
	if framed {
		if _, err := c.Conn.Write(t.raw); err != nil {
			return nil, err
		}
		return c.answer()
	}
	if !c.through {
		c.mu.Lock()
		err := c.Conn.SetReadDeadline(c.readBy)
		c.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if _, err := c.Conn.Write(t.raw); err != nil {
			return nil, err
		}
	}
	start, err := readReply(c.replies, &c.in)
	if err != nil {
		return nil, err
	}
	return c.in.Bytes()[start:], nil
}

func (c *conn) breakOff(err error) error {
	c.mu.Lock()
	if c.gone = err; !c.busy { // else the reader sees to it
		c.in.Reset()
	}
	c.mu.Unlock()
	c.signal()
	return err
}
