package postgres

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/pgprobe"
)

// talk is the proxy of a connection, and how far client and server are with each other.
// All of it is under b.mu.
type talk struct {
	*conn
	session    *session
	database   string // as the client knows it
	statements map[string]*prepared
	portals    map[string]*portal

	pending   []byte      // messages that wait for what is answered: a statement, Sync, Flush
	answers   int         // that these have
	described []*columns  // what the next descriptions are of, in order
	begun     bool        // something was sent since the last Sync
	failed    bool        // what comes until Sync is skipped
	owed      int         // ReadyForQuery that the server has not sent yet
	mute      bool        // the client is not told that the server is ready
	ending    bool        // what the server is at was cancelled
	copying   *operation  // the client sends rows
	parked    *probe.Call // what waits at the tap

	settings
	holding
	transaction
}

// transaction is what is known of the one that a session is in.
type transaction struct {
	status     byte      // I, T or E, as of the last ReadyForQuery
	since      time.Time // when it began
	told       []told    // what it has written
	wrote      bool      // something in it may have
	changed    bool      // it may change what the database holds
	whole      bool      // and more than rows
	erred      bool      // since the last ReadyForQuery
	tag        string    // of the last statement
	serial     bool      // it is serializable
	serialNext bool      // and so are those that do not say
}

// settings are those of a session that we keep.
type settings struct {
	timed           bool // it has set one
	timeouts        []time.Duration
	waitsForStandby bool // as of synchronous_commit
}

// holding is what a session has for as long as its connection lives.
type holding struct {
	listens  bool // it has asked for notifications
	advisory int  // its advisory locks
	used     int  // when it was, in statements
}

// prepared is a statement that the client has prepared.
type prepared struct {
	text  string // as the client has written it
	lacks string
	columns
}

// columns are what a statement has.
type columns struct {
	parameters []uint32 // their types
	fields     []pgproto3.FieldDescription
	formats    []int16 // of the fields
}

// portal is one with its arguments.
type portal struct {
	*prepared
	bind pgproto3.Bind
	columns
}

// take looks at one message of the client.
func (t *talk) take(m message) {
	t.b.mu.Lock()
	defer t.b.mu.Unlock()
	if t.over() != nil {
		return
	}
	if err := t.look(m); err != nil {
		t.b.drop(t.conn, err)
	}
}

// look does what a message asks for. With b.mu held; the error is what the client
// sees of a connection that has ended.
func (t *talk) look(m message) error {
	switch m.kind {
	case encryption:
		t.answer([]byte{'N'})
		return nil
	case cancelling:
		t.b.cancel(m)
		return net.ErrClosed
	case greeting:
		return t.greet(m)
	}
	if t.session == nil {
		return errBroken
	}
	switch m.kind {
	case 'Q':
		return t.query(m)
	case 'P', 'B', 'D', 'C':
		if t.failed {
			return nil
		}
		return t.prepare(m)
	case 'E':
		return t.execute(m)
	case 'H':
		return t.flush()
	case 'S':
		return t.sync()
	case 'd', 'c', 'f':
		return t.copyIn(m)
	case 'X':
		return net.ErrClosed
	case 'p':
		return nil
	}
	t.b.kernel.Lacks(fmt.Sprintf("PostgreSQL's message %q", m.kind))
	return fmt.Errorf("postgres: message %q is not supported", m.kind)
}

// greet lets a client in, whoever it is.
func (t *talk) greet(m message) error {
	var hello pgproto3.StartupMessage
	if err := hello.Decode(m.raw[5:]); err != nil {
		return err
	}
	defer seeded.Quiet(seeded.Quiet(true)) // whether a session is there from the run before is nobody's decision
	s, err := t.b.database.session()
	if err != nil {
		return err
	}
	t.session = s
	settings := t.parameters(hello.Parameters)
	if _, err := s.do(settings + "SELECT 1"); err != nil {
		return err
	}
	b, err := (&pgproto3.AuthenticationOk{}).Encode(nil)
	if err == nil {
		b = append(b, s.parameters...)
		b, err = (&pgproto3.BackendKeyData{ProcessID: uint32(t.number), SecretKey: []byte{0, 0, 0, 1}}).Encode(b)
	}
	if err == nil {
		b, err = (&pgproto3.ReadyForQuery{TxStatus: 'I'}).Encode(b)
	}
	t.answer(b)
	return err
}

// parameters are the settings that a client asks for when it connects, as statements.
func (t *talk) parameters(p map[string]string) string {
	var out strings.Builder
	names := []string{"application_name", "client_encoding", "DateStyle", "datestyle", "TimeZone", "timezone", "IntervalStyle", "extra_float_digits",
		"search_path", "default_transaction_isolation", "default_transaction_read_only", "lock_timeout", "statement_timeout", "synchronous_commit"}
	known := 0
	for _, n := range names {
		if v, ok := p[n]; ok {
			known++
			value := quote(v)
			if n == "search_path" {
				value = v
			}
			r := rewrite("SET " + n + " = " + value + ";")
			t.timed = t.timed || strings.Contains(r.text, "wtsim.")
			out.WriteString(r.text)
		}
	}
	if d := p["database"]; d != "" {
		t.database = d
		known++
	} else if d := p["user"]; d != "" {
		t.database = d
	}
	if _, ok := p["user"]; ok {
		known++
	}
	if known < len(p) {
		t.b.kernel.Lacks("a parameter with which a client connects to PostgreSQL, other than user, database, " + strings.Join(names, ", "))
	}
	return out.String()
}

// prepare takes what is answered together with what comes after it.
func (t *talk) prepare(m message) error {
	t.answers++
	raw := m.raw
	switch m.kind {
	case 'P':
		var p pgproto3.Parse
		if err := p.Decode(m.body()); err != nil {
			return err
		}
		r := rewrite(t.b.weaken(p.Query))
		t.statements[p.Name] = &prepared{text: p.Query, lacks: r.lacks, columns: columns{parameters: bytesOf(p.ParameterOIDs)}}
		if r.text != p.Query {
			p.Query = r.text
			var err error
			if raw, err = p.Encode(nil); err != nil {
				return err
			}
		}
	case 'B':
		var b pgproto3.Bind
		if err := b.Decode(bytes.Clone(m.body())); err != nil {
			return err
		}
		if st := t.statements[b.PreparedStatement]; st != nil {
			t.portals[b.DestinationPortal] = &portal{prepared: st, bind: b, columns: columns{formats: b.ResultFormatCodes}}
		}
	case 'D':
		t.described = append(t.described, t.columnsOf(m.body()[0], string(bytes.TrimRight(m.body()[1:], "\x00"))))
		if m.body()[0] == 'S' {
			t.answers++ // its parameters
		}
	case 'C':
		if n := string(bytes.TrimRight(m.body()[1:], "\x00")); m.body()[0] == 'S' {
			delete(t.statements, n)
		} else {
			delete(t.portals, n)
		}
	}
	t.pending = append(t.pending, raw...)
	return nil
}

func bytesOf(oids []uint32) []uint32 { return append([]uint32(nil), oids...) }

// columnsOf are those of what is described: of a statement, or a portal.
func (t *talk) columnsOf(kind byte, name string) *columns {
	if kind == 'S' {
		if st := t.statements[name]; st != nil {
			return &st.columns
		}
	} else if p := t.portals[name]; p != nil {
		return &p.columns
	}
	return &columns{}
}

// flush has the client read what it has asked for so far.
func (t *talk) flush() error {
	if t.failed || t.answers == 0 {
		return nil
	}
	n := t.answers
	if err := t.send([]byte{'H', 0, 0, 0, 4}); err != nil {
		return err
	}
	for ; n > 0 && !t.failed; n-- {
		if err := t.relay(nil, anything); err != nil {
			return err
		}
	}
	return nil
}

// sync ends a row of messages, outside of a transaction what they have done too.
func (t *talk) sync() error {
	if err := t.send([]byte{'S', 0, 0, 0, 4}); err != nil {
		return err
	}
	return t.relay(nil, ready)
}

// send sends what is pending, and a message behind it.
func (t *talk) send(last []byte) error {
	b := append(t.pending, last...)
	t.pending, t.answers, t.begun = nil, 0, true
	if k := last[0]; k == 'S' || k == 'Q' {
		t.owed++
	}
	return t.session.send(b)
}

// query carries out a text of one or more statements.
func (t *talk) query(m message) error {
	text := string(bytes.TrimRight(m.body(), "\x00"))
	r := rewrite(t.b.weaken(text))
	raw, err := (&pgproto3.Query{String: r.text}).Encode(nil)
	if err != nil {
		return err
	}
	return t.operate(&operation{text: text, lacks: r.lacks, messages: raw, until: ready, columns: &columns{}})
}

// execute carries out a portal; with the Sync behind it, if there is one.
func (t *talk) execute(m message) error {
	if t.failed {
		return nil
	}
	name, _, _ := bytes.Cut(m.body(), []byte{0})
	p := t.portals[string(name)]
	if p == nil {
		p = &portal{prepared: &prepared{}}
	}
	o := &operation{text: p.text, lacks: p.lacks, messages: m.raw, until: complete, columns: &p.columns}
	if len(p.fields) == 0 {
		p.fields = p.prepared.fields
	}
	o.args = pgprobe.Arguments(t.b.types, &p.bind, p.prepared.parameters)
	if t.then('S') {
		o.messages, o.until = append(bytes.Clone(m.raw), 'S', 0, 0, 0, 4), ready
	}
	return t.operate(o)
}

// What a relay goes on until.
type until byte

const (
	anything until = iota // one answer
	complete              // a statement is
	ready                 // the server is
)

// drop ends a connection; the other side sees err. With b.mu held.
func (b *Backend) drop(c *conn, err error) {
	c.mu.Lock()
	ended := c.gone != nil
	if !ended {
		c.gone = err
		c.out.Reset()
		c.stopWaiting()
	}
	c.signal()
	c.mu.Unlock()
	if ended {
		return
	}
	for i, x := range b.conns {
		if x == c {
			b.conns = append(b.conns[:i:i], b.conns[i+1:]...)
			break
		}
	}
	if c.talk.session != nil {
		b.leave(c)
	}
	b.look()
}

// leave ends what a connection's session is at, and keeps it for another.
func (b *Backend) leave(c *conn) {
	t := c.talk
	s := t.session
	t.session = nil
	if w := b.waiterOf(c); w != nil {
		b.forget(w)
		b.database.server.Cancel(s.pid)
		b.database.server.Thaw(s.pid)
	}
	var end []byte
	if t.copying != nil {
		end = append(end, 'f', 0, 0, 0, 5, 0)
	}
	end = append(end, 'S', 0, 0, 0, 4)
	t.owed++
	for _, sql := range []string{"ROLLBACK", "DISCARD ALL"} {
		end, _ = (&pgproto3.Query{String: sql}).Encode(end) // it is short
		t.owed++
	}
	err := s.send(end)
	for err == nil && t.owed > 0 {
		var m message
		if m, err = s.next(); err == nil && m.kind == 'Z' {
			t.owed--
		}
	}
	if err != nil {
		s.close()
		return
	}
	b.database.idle = append(b.database.idle, s)
}

// reset is what a client sees of a connection that is gone.
func reset() error { return probe.ErrReset("read") }
