package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/wtsim/wtsim/internal/pgserver"
)

// session is a connection to the real server. What it does takes no virtual time.
type session struct {
	conn       *pgserver.Conn
	pid        int
	parameters []byte // the messages that tell a client of the server
	in         []byte // not yet a whole message
	buffer     []byte
}

// message is one of the protocol: its kind, and all of its bytes.
type message struct {
	kind byte
	raw  []byte
}

func (m message) body() []byte { return m.raw[5:] }

// connect opens a session on a database.
func connect(server *pgserver.Server, database string) (*session, error) {
	conn, err := server.Dial()
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, buffer: make([]byte, 32<<10)}
	hello := &pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersionNumber, Parameters: maps.Clone(ofSessions)}
	hello.Parameters["user"], hello.Parameters["database"] = server.User, database
	b, err := hello.Encode(nil)
	if err == nil {
		err = s.send(b)
	}
	for err == nil {
		var m message
		if m, err = s.next(); err != nil {
			break
		}
		switch m.kind {
		case 'R':
			err = s.authenticate(m, server)
		case 'S':
			s.parameters = append(s.parameters, m.raw...)
		case 'K':
			s.pid = int(binary.BigEndian.Uint32(m.body()))
		case 'E':
			err = failure(m)
		case 'Z':
			if err = server.Stoppable(conn, s.pid); err == nil {
				return s, nil
			}
		}
	}
	conn.Close()
	return nil, err
}

func (s *session) send(b []byte) error {
	_, err := s.conn.Write(b)
	return err
}

// next returns the next message, and waits for it. Its bytes hold until the next
// call.
func (s *session) next() (message, error) {
	for {
		if m, ok := s.take(); ok {
			return m, nil
		}
		n, err := s.conn.Read(s.buffer)
		if err != nil {
			return message{}, err
		}
		s.in = append(s.in, s.buffer[:n]...)
	}
}

func (s *session) take() (message, bool) {
	m, n := cut(s.in)
	if n == 0 {
		return m, false
	}
	s.in = s.in[n:]
	return m, true
}

// cut is the first message of bytes, and its length: 0 if it is not all there.
func cut(b []byte) (message, int) {
	if len(b) < 5 {
		return message{}, 0
	}
	n := 1 + int(binary.BigEndian.Uint32(b[1:]))
	if n < 5 || len(b) < n {
		return message{}, 0
	}
	return message{b[0], b[:n:n]}, n
}

// quiet reports whether no message comes within some real time.
func (s *session) quiet(within time.Duration) bool {
	_, n := cut(s.in)
	return n == 0 && !s.conn.Readable(within)
}

// do carries out statements, and returns the rows of them all, as text.
func (s *session) do(sql string) (rows [][]string, err error) {
	if err := s.ask(sql); err != nil {
		return nil, err
	}
	return s.answers()
}

// ask has statements carried out, and does not wait for that.
func (s *session) ask(sql string) error {
	b, err := (&pgproto3.Query{String: sql}).Encode(nil)
	if err != nil {
		return err
	}
	return s.send(b)
}

// answers waits for what was asked, and returns the rows.
func (s *session) answers() (rows [][]string, err error) {
	for {
		m, broken := s.next()
		if broken != nil {
			return nil, broken
		}
		switch m.kind {
		case 'D':
			rows = append(rows, texts(m))
		case 'E':
			err = failure(m)
		case 'Z':
			return rows, err
		}
	}
}

func texts(m message) []string {
	var row pgproto3.DataRow
	if err := row.Decode(m.body()); err != nil {
		panic("postgres: the server's row cannot be read: " + err.Error()) // it keeps to its protocol
	}
	out := make([]string, len(row.Values))
	for i, v := range row.Values {
		out[i] = string(v)
	}
	return out
}

// failure is an error of the server.
func failure(m message) error {
	e := errorOf(m)
	text := e.Message
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return fmt.Errorf("%s: %s", e.Code, text)
}

func errorOf(m message) *pgproto3.ErrorResponse {
	e := &pgproto3.ErrorResponse{}
	if err := e.Decode(m.body()); err != nil {
		panic("postgres: the server's error cannot be read: " + err.Error()) // it keeps to its protocol
	}
	return e
}

// close ends the session, whatever it is at.
func (s *session) close() { s.conn.Close() }

// quote is a text as a literal.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

var errBroken = errors.New("postgres: the session is broken")
