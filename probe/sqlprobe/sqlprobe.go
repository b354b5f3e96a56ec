// Package sqlprobe is the seam of database/sql: a connector whose statements pass
// the tap.
//
// A statement is an operation, carried out by Exec or Query of a DB, a connection, a
// transaction or a prepared statement, and so are BEGIN, COMMIT and ROLLBACK:
//
//	service    as [Connector] names it
//	method     the keyword that it begins with: SELECT, INSERT, UPDATE, ... (behind WITH)
//	resource   the table that it writes; of a query all of its tables, a space between
//	request    statement (its text), args (by place) or named (by name), tables, and columns:
//	           rows of an INSERT, set of an UPDATE (and of ON CONFLICT), where
//	response   of Exec rowsAffected and lastInsertId, of Query rows: columns by name
//	status     OK, or the code of the SQL standard ("23505"), else "error"
//
// so that a rule says
//
//	service: orders-db
//	method: UPDATE
//	resource: orders
//	where: {request.set.status: paid, response.rowsAffected: "1"}
//	emit: PAID
//	with: {order: request.where.id}
//
// The rules:
//
//  1. Names that are not in quotes are in lower case, as PostgreSQL has them; a schema
//     stays where it is written (audit.log).
//  2. A column stands there if its value is a literal or a parameter, cast or not: what
//     is computed is not told. where has the columns that every row has that value of,
//     if nothing but AND joins them; request.rows.0.id is a column of an INSERT's first row.
//  3. What cannot be told for certain is left out: the tables of a statement in which the
//     dialects differ about where a text ends, those within functions and procedures,
//     the columns of a text of several statements (whose method is all of theirs).
//  4. In a transaction, to a passive tap, what writes has happened when it is committed:
//     it is told then, in order, before COMMIT; if it is rolled back, to a savepoint too,
//     it has status "ROLLBACK" and is no event. What reads (SELECT ... FOR UPDATE too) is told at once.
//     It is kept in memory until then, if a rule is about it, up to [MostHeld] bytes. An implicit commit, as MySQL has them, is not seen.
//  5. An answer is read ahead, up to [MostRead] bytes, where a rule looks into it, and where
//     a query writes (INSERT ... RETURNING): its error may come with its first row. Of a
//     longer one nothing is told; other rows are read when the caller reads them.
//  6. Connecting, preparing and pinging are none. A connection that a driver says is bad
//     ([driver.ErrBadConn]) has carried nothing out: database/sql tries again, and that is one.
//  7. To database/sql a connection is what it is without: interfaces that it can tell
//     to be there or not are exactly those of the driver, others answer as it does where
//     they are missing. (*sql.Conn).Raw sees the probe: see [Base].
//
// A value is a JSON string, number, boolean or null. Texts and bytes that are JSON
// objects or arrays stand as these, bytes that are no text in base64, times as in
// RFC 3339, and what else drivers take as encoding/json has it.
package sqlprobe

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// MostRead is how many bytes of the values of an answer are read ahead.
const MostRead = 1 << 20

// Open is [sql.Open] with a database whose statements pass the tap. service is
// what rules call it.
func Open(tap probe.Tap, service, driverName, dataSourceName string) (*sql.DB, error) {
	db, err := sql.Open(driverName, dataSourceName)
	if err != nil {
		return nil, err
	}
	d := db.Driver()
	if err := db.Close(); err != nil { // it has not connected
		return nil, err
	}
	if dc, ok := d.(driver.DriverContext); ok {
		c, err := dc.OpenConnector(dataSourceName)
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(Connector(tap, service, c)), nil
	}
	return sql.OpenDB(Connector(tap, service, named{d, dataSourceName})), nil
}

// named connects by a driver that has no connectors.
type named struct {
	driver driver.Driver
	source string
}

func (n named) Connect(context.Context) (driver.Conn, error) { return n.driver.Open(n.source) }
func (n named) Driver() driver.Driver                        { return n.driver }

// Connector returns a connector, for [sql.OpenDB], whose connections pass their
// statements through the tap before those of base carry them out. service is what
// rules call the database. The driver of the database stays base's.
func Connector(tap probe.Tap, service string, base driver.Connector) driver.Connector {
	c := &connector{newSeam(tap, service), base}
	if closer, ok := base.(io.Closer); ok {
		return struct {
			*connector
			io.Closer
		}{c, closer}
	}
	return c
}

// Conn returns one connection of these, for who makes connections in database/sql's
// place.
func Conn(tap probe.Tap, service string, base driver.Conn) driver.Conn {
	return wrap(newSeam(tap, service), base)
}

func newSeam(tap probe.Tap, service string) *seam {
	s := &seam{tap: tap, service: service, through: tap.Passive()}
	if s.through {
		s.asker, _ = tap.(asker)
	}
	return s
}

// seam is what connections have in common.
type seam struct {
	tap     probe.Tap
	service string
	through bool  // the tap never holds nor changes a call
	asker   asker // nil if it is told everything
}

// asker is a tap that knows what it wants to be told.
type asker interface {
	Wants(op *event.Operation) bool
	Bodies(op *event.Operation) (request, response bool)
}

type connector struct {
	seam *seam
	base driver.Connector
}

// Connect connects.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	base, err := c.base.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return wrap(c.seam, base), nil
}

// Driver is base's.
func (c *connector) Driver() driver.Driver { return c.base.Driver() }

// Base returns the connection of the driver behind what (*[sql.Conn]).Raw is given;
// that itself, if it is no connection of ours.
func Base(driverConn any) any {
	if c, ok := driverConn.(interface{ probed() driver.Conn }); ok {
		return c.probed()
	}
	return driverConn
}
