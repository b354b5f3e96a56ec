// Package pgprobe is the seam of clients that speak PostgreSQL's protocol themselves,
// above all of pgx without database/sql:
//
//	config.ConnConfig.AfterNetConnect = pgprobe.AfterNetConnect[*pgconn.Config](recorder, "orders-db")
//
// It looks on at a connection, behind its TLS. What a statement is and what rules see
// of it is as in package sqlprobe, and as in the simulator: its rules about
// transactions, too. It is for production: the tap must be passive.
//
// The rules:
//
//  1. A text of the simple protocol is an operation, and so is each execution of a portal: those of
//     a batch each. It is told, in order, when the server is ready again: outside of a
//     transaction an error undoes all of a batch.
//  2. Arguments and answers are decoded by their types; those of types that are not
//     PostgreSQL's own are texts, or bytes. Of an answer of more than [sqlprobe.MostRead] bytes
//     nothing is told.
//  3. COPY is one operation; its rows are not told.
//  4. Setting a session up (SET, SHOW, PREPARE, ...) is none; nor is asking whether a
//     connection lives.
//  5. Bytes take the way that they take without a probe. A connection that stops being
//     understood is let be, and logged.
//
// A client does not see that the connection is TLS's: it signs in without channel
// binding, and not at all where that is required.
package pgprobe

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"sync"

	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/sqlprobe"
)

// AfterNetConnect is the function of that name of a configuration of pgx's, whose
// type Config is *pgconn.Config. service is what rules call the database.
func AfterNetConnect[Config any](tap probe.Tap, service string) func(context.Context, Config, net.Conn) (net.Conn, error) {
	return func(_ context.Context, _ Config, c net.Conn) (net.Conn, error) { return Conn(tap, service, c), nil }
}

// Conn looks on at the connection of a client, which has sent nothing yet.
func Conn(tap probe.Tap, service string, base net.Conn) net.Conn {
	if !tap.Passive() {
		panic("pgprobe: the tap holds calls, and nobody can hold the bytes of a connection: the simulator has fakes/postgres")
	}
	return &conn{Conn: base, watch: newWatch(sqlprobe.NewTold(tap, service))}
}

type conn struct {
	net.Conn
	mu    sync.Mutex
	watch *watch // nil if it is let be
}

// Write writes. What is written is seen before it can be answered.
func (c *conn) Write(b []byte) (int, error) {
	c.see(b, (*watch).sent)
	return c.Conn.Write(b)
}

// Read reads. What is read is seen before its reader goes on.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.see(b[:n], (*watch).received)
	}
	return n, err
}

// Close closes the connection: what is not committed is undone.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.watch != nil {
		c.watch.told.Closed()
		c.watch = nil
	}
	c.mu.Unlock()
	return c.Conn.Close()
}

func (c *conn) see(b []byte, by func(*watch, []byte) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watch == nil {
		return
	}
	if err := by(c.watch, b); err != nil {
		if err != errOther {
			slog.Warn("a connection is not recorded any more", "address", c.RemoteAddr(), "err", err)
		}
		c.watch.told.Closed()
		c.watch = nil
	}
}

// mostMessage is how long a message may be that is kept until it is whole. Of a longer
// one only the beginning is: it says nothing more.
const mostMessage = 8 << 20

// stream cuts bytes into messages.
type stream struct {
	buffer []byte
	skip   int // bytes that are still to come of a message that is too long
}

// cut calls f with each message that is whole: its kind and its body. first is
// whether the next has no kind.
func (s *stream) cut(b []byte, first *bool, f func(kind byte, body []byte) error) error {
	n := min(s.skip, len(b))
	s.skip -= n
	if b = b[n:]; len(s.buffer) > 0 {
		s.buffer = append(s.buffer, b...)
		b = s.buffer
	}
	for {
		head := 5
		if *first {
			head = 4
		}
		if len(b) < head {
			break
		}
		kind, size := b[0], int(binary.BigEndian.Uint32(b[head-4:]))+head-4
		if *first {
			kind = greeting
		}
		if size < head {
			return errBroken
		}
		if size > mostMessage && len(b) < size {
			s.skip, b = size-len(b), nil
			if err := f(kind, nil); err != nil {
				return err
			}
			break
		}
		if len(b) < size {
			break
		}
		*first = false
		if err := f(kind, b[head:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	s.buffer = append(s.buffer[:0:0], b...)
	return nil
}
