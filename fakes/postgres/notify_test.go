package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/lib/pq"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/probe"
)

// What is notified reaches those that listen once it is committed, in order: as an
// operation, or with the answer to what they ask.
func TestNotify(t *testing.T) {
	s := accounts.With("CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('jobs', NEW.what); RETURN NULL; END $$; CREATE TRIGGER told AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION told()")
	run(t, s, func(t *testing.T, e *fakestest.Env) {
		a, b, other := dial(t, e), dial(t, e), dial(t, e)
		exec(t, a, "LISTEN jobs")
		exec(t, other, "LISTEN jobs", "BEGIN")
		var got []string
		take := func(c *pgx.Conn, within time.Duration) {
			ctx, cancel := contextOf(t, within)
			defer cancel()
			n, err := c.WaitForNotification(ctx)
			if err != nil {
				got = append(got, "-")
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				return
			}
			got = append(got, n.Channel+" "+n.Payload)
		}
		take(a, time.Minute)
		exec(t, b, "BEGIN", "NOTIFY jobs, 'one'", "SELECT pg_notify('jobs', 'two')", "NOTIFY jobs, 'one'")
		take(a, time.Minute)
		exec(t, b, "COMMIT", "INSERT INTO log (what) VALUES ('three')", "NOTIFY elsewhere", "BEGIN", "NOTIFY jobs, 'never'", "ROLLBACK")
		for range 4 {
			take(a, time.Minute)
		}
		exec(t, other, "SELECT 1")
		take(other, time.Minute)
		exec(t, other, "COMMIT")
		take(other, 0)
		if want := "-,-,jobs one,jobs two,jobs three,-,-,jobs one"; strings.Join(got, ",") != want {
			t.Errorf("got %q, wanted %s: %v", got, want, e.Entered())
		}
		if got := strings.Join(e.Entered(), ","); strings.Count(got, "NOTIFICATION jobs") != 3 || !strings.Contains(got, "LISTEN jobs") {
			t.Errorf("got %s", got)
		}
		for _, op := range e.Operations() {
			if op.Method == "NOTIFICATION" && string(op.Result.Body) != `{"channel":"jobs","payload":"one"}` {
				t.Errorf("got %s", op.Result.Body)
			}
			if op.Method == "NOTIFICATION" {
				break
			}
		}
		waits := make(chan *pgx.Conn)
		go func() { take(a, time.Hour); waits <- a }()
		synctest.Wait()
		exec(t, b, "NOTIFY jobs, 'four'")
		exec(t, <-waits, "UNLISTEN *", "SELECT 1")
		if got[len(got)-1] != "jobs four" {
			t.Errorf("got %q", got)
		}
	})
}

// lib/pq's listener gets them, and what is sent while its connection is away is lost.
func TestListener(t *testing.T) {
	run(t, accounts, func(t *testing.T, e *fakestest.Env) {
		lost := fakestest.InTurn("NOTIFICATION", probe.Fate{}, probe.Fate{Action: probe.Refuse, With: probe.Reset})
		e.Verdict = lost
		l := pq.NewDialListener(Dialer(e, "postgres"), "host=127.0.0.1 user=app dbname=shop sslmode=disable", time.Second, time.Minute, nil)
		defer func() { _ = l.Close() }()
		if err := l.Listen("jobs"); err != nil {
			t.Fatal(err)
		}
		c := dial(t, e)
		for _, payload := range []string{"one", "two", "three"} {
			exec(t, c, "NOTIFY jobs, '"+payload+"'")
			time.Sleep(time.Minute)
		}
		var got []string
		for len(l.Notify) > 0 {
			if n := <-l.Notify; n != nil {
				got = append(got, n.Extra)
			} else {
				got = append(got, "again")
			}
		}
		if strings.Join(got, " ") != "one again three" {
			t.Errorf("got %q", got)
		}
	})
}

// A connection that dies idle loses what it holds, and its client learns of it later.
func TestDisconnect(t *testing.T) {
	for _, hold := range [][]string{{"SELECT pg_advisory_lock(1)"}, {"BEGIN", "SELECT pg_advisory_xact_lock(1)"}} {
		run(t, accounts, func(t *testing.T, e *fakestest.Env) {
			b := e.Backend("").(*Backend)
			var offered []string
			e.Verdict = func(c *probe.Call) probe.Fate {
				if strings.Contains(string(c.Op.Request.Body), "pg_try") {
					if offered = b.Deviations(c); len(offered) > 0 {
						b.Deviate(c, offered[0])
					}
				}
				return probe.Fate{}
			}
			a, other := dial(t, e), dial(t, e)
			exec(t, a, hold...)
			var have bool
			if err := other.QueryRow(t.Context(), "SELECT pg_try_advisory_lock(1)").Scan(&have); err != nil || !have || len(offered) != 1 || offered[0] != cloud.Disconnect {
				t.Errorf("%v, %v, %v", have, err, offered)
			}
			if _, err := a.Exec(t.Context(), "SELECT 1"); err == nil {
				t.Error("the connection is still there")
			}
			exec(t, other, "SELECT pg_advisory_unlock(1)", "SELECT pg_try_advisory_lock(1)")
			if len(offered) > 0 {
				t.Error("it dies again")
			}
		})
	}
}
