// Package banksim puts package bank under test, with a database of its own.
package banksim

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// DB declares a database with a table of accounts.
type DB string

func (d DB) Name() string { return string(d) }

// Open makes it anew for a run.
func (d DB) Open(k cloud.Kernel) (cloud.Backend, error) {
	return &backend{d.Name(), k, map[string]int64{}}, nil
}

// backend is the database during one run. Calls are effects, under the kernel's lock.
type backend struct {
	name   string
	kernel cloud.Kernel
	rows   map[string]int64 // balances by id
}

func (b *backend) Close() {}

// Contents are the rows, for properties of what is left.
func (b *backend) Contents() (all []cloud.Content) {
	for _, id := range slices.Sorted(maps.Keys(b.rows)) {
		all = append(all, cloud.Content{Key: "accounts/" + id, Value: strconv.FormatInt(b.rows[id], 10)})
	}
	return all
}

// Client is what the application has in production: a pool, which ends with its instance.
func Client(env cloud.Env, name string) *sql.DB {
	db := sql.OpenDB(&conn{env.Tap(), env.Backend(name).(*backend)})
	context.AfterFunc(env.Context(), func() { _ = db.Close() })
	return db
}

// conn is the driver's connector and connection in one: there is nothing to connect.
type conn struct {
	tap probe.Tap
	*backend
}

func (c *conn) Connect(context.Context) (driver.Conn, error) { return c, nil }
func (c *conn) Driver() driver.Driver                        { return nil }
func (c *conn) Close() error                                 { return nil }
func (c *conn) Begin() (driver.Tx, error)                    { return nil, refused("a transaction") }
func (c *conn) Prepare(string) (driver.Stmt, error)          { return nil, refused("a prepared statement") }

// What is not simulated is refused by name, never passed over.
func refused(what string) error { return fmt.Errorf("banksim: %s is not simulated", what) }

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	switch query {
	case "UPDATE accounts SET balance = balance + ? WHERE id = ?":
		n, err := c.do(ctx, query, args[1].Value.(string), event.Reads|event.Writes, func(id string) { c.rows[id] += args[0].Value.(int64) })
		return driver.RowsAffected(n), err
	case "INSERT INTO accounts (id, balance) VALUES (?, ?) ON CONFLICT DO NOTHING":
		n, err := c.do(ctx, query, args[0].Value.(string), event.Writes, func(id string) {
			if _, ok := c.rows[id]; !ok {
				c.rows[id] = args[1].Value.(int64)
			}
		})
		return driver.RowsAffected(n), err
	}
	return nil, refused(query)
}

// do is a statement at the seam: an operation, which the platform may refuse, or whose answer it may lose.
func (c *conn) do(ctx context.Context, query, id string, access event.Access, effect func(id string)) (n int64, err error) {
	verb, _, _ := strings.Cut(query, " ")
	op := event.Operation{Service: c.name, Method: verb, Resource: "accounts/" + id, Access: access, Fails: []string{"too many connections"}}
	_, err = probe.Do(ctx, c.tap, op, func() event.Result {
		c.kernel.Lock()
		defer c.kernel.Unlock()
		effect(id)
		return event.Result{Status: verb + " 1", OK: true}
	})
	return 1, err
}
