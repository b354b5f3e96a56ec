//go:build unix

package sqlprobe

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq" // a driver

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/pgserver"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// shopRules are what an application with a table of orders would be recorded by.
var shopRules = []probe.Rule{
	{Service: "orders-db", Method: "INSERT", Resource: "orders", Each: "request.rows", Emit: "PLACED", With: map[string]string{"order": "each.id"}},
	{Service: "orders-db", Method: "INSERT", Resource: "payments", Emit: "PAYING", With: map[string]string{"payment": "response.rows.0.id", "order": "request.rows.0.order_id"}},
	{Service: "orders-db", Method: "UPDATE", Resource: "orders", Where: map[string]string{"request.set.status": "paid", "response.rowsAffected": "1"}, Emit: "PAID", With: map[string]string{"order": "request.where.id"}},
	{Service: "orders-db", Method: "SELECT", Resource: "orders", Each: "response.rows", Emit: "SEEN", With: map[string]string{"order": "each.id", "note": "each.note.a"}},
	{Service: "orders-db", Method: "COMMIT", Emit: "COMMITTED"},
}

// A real server, by the two drivers that applications use: what happened is told when it
// has, with its parameters; what was rolled back is not.
func TestPostgres(t *testing.T) {
	dsn := pgserver.Start(t)
	for _, name := range []string{"pgx", "postgres"} {
		t.Run(name, func(t *testing.T) {
			var events []event.Event
			r := probetest.Recorder(&events, shopRules...)
			db, err := Open(r, "orders-db", name, dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			ctx, end := r.Invocation(t.Context())
			defer end()
			says := func(want ...string) {
				t.Helper()
				var got []string
				for _, e := range events {
					if got = append(got, e.String()); e.Invocation != "i-1/inv-1" {
						t.Errorf("%s is of %q", e, e.Invocation)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("got %v, wanted %v", got, want)
				}
				events = nil
			}
			must := func(q string, args ...any) {
				t.Helper()
				if _, err := db.ExecContext(ctx, q, args...); err != nil {
					t.Fatal(q, err)
				}
			}
			must(`DROP TABLE IF EXISTS payments; DROP TABLE IF EXISTS orders;
				CREATE TABLE orders (id text PRIMARY KEY, status text, note jsonb);
				CREATE TABLE payments (id serial PRIMARY KEY, order_id text UNIQUE DEFERRABLE INITIALLY DEFERRED)`)
			must("INSERT INTO orders (id, status, note) VALUES ($1, $2, $3), ($4, 'new', NULL)", "o-1", "new", `{"a":"b"}`, "o-2")
			says("PLACED(o-1)", "PLACED(o-2)")

			_, err = db.ExecContext(ctx, "INSERT INTO orders (id) VALUES ('o-1')")
			if sqlState(err) != "23505" {
				t.Errorf("got %v", err)
			}
			var id int
			if err := db.QueryRowContext(ctx, "INSERT INTO orders (id) VALUES ($1) RETURNING 1", "o-2").Scan(&id); sqlState(err) != "23505" {
				t.Errorf("got %v", err)
			}
			must("UPDATE orders SET status = 'paid' WHERE id = $1 AND status = 'new'", "o-1")
			must("UPDATE orders SET status = 'paid' WHERE id = $1 AND status = 'new'", "o-1") // it is already
			says("PAID(o-1)")
			testTransactions(ctx, t, db, says)

			rows, err := db.QueryContext(ctx, "SELECT id, note FROM orders ORDER BY id")
			if err != nil {
				t.Fatal(err)
			}
			types, err := rows.ColumnTypes()
			if err != nil || types[0].DatabaseTypeName() != "TEXT" {
				t.Error(types, err)
			}
			says("SEEN(b, o-1)", "SEEN(o-2)") // before the first row is read
			n := 0
			for rows.Next() {
				n++
			}
			if err := rows.Close(); err != nil || n != 2 {
				t.Error(n, err)
			}
		})
	}
}

func testTransactions(ctx context.Context, t *testing.T, db *sql.DB, says func(...string)) {
	t.Helper()
	in := func(end func(*sql.Tx) error, statements ...string) error {
		t.Helper()
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range statements {
			var id int
			if strings.HasPrefix(q, "INSERT INTO payments") {
				err = tx.QueryRowContext(ctx, q).Scan(&id)
			} else {
				_, err = tx.ExecContext(ctx, q)
			}
			if err != nil && !strings.HasPrefix(q, "INSERT INTO nowhere") {
				t.Fatal(q, err)
			}
		}
		says() // nothing has happened
		return end(tx)
	}
	pay, paid := "INSERT INTO payments (order_id) VALUES ('o-2') RETURNING id", "UPDATE orders SET status = 'paid' WHERE id = 'o-2'"
	if err := in((*sql.Tx).Rollback, paid, pay); err != nil {
		t.Error(err)
	}
	says()
	if err := in((*sql.Tx).Commit, pay, "SAVEPOINT a", paid, "ROLLBACK TO a", "SAVEPOINT b", "RELEASE b"); err != nil {
		t.Error(err)
	}
	says("PAYING(o-2, 2)", "COMMITTED")
	if err := in((*sql.Tx).Commit, paid, pay); sqlState(err) != "23505" { // the constraint is checked last
		t.Error(err)
	}
	says()
	if err := in((*sql.Tx).Commit, paid, "INSERT INTO nowhere VALUES (1)"); err == nil {
		t.Error("a transaction that has failed is committed")
	}
	says()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, q := range []string{"BEGIN", paid, "INSERT INTO nowhere VALUES (1)", "COMMIT", "BEGIN", paid, "COMMIT"} { // by texts: of the first one the server says nothing but what it has done
		_, _ = conn.ExecContext(ctx, q)
	}
	says("PAID(o-2)", "COMMITTED")
}

// What a driver's own interface is for can still be reached.
func TestBase(t *testing.T) {
	dsn := pgserver.Start(t)
	var events []event.Event
	db, err := Open(probetest.Recorder(&events), "orders-db", "pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		own, ok := Base(c).(*stdlib.Conn)
		if !ok || Base(own) != any(own) {
			return fmt.Errorf("it is a %T", Base(c))
		}
		return own.Conn().Ping(t.Context())
	})
	if err != nil {
		t.Error(err)
	}
	if _, ok := db.Driver().(*stdlib.Driver); !ok {
		t.Errorf("the driver is a %T", db.Driver())
	}
}
