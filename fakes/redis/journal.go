package redis

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

// entry is what has happened at once: a command, or MULTI to EXEC.
//
// The journal is how an older state is made again, exactly: everything that
// has changed what is stored happens once more on an empty server, each at its
// own time and with the same random numbers. A run without a failover and
// without a stale read pays for the entries alone.
type entry struct {
	at       int64 // virtual time
	db       int
	commands [][]string
	counts   bool // it has written
}

// most is how many writes a failover loses, or a stale read misses, at most;
// and lag, how old the oldest of them is: a replica that is further behind has
// lost its link (repl-timeout is 60 s).
// https://redis.io/docs/latest/operate/oss_and_stack/management/replication/
const (
	most = 3
	lag  = time.Minute
)

// note adds to the journal, and answers whom it has been waited for by.
func (b *Backend) note(e entry) {
	e.at = time.Now().UnixNano() //wtsim:clock the bubble's clock
	b.journal = append(b.journal, e)
	if e.counts {
		b.serve()
	}
}

// newest returns where in the journal the newest writes stand, the newest
// first: as many as can be lost.
func (b *Backend) newest() []int {
	var out []int
	oldest := time.Now().Add(-lag).UnixNano() //wtsim:clock the bubble's clock
	for i := len(b.journal) - 1; i >= 0 && len(out) < most && b.journal[i].at >= oldest; i-- {
		if b.journal[i].counts {
			out = append(out, i)
		}
	}
	return out
}

// Losable is how many of the newest acknowledged writes a failover could lose
// now: at most 3, none older than a minute; none without replicas.
func (b *Backend) Losable() int {
	if !b.replicated {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.newest())
}

// FailOver loses the newest n acknowledged writes and resets every connection:
// a replica that had not got them takes over. A transaction or script is one
// write. Scripts that were loaded are unknown to it, and nobody is subscribed.
// It loses no more than Losable.
func (b *Backend) FailOver(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if newest := b.newest(); n > 0 && len(newest) > 0 {
		b.journal = b.journal[:newest[min(n, len(newest))-1]]
	}
	for len(b.conns) > 0 {
		b.drop(b.conns[0], probe.ErrReset("read"))
	}
	old := b.mini
	b.front = b.again(b.journal)
	b.mini = b.front.mini
	old.Close()
	flush := []string{"SCRIPT", "FLUSH"}
	b.server().Dispatch(server.NewPeer(bufio.NewWriter(io.Discard)), flush)
	b.note(entry{commands: [][]string{flush}})
}

// Staleness is how many writes the answer to a read on a replica may miss: at
// most 3, none older than a minute, and no more than touch what is read. A
// read that waits for what is new misses nothing.
func (b *Backend) Staleness(c *probe.Call) int {
	if at, _ := blocks(c.Op.Method, c.Op.Request.Words); at > 0 {
		return 0
	}
	if c.Op.Request.Target != redisprobe.Replica || c.Op.Access != event.Reads || strings.Contains(c.Op.Method, "SUBSCRIBE") {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	newest := b.newest()
	for n := len(newest); n > 0; n-- {
		if b.journal[newest[n-1]].touches(&c.Op) {
			return n
		}
	}
	return 0
}

// touches reports whether a write may show in the answer to a read.
func (e *entry) touches(read *event.Operation) bool {
	switch read.Method {
	case "PING", "ECHO", "TIME", "SCRIPT", "PUBSUB", "WAIT":
		return false
	case "SCAN", "KEYS", "DBSIZE", "RANDOMKEY":
		return true
	}
	for _, words := range e.commands {
		keys := redisprobe.Keys(words)
		if len(keys) == 0 && isWrite(strings.ToUpper(words[0]), words) { // FLUSHALL, and scripts that do not say
			return true
		}
		for _, key := range keys {
			if strings.Contains(" "+read.Resource+" ", " "+key+" ") {
				return true
			}
		}
	}
	return false
}

// answerStale answers a request from the state so many writes ago.
func (c *conn) answerStale(missing int, group [][]string) {
	b := c.b
	newest := b.newest()
	upTo := len(b.journal)
	if n := min(missing, len(newest)); n > 0 {
		upTo = newest[n-1]
	}
	old := b.again(b.journal[:upTo])
	defer old.mini.Close()
	var out bytes.Buffer
	p := server.NewPeer(bufio.NewWriter(&out))
	p.Resp3 = c.peer.Resp3
	for _, words := range append([][]string{{"SELECT", strconv.Itoa(c.db)}}, group...) {
		out.Reset()
		old.mini.Server().Dispatch(p, slices.Clone(words))
		p.Flush()
	}
	c.peer.WriteRaw(out.String())
	c.peer.Flush()
}

// again makes the state after some entries, by the clock of now.
func (b *Backend) again(entries []entry) *front {
	f, err := b.empty(time.Unix(0, b.opened))
	if err != nil {
		panic("redis: what a run began with fails the second time: " + err.Error())
	}
	m := f.mini
	p, db := server.NewPeer(bufio.NewWriter(io.Discard)), 0
	for _, e := range entries {
		m.SetTime(time.Unix(0, e.at))
		if e.db != db {
			db = e.db
			m.Server().Dispatch(p, []string{"SELECT", strconv.Itoa(db)})
		}
		for _, words := range e.commands {
			m.Server().Dispatch(p, slices.Clone(words))
			p.Flush()
		}
		if last := e.commands[len(e.commands)-1]; len(e.commands) > 1 && strings.EqualFold(last[0], "EXEC") {
			p, db = server.NewPeer(bufio.NewWriter(io.Discard)), 0 // a SELECT within it is over
		}
	}
	m.SetTime(time.Now()) //wtsim:clock the bubble's clock
	m.DB(0)               // brings the times to live up to now
	m.SetTime(time.Time{})
	b.follow(m) // from now on, by the clock
	return f
}
