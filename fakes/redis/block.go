package redis

import (
	"bufio"
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/wtsim/wtsim/probe/redisprobe"
)

// waiter is a blocking command. Those of miniredis wake in no order; Redis
// serves the client that has waited longest.
// https://redis.io/docs/latest/commands/blpop/
type waiter struct {
	c       *conn
	words   []string
	timeout time.Duration // zero for none
	timer   *time.Timer
}

// blocks tells where among its words a blocking command has its timeout, and
// in what unit; 0 if it is none.
func blocks(name string, words []string) (at int, unit time.Duration) {
	switch name {
	case "BLPOP", "BRPOP", "BRPOPLPUSH", "BLMOVE", "BZPOPMIN", "BZPOPMAX":
		return len(words) - 1, time.Second
	case "BZMPOP", "BLMPOP":
		return 1, time.Second
	case "XREAD", "XREADGROUP":
		from := 1
		if name == "XREADGROUP" { // after GROUP and its names
			from = min(4, len(words))
		}
		for i, w := range words[from:] {
			switch strings.ToUpper(w) {
			case "STREAMS":
				return 0, 0
			case "BLOCK":
				return from + i + 1, time.Millisecond
			}
		}
	}
	return 0, 0
}

// newWaiter returns the waiter of a blocking command, nil if it is none.
func newWaiter(c *conn, name string, words []string) *waiter {
	at, unit := blocks(name, words)
	if at < 1 || at >= len(words) {
		return nil
	}
	n, _ := strconv.ParseFloat(words[at], 64) // what is wrong with it is told at once
	return &waiter{c: c, words: c.b.pinned(c, words), timeout: time.Duration(n * float64(unit))}
}

// pinned is a reading of streams with "$" replaced by what it stands for when
// the command comes.
func (b *Backend) pinned(c *conn, words []string) []string {
	if !strings.EqualFold(words[0], "XREAD") {
		return words
	}
	out, keys := slices.Clone(words), redisprobe.Keys(words)
	for i, key := range keys {
		id := &out[len(out)-len(keys)+i]
		if *id != "$" {
			continue
		}
		*id = "0-0"
		if entries, err := b.mini.DB(c.db).Stream(key); err == nil && len(entries) > 0 {
			*id = entries[len(entries)-1].ID
		}
	}
	return out
}

// block answers a blocking command now, or lets it wait.
func (b *Backend) block(w *waiter) {
	if b.attempt(w) {
		return
	}
	w.c.waits = w
	b.waiters = append(b.waiters, w)
	if w.timeout > 0 {
		w.timer = time.AfterFunc(w.timeout, func() { b.timeOut(w) }) //wtsim:go the server's own clock: it only answers
	}
}

// attempt answers a waiter if it can be. Within MULTI a blocking command does
// not wait: on a connection of its own, that is how it is tried.
func (b *Backend) attempt(w *waiter) bool {
	var out bytes.Buffer
	p := server.NewPeer(bufio.NewWriter(&out))
	p.Resp3 = w.c.peer.Resp3
	say := func(words ...string) string {
		out.Reset()
		b.server().Dispatch(p, words)
		p.Flush()
		return out.String()
	}
	say("SELECT", strconv.Itoa(w.c.db))
	say("MULTI")
	reply, isError := say(w.words...), true
	if strings.HasPrefix(reply, "+QUEUED") {
		reply, isError = strings.TrimPrefix(say("EXEC"), "*1\r\n"), false
	}
	if isNil([]byte(reply)) || w.c.waits == w && strings.HasPrefix(reply, "-WRONGTYPE") { // it goes on waiting for the right one
		return false
	}
	if w.c.waits == w && strings.HasPrefix(reply, "-NOGROUP") {
		reply = errorReply("NOGROUP the consumer group this client was blocked on no longer exists")
		for _, key := range redisprobe.Keys(w.words) {
			if say("EXISTS", key) == ":0\r\n" {
				reply = errorReply("UNBLOCKED the stream key no longer exists")
			}
		}
	}
	w.c.peer.WriteRaw(reply)
	w.c.peer.Flush()
	if name := strings.ToUpper(w.words[0]); !isError && name != "XREAD" && reply[0] != '-' {
		b.note(entry{db: w.c.db, commands: [][]string{{"MULTI"}, w.words, {"EXEC"}}, counts: true})
	}
	return true
}

// serve answers the waiters that can be, after a write; those that have waited
// longest first.
func (b *Backend) serve() {
	if b.serving { // by what is answered right now
		return
	}
	b.serving = true
	defer func() { b.serving = false }()
	for i := 0; i < len(b.waiters); {
		w := b.waiters[i]
		if !b.attempt(w) {
			i++
			continue
		}
		b.end(w)
		_ = w.c.run() // what was sent after it
		i = 0
	}
}

// timeOut answers a waiter with nothing.
func (b *Backend) timeOut(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.c.waits != w {
		return
	}
	b.end(w)
	if w.c.peer.Resp3 {
		w.c.peer.WriteNull()
	} else {
		w.c.peer.WriteLen(-1)
	}
	w.c.peer.Flush()
	_ = w.c.run()
}

// end ends a wait.
func (b *Backend) end(w *waiter) {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.c.waits = nil
	b.waiters = slices.DeleteFunc(b.waiters, func(x *waiter) bool { return x == w })
}

// forget lets go of a connection that has ended.
func (b *Backend) forget(c *conn) {
	b.front.forget(c.peer)
	if c.waits != nil {
		b.end(c.waits)
	}
	b.conns = slices.DeleteFunc(b.conns, func(x *conn) bool { return x == c })
}
