package redis

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

// Without the guarantee of transactions, or of scripts, one of them is several
// operations: those that begin it are made here, before the client's request
// reaches the seam, which then is the last. So a run may let others come
// between, or end an instance there, as with any two operations. Rules see the
// last one as ever.

// parts is what has been done of a transaction or script.
type parts struct {
	replies []string   // of a transaction's first commands
	stopped bool       // what it watched has changed
	writes  [][]string // of a script that has read, and not written yet
	reply   string     // which it has got already
}

// inParts dials connections on which transactions or scripts come in parts.
func (b *Backend) inParts(tap probe.Tap, seam func(probe.Tap, string, redisprobe.Dial) redisprobe.Dial, dial redisprobe.Dial) redisprobe.Dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		var below *conn
		above, err := seam(tap, b.name, func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			below, _ = c.(*conn)
			return c, err
		})(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &parted{Conn: above, below: below, tap: tap}, nil
	}
}

// parted is a connection above the seam.
type parted struct {
	net.Conn
	below *conn
	tap   probe.Tap
	gone  atomic.Pointer[error] // it has broken within a part
}

// Write begins a transaction or script that is the whole of what is written;
// one in a longer pipeline stays in one piece. What breaks it the client learns
// where it reads: the request was sent.
func (p *parted) Write(b []byte) (int, error) {
	if err := p.begin(requests(b)); err != nil {
		p.gone.Store(&err)
		return len(b), p.Close()
	}
	return p.Conn.Write(b)
}

// Read returns answers.
func (p *parted) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if gone := p.gone.Load(); gone != nil {
		return 0, *gone
	}
	return n, err
}

// requests are those of a piece of writing; none if it holds a part of one.
func requests(b []byte) [][]string {
	var all [][]string
	for len(b) > 0 {
		words, n, err := redisprobe.ParseRequest(b)
		if err != nil || n == 0 || len(words) == 0 {
			return nil
		}
		all, b = append(all, words), b[n:]
	}
	return all
}

func (p *parted) begin(all [][]string) error {
	lacks := p.below.b.lacks
	last := len(all) - 1
	switch {
	case last == 0 && isScript(strings.ToUpper(all[0][0])) && lacks(scripts):
		name := strings.ToUpper(all[0][0])
		return p.do(name+" reads", event.Reads, all[0], p.below.rehearse)
	case last < 3 || !strings.EqualFold(all[0][0], "MULTI") || !strings.EqualFold(all[last][0], "EXEC") || !lacks(transactions):
		return nil
	}
	for _, words := range all[1 : last-1] {
		if err := p.do("MULTI "+strings.ToUpper(words[0]), redisprobe.Access(words), words, p.below.beginTransaction); err != nil {
			return err
		}
	}
	return nil
}

// do makes an operation of a part.
func (p *parted) do(method string, access event.Access, words []string, effect func(words []string) event.Result) error {
	op := event.Operation{
		Service: p.below.b.name, Method: method, Resource: strings.Join(redisprobe.Keys(words), " "), Access: access,
		Fails: []string{"reset"}, Request: event.Payload{Words: words},
	}
	_, err := probe.Do(context.Background(), p.tap, op, func() event.Result {
		p.below.b.mu.Lock()
		defer p.below.b.mu.Unlock()
		if p.below.Gone() != nil {
			return event.Result{Status: "reset"}
		}
		return effect(words)
	})
	var refused *probe.RefusedError
	if errors.As(err, &refused) {
		return probe.ErrReset("read")
	}
	return err
}

// aside carries out a command and returns its answer, which the client does
// not get.
func (c *conn) aside(words ...string) string {
	var out bytes.Buffer
	c.side = &out
	c.b.server().Dispatch(c.peer, words)
	c.peer.Flush()
	c.side = nil
	return out.String()
}

// beginTransaction carries out one command of a transaction. With the first,
// what was watched is looked at.
func (c *conn) beginTransaction(words []string) event.Result {
	if c.parts == nil {
		c.parts = &parts{}
	}
	if !c.parts.stopped {
		c.parts.stopped = !c.transact(words)
	}
	if c.parts.stopped {
		return event.Result{Status: "(nil)"}
	}
	reply, _, _ := strings.Cut(c.parts.replies[len(c.parts.replies)-1], "\r\n")
	return event.Result{Status: reply, OK: reply[0] != '-'}
}

// transact carries out a command as a transaction, and keeps its answer. It
// returns false if something that was watched has changed.
func (c *conn) transact(words []string) bool {
	c.aside("MULTI")
	if refusal := c.aside(words...); refusal[0] == '-' {
		c.aside("DISCARD")
		c.parts.replies = append(c.parts.replies, refusal)
		return true
	}
	reply := c.aside("EXEC")
	if isNil([]byte(reply)) {
		return false
	}
	_, reply, _ = strings.Cut(reply, "\r\n")
	c.parts.replies = append(c.parts.replies, reply)
	name := strings.ToUpper(words[0])
	c.b.note(entry{db: c.db, commands: [][]string{words}, counts: isScript(name) || isWrite(name, words) && changed(name, words, []byte(reply))})
	return true
}

// finishTransaction carries out the last command of one that has begun, and
// answers for all.
func (c *conn) finishTransaction(group [][]string) {
	done := c.parts
	c.silently("DISCARD")
	if !done.stopped {
		done.stopped = !c.transact(group[len(group)-2])
	}
	c.parts = nil
	if done.stopped {
		c.peer.WriteRaw(nullArray(c.peer.Resp3))
	} else {
		c.peer.WriteRaw(fmt.Sprintf("*%d\r\n%s", len(done.replies), strings.Join(done.replies, "")))
	}
	c.peer.Flush()
}

// rehearse runs a script on a copy of what is stored, and notes what it wants
// to write. One that writes nothing, or fails, is run when its turn comes.
func (c *conn) rehearse(words []string) event.Result {
	copied := c.b.again(c.b.journal)
	defer copied.mini.Close()
	var writes [][]string
	copied.scripted = func(name string, words []string) string {
		if isWrite(name, words) {
			writes = append(writes, slices.Clone(words))
		}
		return ""
	}
	var out bytes.Buffer
	p := server.NewPeer(bufio.NewWriter(&out))
	p.Resp3 = c.peer.Resp3
	copied.mini.Server().Dispatch(p, []string{"SELECT", strconv.Itoa(c.db)})
	p.Flush()
	out.Reset()
	copied.mini.Server().Dispatch(p, words)
	p.Flush()
	if reply := out.String(); len(writes) > 0 && reply[0] != '-' {
		c.parts = &parts{writes: writes, reply: reply}
	}
	return event.Result{Status: "OK", OK: true}
}

// finishScript lets a script write what it has decided to.
func (c *conn) finishScript() {
	done := c.parts
	c.parts = nil
	for _, words := range done.writes {
		c.aside(words...)
	}
	c.b.note(entry{db: c.db, commands: done.writes, counts: true})
	c.peer.WriteRaw(done.reply)
	c.peer.Flush()
}
