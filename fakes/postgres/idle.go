package postgres

import (
	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
)

// Deviations offers that a connection dies on which no statement is under way, before
// another one's statement: what it holds (a transaction, advisory locks, what it listens to) is
// gone, and its client learns of it when it uses the connection again.
//
// One that holds nothing is not offered: to its client it is as one that is reset at its
// next statement.
// https://www.postgresql.org/docs/current/runtime-config-connection.html#RUNTIME-CONFIG-TCP
func (b *Backend) Deviations(c *probe.Call) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.idlest(c) == nil {
		return nil
	}
	return []string{cloud.Disconnect}
}

// Deviate ends the connection that is idle for longest.
func (b *Backend) Deviate(call *probe.Call, _ string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.idlest(call); c != nil {
		b.drop(c, reset())
	}
}

// idlest is, of the connections that hold something while they do nothing, other than
// the caller's, the one whose last statement is the oldest. One whose next statement
// has not been let happen yet does nothing, too: so what there is depends on statements
// alone, and a bounded search may leave out orders of other operations.
func (b *Backend) idlest(call *probe.Call) (out *conn) {
	for _, c := range b.conns {
		t := c.talk
		if t.session == nil || t.parked == call || t.status == 'I' && t.advisory == 0 && !t.listens || b.waiterOf(c) != nil {
			continue
		}
		if out == nil || t.used < out.talk.used {
			out = c
		}
	}
	return out
}

// advisories is by how many a statement changes the advisory locks of its session: those
// of transactions are not counted.
func advisories(words []piece) (n int) {
	for _, p := range words {
		switch p.name() {
		case "pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared":
			n++
		case "pg_advisory_unlock", "pg_advisory_unlock_shared":
			n--
		case "pg_advisory_unlock_all":
			return -1 << 20
		}
	}
	return n
}
