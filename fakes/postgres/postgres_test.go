package postgres

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"

	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/internal/pgserver"
)

// run opens the service in a bubble, as a run does, and closes it.
func run(t *testing.T, s *Service, f func(t *testing.T, e *fakestest.Env)) {
	t.Helper()
	pgserver.Need(t)
	synctest.Test(t, func(t *testing.T) {
		e, err := fakestest.Open(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		f(t, e)
		e.End()
		synctest.Wait()
		e.Close()
	})
}

// dial connects with pgx.
func dial(t *testing.T, e *fakestest.Env) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig("postgres://app:secret@127.0.0.1:5432/shop?sslmode=prefer")
	if err != nil {
		t.Fatal(err)
	}
	config.DialFunc = pgconn.DialFunc(Dialer(e, "postgres"))
	c, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// openPQ opens a pool of lib/pq's.
func openPQ(t *testing.T, e *fakestest.Env) *sql.DB {
	t.Helper()
	c, err := pq.NewConnector("host=127.0.0.1 user=app dbname=shop sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	c.Dialer(Dialer(e, "postgres"))
	db := sql.OpenDB(c)
	AtEnd(e, "postgres", func() { _ = db.Close() })
	return db
}

var accounts = New("postgres").With("CREATE TABLE accounts (id text PRIMARY KEY, balance int NOT NULL, at timestamptz DEFAULT now()); CREATE TABLE log (id bigserial PRIMARY KEY, what text)").
	With("INSERT INTO accounts (id, balance) VALUES ('a', 10), ('b', 20)")

// pgx reads and writes, and a run leaves nothing to the next.
func TestPgx(t *testing.T) {
	for range 2 {
		run(t, accounts, func(t *testing.T, e *fakestest.Env) {
			c := dial(t, e)
			var n int
			if err := c.QueryRow(t.Context(), "SELECT balance FROM accounts WHERE id = $1", "b").Scan(&n); err != nil || n != 20 {
				t.Fatalf("%d, %v", n, err)
			}
			if _, err := c.Exec(t.Context(), "UPDATE accounts SET balance = balance + $1 WHERE id = $2", 5, "a"); err != nil {
				t.Fatal(err)
			}
			var id int64
			if err := c.QueryRow(t.Context(), "INSERT INTO log (what) VALUES ('x') RETURNING id").Scan(&id); err != nil || id != 1 {
				t.Errorf("%d, %v", id, err)
			}
			got := fakestest.Contents(e.Backend(""))
			want := `accounts/a={"id":"a","balance":15,"at":"2026-01-01T00:00:00+00:00"},accounts/b={"id":"b","balance":20,"at":"2026-01-01T00:00:00+00:00"},log/1={"id":1,"what":"x"}`
			if got != want {
				t.Errorf("got\n%s\nwanted\n%s", got, want)
			}
		})
	}
}

// database/sql with lib/pq: transactions, prepared statements, COPY, errors.
func TestPQ(t *testing.T) {
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		db := openPQ(t, e)
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
		if err != nil {
			t.Fatal(err)
		}
		st, err := tx.Prepare(`COPY "log" ("what") FROM STDIN`)
		if err != nil {
			t.Fatal(err)
		}
		for _, what := range []string{"one", "two"} {
			if _, err := st.Exec(what); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := st.Exec(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(st.Close(), tx.Commit()); err != nil {
			t.Fatal(err)
		}
		var what, level, now string
		if err := db.QueryRow("SELECT string_agg(what, ' ' ORDER BY id), current_setting('transaction_isolation'), CURRENT_TIMESTAMP::text FROM log WHERE id > $1", 0).Scan(&what, &level, &now); err != nil {
			t.Fatal(err)
		}
		if what != "one two" || level != "read committed" || !strings.HasPrefix(now, "2000-01-01 00:00:00") {
			t.Errorf("%q, %q, %q", what, level, now)
		}
		_, err = db.Exec("INSERT INTO accounts VALUES ('a', 1)")
		var coded *pq.Error
		if !errors.As(err, &coded) || coded.Code != "23505" {
			t.Errorf("got %v, wanted 23505", err)
		}
	})
}
