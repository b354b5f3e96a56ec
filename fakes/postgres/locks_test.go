package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/probe"
)

// exec carries statements out, one after the other.
func exec(t *testing.T, c *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := c.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func code(err error) string {
	var coded *pgconn.PgError
	if errors.As(err, &coded) {
		return coded.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// later carries a statement out on a goroutine.
func later(t *testing.T, c *pgx.Conn, statement string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(t.Context(), statement)
		done <- err
	}()
	synctest.Wait()
	return done
}

// What waits for a lock waits until it is free, and goes on when it is let.
func TestLock(t *testing.T) {
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		a, b, c := dial(t, e), dial(t, e), dial(t, e)
		exec(t, a, "BEGIN", "UPDATE accounts SET balance = 1 WHERE id = 'a'")
		exec(t, b, "BEGIN")
		first := later(t, b, "UPDATE accounts SET balance = balance + 1 WHERE id = 'a'")
		second := later(t, c, "UPDATE accounts SET balance = balance + 1 WHERE id = 'a'")
		if len(first) > 0 || len(second) > 0 {
			t.Fatal("nobody waits")
		}
		exec(t, a, "COMMIT")
		synctest.Wait()
		if err := <-first; err != nil {
			t.Fatal(err)
		}
		if len(second) > 0 {
			t.Fatal("the second does not wait")
		}
		exec(t, b, "COMMIT")
		if err := <-second; err != nil {
			t.Fatal(err)
		}
		if got := fakestest.Contents(e.Backend("")); !strings.Contains(got, `"balance":3`) {
			t.Errorf("got %s", got)
		}
		want := "BEGIN,UPDATE accounts,BEGIN,UPDATE accounts,UPDATE accounts,COMMIT,LOCK accounts," +
			"LOCK accounts," + // the second is the next in line now: it waits for the first
			"COMMIT,LOCK accounts"
		if got := strings.Join(e.Entered(), ","); got != want {
			t.Errorf("got\n%s\nwanted\n%s", got, want)
		}
	})
}

// Of two sessions that wait for each other the schedule picks the one that gets 40P01.
func TestDeadlock(t *testing.T) {
	for _, victim := range []int{0, 1} {
		run(t, accounts, func(t *testing.T, e *fakestest.Env) {
			a, b := dial(t, e), dial(t, e)
			n := 0
			hold := make(chan struct{})
			e.Verdict = func(c *probe.Call) probe.Fate {
				if c.Op.Method != "DEADLOCK" {
					return probe.Fate{}
				}
				if n++; (n-1)%2 != victim {
					select {
					case <-c.GiveUp:
						return probe.Fate{Action: probe.GaveUp}
					case <-hold:
					}
				}
				return probe.Fate{}
			}
			exec(t, a, "BEGIN", "UPDATE accounts SET balance = 1 WHERE id = 'a'")
			exec(t, b, "BEGIN", "UPDATE accounts SET balance = 1 WHERE id = 'b'")
			waits := [2]<-chan error{later(t, a, "UPDATE accounts SET balance = 2 WHERE id = 'b'"), later(t, b, "UPDATE accounts SET balance = 2 WHERE id = 'a'")}
			var got []string
			for _, w := range waits {
				synctest.Wait()
				if len(w) == 0 {
					t.Fatal("it still waits")
				}
				got = append(got, code(<-w))
			}
			if slices.Sort(got); got[0] != "" || got[1] != "40P01" {
				t.Errorf("got %q: %v", got, e.Entered())
			}
		})
	}
}

// Timeouts pass in virtual time.
func TestLockTimeout(t *testing.T) {
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		a, b := dial(t, e), dial(t, e)
		exec(t, a, "BEGIN", "LOCK TABLE accounts")
		for set, want := range map[string]string{"SET lock_timeout = '90s'": "55P03", "SET statement_timeout = 60000": "57014"} {
			exec(t, b, set)
			start := time.Now()
			_, err := b.Exec(t.Context(), "SELECT count(*) FROM accounts")
			if code(err) != want || time.Since(start) < time.Minute {
				t.Errorf("%s: %v after %v", set, err, time.Since(start))
			}
			exec(t, b, "RESET lock_timeout", "RESET statement_timeout")
		}
	})
}

// Who gives up waits no longer, and has no effect.
func TestCancel(t *testing.T) {
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		a, db := dial(t, e), openPQ(t, e)
		exec(t, a, "BEGIN", "UPDATE accounts SET balance = 1 WHERE id = 'a'")
		b := dial(t, e)
		for name, exec := range map[string]func() error{
			"pgx": func() error {
				ctx, cancel := contextOf(t, time.Second)
				defer cancel()
				_, err := b.Exec(ctx, "UPDATE accounts SET balance = 2")
				return err
			},
			"pq": func() error {
				ctx, cancel := contextOf(t, time.Second)
				defer cancel()
				_, err := db.ExecContext(ctx, "UPDATE accounts SET balance = 3")
				return err
			},
		} {
			if err := exec(); err == nil {
				t.Errorf("%s: no error", name)
			} else {
				t.Log(name, err)
			}
		}
		exec(t, a, "COMMIT")
		synctest.Wait()
		if got := fakestest.Contents(e.Backend("")); !strings.Contains(got, `"balance":1,`) {
			t.Errorf("got %s", got)
		}
	})
}

// The connection of an instance that has died lets its locks go.
func TestDeath(t *testing.T) {
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		other := e.Another()
		a, b := dial(t, other), dial(t, e)
		exec(t, a, "BEGIN", "UPDATE accounts SET balance = 1 WHERE id = 'a'")
		waits := later(t, b, "UPDATE accounts SET balance = balance + 1 WHERE id = 'a'")
		other.Die()
		if err := <-waits; err != nil {
			t.Fatal(err)
		}
		if got := fakestest.Contents(e.Backend("")); !strings.Contains(got, `"balance":11`) {
			t.Errorf("got %s", got)
		}
	})
}

// A commit whose answer is lost has happened; one that is refused has not.
func TestLostCommit(t *testing.T) {
	for fate, want := range map[probe.Action]string{probe.Lose: `"balance":1,`, probe.Refuse: `"balance":10,`} {
		run(t, accounts, func(t *testing.T, e *fakestest.Env) {
			e.Verdict = fakestest.InTurn("COMMIT", probe.Fate{Action: fate, With: "reset"})
			c := dial(t, e)
			exec(t, c, "BEGIN", "UPDATE accounts SET balance = 1 WHERE id = 'a'")
			if _, err := c.Exec(t.Context(), "COMMIT"); err == nil {
				t.Error("no error")
			}
			if got := fakestest.Contents(e.Backend("")); !strings.Contains(got, want) {
				t.Errorf("got %s", got)
			}
		})
	}
}

// A serializable transaction may be told to try again.
func TestSerialization(t *testing.T) {
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		e.Verdict = fakestest.InTurn("COMMIT", probe.Fate{Action: probe.Refuse, With: "40001"})
		c := dial(t, e)
		tx, err := c.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.Serializable})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "UPDATE accounts SET balance = $1", 7); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(t.Context()); code(err) != "40001" {
			t.Errorf("got %v", err)
		}
		if got := fakestest.Contents(e.Backend("")); strings.Contains(got, `:7`) {
			t.Errorf("got %s", got)
		}
		exec(t, c, "SELECT 1")
		fails := map[string]bool{}
		for _, op := range e.Operations() {
			fails[op.Method] = slices.Contains(op.Fails, "40001")
		}
		if !fails["UPDATE"] || fails["SELECT"] || fails["BEGIN"] {
			t.Errorf("40001 is offered at %v", fails)
		}
	})
}

func contextOf(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}
