package postgres

import (
	"encoding/json"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// hear takes a notification that the server has for the client: who reads gets it as an
// operation, or with the answer to its next statement.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-ASYNC
func (t *talk) hear(m message) {
	var n pgproto3.NotificationResponse
	if err := n.Decode(m.body()); err != nil {
		panic("postgres: the server's notification cannot be read: " + err.Error()) // it keeps to its protocol
	}
	pid := n.PID
	n.PID = 0 // of one that has ended meanwhile
	for _, c := range t.b.conns {
		if s := c.talk.session; s != nil && uint32(s.pid) == pid {
			n.PID = uint32(c.number)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notices = append(t.notices, n)
	t.signal()
}

// collect asks the sessions that listen and do nothing else for what a commit has
// notified them of. The server has told each by a signal before it said that the
// commit is done, and such a session answers that before anything else.
func (b *Backend) collect(from *talk) {
	for _, c := range b.conns {
		t := c.talk
		if t == from || !t.listens || t.session == nil || t.begun || t.owed > 0 || t.status != 'I' || t.copying != nil || b.waiterOf(c) != nil {
			continue // what is under way hears it with its answer
		}
		err := t.session.send([]byte{'S', 0, 0, 0, 4})
		for err == nil {
			var m message
			if m, err = t.session.next(); err != nil || m.kind == 'Z' {
				break
			}
			if m.kind == 'A' {
				t.hear(m)
			}
		}
		if err != nil {
			b.broken("tell of notifications", err)
		}
	}
}

// handOn has the client read what it was notified of: what comes before the server is
// ready. With b.mu held.
func (c *conn) handOn() {
	c.mu.Lock()
	all := c.notices
	c.notices = nil
	c.mu.Unlock()
	for i := range all {
		c.answer(encoded(&all[i]))
	}
}

// notified lets a client that waits for a notification have the first that there is:
// an operation.
func (t *talk) notified() {
	t.b.mu.Lock()
	defer t.b.mu.Unlock()
	t.mu.Lock()
	if len(t.notices) == 0 || t.gone != nil {
		t.mu.Unlock()
		return
	}
	first := t.notices[0]
	t.mu.Unlock()
	body, err := json.Marshal(map[string]string{"channel": first.Channel, "payload": first.Payload})
	if err != nil {
		panic("postgres: texts cannot be written as JSON: " + err.Error()) // they can
	}
	call := &probe.Call{GiveUp: t.waits(), Op: event.Operation{Service: t.b.name, Method: "NOTIFICATION", Resource: first.Channel, Access: event.Reads, Fails: []string{probe.Reset}}}
	fate := t.enter(call)
	switch {
	case t.over() != nil:
		return
	case fate.Action == probe.GaveUp:
		t.wantsAgain()
		return
	case fate.Action == probe.Refuse, fate.Action == probe.Cut:
		t.b.drop(t.conn, reset())
		return
	}
	t.mu.Lock()
	t.notices = t.notices[1:]
	t.mu.Unlock()
	call.Op.Result = event.Result{Status: "OK", OK: true, Body: body}
	if t.tap.Leave(call) != nil {
		t.b.drop(t.conn, reset())
		return
	}
	t.answer(encoded(&first))
}

func encoded(m pgproto3.BackendMessage) []byte {
	b, err := m.Encode(nil)
	if err != nil {
		panic("postgres: a message of the server is too long: " + err.Error()) // it was not
	}
	return b
}
