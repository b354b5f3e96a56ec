package redisprobe

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/probe"
)

// detachable reports whether a request can be carried out when its client has
// gone: not one that waits for others then (BLPOP, BRPOP, BZPOPMIN, XREAD, WAIT,
// and their like).
func (c *conn) detachable(t turn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	waits := slices.ContainsFunc([]string{"BL", "BR", "BZ", "XREAD", "WAIT"}, func(p string) bool { return strings.HasPrefix(t.call.Op.Method, p) })
	return !c.through && !c.framed && !t.subscribes && !waits
}

// leave has a request carried out later, on this connection, as what it watches
// is the connection's; nothing else is any more.
func (c *conn) leave(t turn) {
	c.mu.Lock()
	c.late = true
	c.mu.Unlock()
	raw := bytes.Clone(t.raw)
	probe.Later(c.tap, t.call, func(late *probe.Call) {
		defer c.Conn.Close()
		var reply bytes.Buffer
		if c.Conn.SetReadDeadline(time.Time{}) != nil {
			return
		}
		if _, err := c.Conn.Write(raw); err != nil {
			return
		}
		if _, err := readReply(c.replies, &reply); err != nil {
			return
		}
		late.Op.Result = t.result(reply.Bytes(), false)
		_ = c.tap.Leave(late) // nobody is there to be told
	})
}
