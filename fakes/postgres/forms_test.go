package postgres

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/fakestest"
)

// Statements of a batch are operations of their own; one that fails undoes them all,
// and the connection is as good as before.
func TestBatch(t *testing.T) {
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		c := dial(t, e)
		for last, want := range map[string]string{"INSERT INTO log (what) VALUES ('last')": "", "INSERT INTO accounts VALUES ('a', 1)": "23505"} {
			b := &pgx.Batch{}
			b.Queue("INSERT INTO log (what) VALUES ($1)", "first")
			b.Queue("UPDATE accounts SET balance = balance + $1 WHERE id = 'a'", 1)
			b.Queue(last)
			if err := c.SendBatch(t.Context(), b).Close(); code(err) != want {
				t.Errorf("%s: %v, wanted %s", last, err, want)
			}
		}
		var n, balance int
		if err := c.QueryRow(t.Context(), "SELECT count(*), (SELECT balance FROM accounts WHERE id = 'a') FROM log").Scan(&n, &balance); err != nil || n != 2 || balance != 11 {
			t.Errorf("%d rows, %d: %v", n, balance, err)
		}
		if got := strings.Join(e.Entered(), ","); strings.Count(got, "UPDATE accounts") != 2 || strings.Count(got, "INSERT log") != 3 {
			t.Errorf("got %s", got)
		}
	})
}

// Rows go in and out by COPY, and what a cursor holds by FETCH.
func TestCopy(t *testing.T) {
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		c := dial(t, e)
		n, err := c.CopyFrom(t.Context(), pgx.Identifier{"log"}, []string{"what"}, pgx.CopyFromRows([][]any{{"x"}, {"y"}}))
		if err != nil || n != 2 {
			t.Fatal(n, err)
		}
		var out strings.Builder
		if _, err := c.PgConn().CopyTo(t.Context(), &out, "COPY log TO STDOUT"); err != nil || out.String() != "1\tx\n2\ty\n" {
			t.Errorf("%q, %v", out.String(), err)
		}
		_, err = c.CopyFrom(t.Context(), pgx.Identifier{"accounts"}, []string{"id", "balance"}, pgx.CopyFromRows([][]any{{"a", 1}}))
		if code(err) != "23505" {
			t.Errorf("got %v", err)
		}
		exec(t, c, "SELECT 1")
	})
}

// What is not simulated is refused by name, and undoes its transaction.
func TestLacks(t *testing.T) {
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		c := dial(t, e)
		for _, s := range []string{"VACUUM accounts", "SELECT pg_sleep(1)", "CREATE ROLE app", "SELECT set_config('search_path', 'x', false)",
			"SELECT 'now'::timestamptz", "INSERT INTO accounts VALUES ('x', 1, TIMESTAMP WITH TIME ZONE 'today')", "COPY log TO '/tmp/log'", "COPY log FROM PROGRAM 'cat'", "SELECT pg_terminate_backend(2)"} {
			if _, err := c.Exec(t.Context(), s); err == nil || !strings.Contains(err.Error(), "wtsim does not have") {
				t.Errorf("%s: %v", s, err)
			}
		}
		if got := e.Kernel.Lacking(); len(got) != 9 || got[0] != "PostgreSQL's VACUUM" || got[1] != "PostgreSQL's pg_sleep" {
			t.Errorf("lacks %q", got)
		}
		exec(t, c, "SELECT 1", "SELECT 'now' AS today", "INSERT INTO log (what) VALUES ('today')")
	})
}

// What the information schema has is of the database that current_database() says, as
// programs ask that look which columns there are.
func TestInformationSchema(t *testing.T) {
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		var columns, keys, schemas int
		err := dial(t, e).QueryRow(t.Context(), `SELECT (SELECT count(*) FROM information_schema.columns WHERE table_catalog = current_database() AND table_name = 'accounts'),
			(SELECT count(*) FROM information_schema.table_constraints WHERE constraint_catalog = 'shop' AND constraint_type = 'PRIMARY KEY' AND table_name = 'log'),
			(SELECT count(*) FROM information_schema.schemata WHERE catalog_name = current_catalog AND schema_name = 'public')`).Scan(&columns, &keys, &schemas)
		if err != nil || columns != 3 || keys != 1 || schemas != 1 {
			t.Errorf("%d columns, %d keys, %d schemas: %v", columns, keys, schemas, err)
		}
	})
}

// Time is the run's: that of a transaction stands still, that of the clock does not.
func TestTime(t *testing.T) {
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		c := dial(t, e)
		start := time.Now()
		exec(t, c, "BEGIN")
		time.Sleep(90 * time.Second)
		var began, clock, today, ago time.Time
		err := c.QueryRow(t.Context(), "SELECT now(), clock_timestamp(), CURRENT_DATE, CURRENT_TIMESTAMP(0) - interval '1 h'").Scan(&began, &clock, &today, &ago)
		if err != nil || !began.Equal(start) || clock.Sub(start) != 90*time.Second || !today.Equal(start.Truncate(24*time.Hour)) || start.Sub(ago) != time.Hour {
			t.Errorf("%v, %v, %v, %v, %v", began, clock, today, ago, err)
		}
	})
}

// An operation tells its table, arguments and rows; what a transaction has written has
// happened when it is committed.
func TestOperations(t *testing.T) {
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		c := dial(t, e)
		var balance int
		if err := c.QueryRow(t.Context(), "SELECT balance FROM accounts WHERE id = $1", "a").Scan(&balance); err != nil {
			t.Fatal(err)
		}
		update := func(end string) {
			exec(t, c, "BEGIN", "SAVEPOINT s")
			if _, err := c.Exec(t.Context(), "UPDATE accounts SET balance = $2 WHERE id = $1", "a", 5); err != nil {
				t.Fatal(err)
			}
			for _, s := range strings.Split(end, ";") {
				exec(t, c, s)
			}
		}
		update("ROLLBACK")
		update("ROLLBACK TO s;COMMIT")
		update("RELEASE s;COMMIT")
		ops := e.Operations()
		if got := ops[0]; got.Resource != "accounts" || string(got.Request.Body) != `{"statement":"SELECT balance FROM accounts WHERE id = $1","args":["a"],"tables":["accounts"],"where":{"id":"a"}}` ||
			string(got.Result.Body) != `{"rowsAffected":1,"rows":[{"balance":10}]}` || got.Access != event.Reads {
			t.Errorf("got %s %s %s", got.Resource, got.Request.Body, got.Result.Body)
		}
		happened := slices.DeleteFunc(ops, func(op event.Operation) bool { return op.Method != "UPDATE" || !op.Result.OK })
		if len(happened) != 1 || string(happened[0].Result.Body) != `{"rowsAffected":1}` || !strings.Contains(string(happened[0].Request.Body), `"set":{"balance":5},"where":{"id":"a"}`) {
			t.Errorf("happened: %+v", happened)
		}
	})
}

// A schema that the server does not take, or with what is not simulated, is told with
// what is wrong.
func TestWith(t *testing.T) {
	run(t, accounts, func(*testing.T, *fakestest.Env) {})
	for sql, want := range map[string]string{
		"CREATE TABEL x ()": `db: postgres: the server answers 42601: syntax error at or near "TABEL", wanted statements that it takes; mend it in the scenario: CREATE TABEL x ()`,
		"CREATE ROLE app":   "db: postgres: CREATE ROLE is not simulated, wanted a schema without; mend it in the scenario: CREATE ROLE app",
	} {
		if _, err := New("db").With(sql).Open(nil); err == nil || err.Error() != want {
			t.Errorf("got %v, wanted %s", err, want)
		}
	}
}

// What changes more than rows is gone before the next run too.
func TestAltered(t *testing.T) {
	for range 2 {
		run(t, accounts, func(t *testing.T, e *fakestest.Env) {
			c := dial(t, e)
			exec(t, c, "ALTER TABLE accounts ADD COLUMN note text DEFAULT 'x'", "CREATE TABLE more (n int)", "INSERT INTO more VALUES (1)")
			var n int
			if err := c.QueryRow(t.Context(), "SELECT count(note) + (SELECT count(*) FROM more) FROM accounts").Scan(&n); err != nil || n != 3 {
				t.Error(n, err)
			}
		})
	}
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		if got := fakestest.Contents(e.Backend("")); strings.Contains(got, "note") || strings.Contains(got, "more") {
			t.Errorf("got %s", got)
		}
	})
}
