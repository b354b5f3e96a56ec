package redis

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

// perform carries out a command on the connection's own state, and returns the
// first bytes of the reply.
func (c *conn) perform(words ...string) []byte {
	c.mu.Lock()
	c.head = c.head[:0]
	c.mu.Unlock()
	c.b.server().Dispatch(c.peer, slices.Clone(words))
	c.peer.Flush()
	c.mu.Lock() // a message may be pushed meanwhile
	defer c.mu.Unlock()
	c.reply = append(c.reply[:0], c.head...)
	if len(c.reply) == 0 { // every command answers something
		panic("redis: miniredis does not answer " + words[0])
	}
	return c.reply
}

// silently carries out a command without an answer.
func (c *conn) silently(words ...string) {
	c.mute = true
	c.perform(words...)
	c.mute = false
}

// fail answers with an error.
func (c *conn) fail(text string) {
	c.peer.WriteError(text)
	c.peer.Flush()
}

// execute carries out one request.
func (c *conn) execute(words []string) {
	name := strings.ToUpper(words[0])
	stale := c.stale
	c.stale = 0
	if c.replica && !isScript(name) && isWrite(name, words) {
		c.dirty = c.group != nil
		c.fail(readOnly)
		return
	}
	switch {
	case c.b.lacks(setIfAbsent):
		words = always(words)
		name = strings.ToUpper(words[0])
	case c.b.lacks(watches) && name == "WATCH" && c.group == nil:
		c.peer.WriteOK()
		c.peer.Flush()
		return
	}
	switch {
	case name == "MULTI" && c.group == nil:
		c.group = [][]string{words}
		c.perform(words...)
	case name == "EXEC" && c.group != nil:
		c.exec(words, stale)
	case name == "DISCARD":
		c.group, c.dirty = nil, false
		c.perform(words...)
	case c.group != nil:
		c.group = append(c.group, words)
		c.perform(words...)
	default:
		switch w := newWaiter(c, name, words); {
		case w != nil: // also where it should be stale: it waits for what is new
			c.b.block(w)
		case stale > 0:
			c.answerStale(stale, [][]string{words})
		default:
			c.plain(name, words)
		}
	}
}

const readOnly = "READONLY You can't write against a read only replica."

// plain carries out a command that is no part of a transaction and does not
// wait.
func (c *conn) plain(name string, words []string) {
	if isScript(name) {
		if c.parts != nil {
			c.finishScript()
			return
		}
		wrote := c.b.scripted(c, func() { c.perform(words...) })
		c.b.note(entry{db: c.db, commands: [][]string{words}, counts: wrote})
		return
	}
	reply := c.perform(words...)
	switch {
	case name == "SELECT" && reply[0] == '+':
		c.db, _ = strconv.Atoi(words[1])
	case isWrite(name, words):
		if changed(name, words, reply) {
			c.b.note(entry{db: c.db, commands: [][]string{words}, counts: true})
		}
	case matters(name):
		c.b.note(entry{db: c.db, commands: [][]string{words}})
	}
}

// exec carries out a transaction: one write.
func (c *conn) exec(words []string, stale int) {
	group, dirty := append(c.group, words), c.dirty
	c.group, c.dirty = nil, false
	if dirty || stale > 0 {
		c.silently("DISCARD")
	}
	switch {
	case dirty:
		c.fail("EXECABORT Transaction discarded because of previous errors.")
		return
	case stale > 0:
		c.answerStale(stale, group)
		return
	case c.parts != nil:
		c.finishTransaction(group)
		return
	}
	var reply []byte
	wrote := c.b.scripted(c, func() { reply = c.perform(words...) })
	if reply[0] != '*' || bytes.HasPrefix(reply, []byte("*-1")) {
		return // what was watched has changed, or it was refused
	}
	e := entry{db: c.db, commands: group, counts: wrote}
	for _, queued := range group[1 : len(group)-1] {
		name := strings.ToUpper(queued[0])
		if name == "SELECT" && len(queued) > 1 {
			c.db, _ = strconv.Atoi(queued[1])
		}
		e.counts = e.counts || !isScript(name) && isWrite(name, queued)
	}
	c.b.note(e)
}

func isScript(name string) bool {
	switch name {
	case "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO":
		return true
	}
	return false
}

// isWrite reports whether a command may change what is stored.
func isWrite(name string, words []string) bool {
	switch name {
	case "PUBLISH", "SPUBLISH", "MULTI", "EXEC", "DISCARD", "UNSUBSCRIBE", "PUNSUBSCRIBE":
		return false
	}
	return redisprobe.Access(words)&event.Writes != 0
}

// matters reports whether something that does not write must be repeated when
// the state is made again: it draws a random number, or a later write needs it.
func matters(name string) bool {
	switch name {
	case "SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER", "RANDOMKEY", "SCRIPT":
		return true
	}
	return false
}

// changed reports whether a command that was answered so may have changed
// something. A failover that lost what changed nothing would lose nothing.
func changed(name string, words []string, reply []byte) bool {
	if reply[0] == '-' {
		return false
	}
	switch name {
	case "DEL", "UNLINK", "SETNX", "HSETNX", "MSETNX", "SADD", "SREM", "HDEL", "ZREM", "LREM", "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT",
		"PERSIST", "RENAMENX", "COPY", "MOVE", "SMOVE", "XACK", "XDEL", "XTRIM", "PFADD", "LPUSHX", "RPUSHX", "TOUCH":
		return !bytes.HasPrefix(reply, []byte(":0\r"))
	case "SET":
		for _, w := range words[3:] {
			if strings.EqualFold(w, "GET") { // then nil is what was there
				return true
			}
		}
		return !isNil(reply)
	case "LPOP", "RPOP", "SPOP", "GETDEL", "RPOPLPUSH", "LMOVE", "LMPOP", "ZMPOP", "XADD", "XREADGROUP":
		return !isNil(reply)
	case "ZPOPMIN", "ZPOPMAX":
		return !bytes.HasPrefix(reply, []byte("*0\r"))
	}
	return true
}

func isNil(reply []byte) bool {
	return len(reply) > 0 && (reply[0] == '_' || len(reply) > 2 && reply[1] == '-' && reply[2] == '1' && (reply[0] == '*' || reply[0] == '$'))
}
