package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/fakes/fakestest"
)

// ids are what log holds.
func ids(e *fakestest.Env) string {
	var out []string
	for _, c := range e.Backend("").Contents() {
		if id, ok := strings.CutPrefix(c.Key, "log/"); ok {
			out = append(out, id)
		}
	}
	return strings.Join(out, " ")
}

// A failover loses the newest commits, and what was under way; sequences go on where a
// standby has them, which is what the server has logged.
func TestFailOver(t *testing.T) {
	for lost := range 4 {
		run(t, accounts.Replicated(), func(t *testing.T, e *fakestest.Env) {
			b := e.Backend("").(*Backend)
			if b.Losable() != 0 {
				t.Errorf("before anything is committed %d can be lost", b.Losable())
			}
			c, open := dial(t, e), dial(t, e)
			for i := range 4 {
				exec(t, c, "BEGIN", "INSERT INTO log (what) VALUES ('x')", fmt.Sprintf("UPDATE accounts SET balance = %d WHERE id = 'a'", i), "COMMIT")
			}
			exec(t, c, "BEGIN", "SELECT 1", "COMMIT", "BEGIN", "DELETE FROM log", "ROLLBACK")
			exec(t, open, "BEGIN", "UPDATE accounts SET balance = 7 WHERE id = 'b'")
			if b.Losable() != 3 {
				t.Errorf("%d can be lost, wanted 3", b.Losable())
			}
			b.FailOver(lost)
			if _, err := c.Exec(t.Context(), "SELECT 1"); err == nil {
				t.Error("the connection is still there")
			}
			got := ids(e) + fakestest.Contents(b)
			if want := "1 2 3 4"[:7-2*lost] + "accounts/a={" + fmt.Sprintf(`"id":"a","balance":%d,`, 3-lost); !strings.HasPrefix(got, want) || !strings.Contains(got, `"id":"b","balance":20`) {
				t.Errorf("%d lost: got\n%s\nwanted\n%s", lost, got, want)
			}
			var id int
			if err := dial(t, e).QueryRow(t.Context(), "INSERT INTO log (what) VALUES ('y') RETURNING id").Scan(&id); err != nil || id != map[bool]int{true: 5, false: 34}[lost == 0] {
				t.Errorf("the next id is %d: %v", id, err)
			}
			if lost > 0 && b.Losable() != 1 {
				t.Errorf("%d can be lost after the failover, wanted 1", b.Losable())
			}
		})
	}
}

// What is older than a minute has reached the standby, and so has what comes before a
// statement that changes more than rows; what waits for the standby is never lost.
func TestLosable(t *testing.T) {
	insert := "INSERT INTO log (what) VALUES ('x')"
	for _, test := range []struct {
		name       string
		s          *Service
		statements []string
		want       int
	}{
		{"alone", accounts, []string{insert}, 0},
		{"replicated", accounts.Replicated(), []string{insert, insert}, 2},
		{"several", accounts.Replicated(), []string{insert + ";" + insert}, 1},
		{"changes nothing", accounts.Replicated(), []string{"SELECT 1 FROM accounts FOR UPDATE", "SET work_mem = '1MB'", "BEGIN", "SELECT now()", "COMMIT"}, 0},
		{"a function", accounts.Replicated(), []string{"CREATE FUNCTION noted() RETURNS void LANGUAGE sql AS 'INSERT INTO log (what) VALUES (1)'", "SELECT noted()"}, 1},
		{"altered", accounts.Replicated(), []string{insert, "CREATE INDEX CONCURRENTLY ON log (what)", insert}, 1},
		{"truncated", accounts.Replicated(), []string{insert, "BEGIN", "TRUNCATE log", "COMMIT"}, 0},
		{"synchronous", accounts.Synchronous(), []string{insert, insert}, 0},
		{"not waited for", accounts.Synchronous(), []string{"SET synchronous_commit = off", insert, "BEGIN", "SET LOCAL synchronous_commit TO local", insert, "COMMIT"}, 2},
		{"waited for later", accounts.Synchronous(), []string{"BEGIN", "SET LOCAL synchronous_commit TO off", insert, "COMMIT", insert}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			run(t, test.s, func(t *testing.T, e *fakestest.Env) {
				exec(t, dial(t, e), test.statements...)
				b := e.Backend("").(*Backend)
				if got := b.Losable(); got != test.want {
					t.Errorf("%d can be lost, wanted %d", got, test.want)
				}
				if time.Sleep(2 * time.Minute); b.Losable() != 0 {
					t.Error("old commits can be lost")
				}
			})
		})
	}
}

// What a function does to whole tables is not brought back, and is told by name.
func TestFailOverLacks(t *testing.T) {
	s := accounts.Replicated().With("CREATE FUNCTION clear() RETURNS void LANGUAGE plpgsql AS 'BEGIN TRUNCATE log; END'")
	run(t, s, func(t *testing.T, e *fakestest.Env) {
		exec(t, dial(t, e), "INSERT INTO log (what) VALUES ('x')", "SELECT clear()")
		b := e.Backend("").(*Backend)
		if b.FailOver(1); len(e.Kernel.Lacking()) != 1 || !strings.Contains(e.Kernel.Lacking()[0], "failover") {
			t.Errorf("lacks %q", e.Kernel.Lacking())
		}
	})
}

// What a function has written is gone before the next run, and what is stored in tables
// that inherit is not there twice.
func TestFunctionsWrite(t *testing.T) {
	s := accounts.With("CREATE FUNCTION noted() RETURNS bigint LANGUAGE sql AS 'INSERT INTO log (what) VALUES (1) RETURNING id'; CREATE SEQUENCE plain").
		With("CREATE TABLE more (note text) INHERITS (log); INSERT INTO more (what) VALUES ('kept')")
	for range 3 {
		run(t, s, func(t *testing.T, e *fakestest.Env) {
			c := dial(t, e)
			var id, next, n int
			if err := c.QueryRow(t.Context(), "SELECT noted(), nextval('plain'), (SELECT count(*) FROM log)").Scan(&id, &next, &n); err != nil || id != 2 || next != 1 || n != 1 {
				t.Errorf("%d, %d, %d, %v", id, next, n, err)
			}
		})
	}
	for range 2 {
		run(t, s, func(t *testing.T, e *fakestest.Env) { exec(t, dial(t, e), "SELECT lo_from_bytea(7, 'x')") })
	}
}
