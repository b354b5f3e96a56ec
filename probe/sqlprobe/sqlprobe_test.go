package sqlprobe

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// opened is a database of the fake driver, with all that one may have.
func opened(t testing.TB, tap probe.Tap) (*sql.DB, *fake) {
	t.Helper()
	f := &fake{conn: connsOf[1].make, stmt: stmtsOf[0].make, rows: rowsOf[0].make}
	db := sql.OpenDB(Connector(tap, "db", f))
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db, f
}

// keeps is a passive tap that remembers what has happened.
type keeps struct{ got []string }

func (k *keeps) Enter(*probe.Call) probe.Fate { return probe.Fate{} }
func (k *keeps) Leave(c *probe.Call) error {
	k.got = append(k.got, fmt.Sprintf("%s %s %v", c.Op.Method, c.Op.Result.Status, c.Op.Result.OK))
	return nil
}
func (k *keeps) Emit(string, map[string]any) {}
func (k *keeps) Passive() bool               { return true }

// What writes is told when its transaction is over, and whether it has happened; what
// reads at once. A connection that is closed has committed nothing.
func TestTransactions(t *testing.T) {
	for _, c := range []struct{ statements, want string }{
		{"BEGIN; UPDATE t; SELECT 1; COMMIT", "BEGIN OK, SELECT OK, UPDATE OK, COMMIT OK"},
		{"BEGIN; UPDATE t; DELETE FROM t; ROLLBACK", "BEGIN OK, UPDATE ROLLBACK, DELETE ROLLBACK, ROLLBACK OK"},
		{"BEGIN; UPDATE t; SAVEPOINT a; INSERT INTO t VALUES (1); SAVEPOINT a; DELETE FROM t; ROLLBACK TO a; RELEASE a; ROLLBACK TO SAVEPOINT a; COMMIT",
			"BEGIN OK, SAVEPOINT OK, SAVEPOINT OK, DELETE ROLLBACK, ROLLBACK TO OK, RELEASE OK, INSERT ROLLBACK, ROLLBACK TO OK, UPDATE OK, COMMIT OK"},
		{"BEGIN; UPDATE fail; UPDATE t; COMMIT /* fail */; UPDATE t", "BEGIN OK, UPDATE error, UPDATE error, COMMIT error, UPDATE OK"},
		{"BEGIN; UPDATE t; ROLLBACK /* fail */; UPDATE t", "BEGIN OK, UPDATE ROLLBACK, ROLLBACK error, UPDATE OK"},
		{"ROLLBACK TO x; UPDATE t; COMMIT", "ROLLBACK TO OK, UPDATE OK, COMMIT OK"},
		{"BEGIN; UPDATE t", "BEGIN OK, UPDATE ROLLBACK"},
		{"skip UPDATE", "SKIP OK"}, {"UPDATE bad", ""}, {"UPDATE fail", "UPDATE error"},
	} {
		k := &keeps{}
		db, _ := opened(t, k)
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for q := range strings.SplitSeq(c.statements, "; ") {
			_, _ = conn.ExecContext(t.Context(), q)
		}
		_, _ = conn.Close(), db.Close()
		got := strings.NewReplacer(" true", "", " false", "").Replace(strings.Join(k.got, ", "))
		if got != c.want || strings.Contains(strings.Join(k.got, ","), "ROLLBACK true") {
			t.Errorf("%s:\n got %v\nwant %s", c.statements, k.got, c.want)
		}
	}
}

// counted is a sink that keeps the numbers of events and counts what is lost.
type counted struct {
	sequences []string
	lost      int
}

func (c *counted) Put(e event.Event)           { c.sequences = append(c.sequences, e.Sequence) }
func (c *counted) Flush(context.Context) error { return nil }
func (c *counted) Lost(n int)                  { c.lost += n }

// A transaction keeps only so much until it is committed: what there is no room for is
// counted, and leaves a gap in the numbers; what is rolled back leaves none.
func TestHeldIsBounded(t *testing.T) {
	rules, err := probe.CompileRules([]probe.Rule{{Service: "db", Method: "UPDATE", Emit: "X", With: map[string]string{"args": "request.args.0"}}})
	if err != nil {
		t.Fatal(err)
	}
	out := &counted{}
	db, _ := opened(t, probe.NewRecorder("f", "i", rules, out))
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	exec := func(q string, args ...any) {
		if _, err := conn.ExecContext(t.Context(), q, args...); err != nil {
			t.Fatal(err)
		}
	}
	large := strings.Repeat("x", 600<<10) // stands in its statement twice, as an argument and as a column
	for range 2 {
		exec("BEGIN")
		for range 5 { // three have room
			exec("UPDATE t SET a = ?", large)
		}
		exec("SAVEPOINT a")
		exec("UPDATE t SET a = ?", large)
		exec("ROLLBACK TO a")
		exec("UPDATE t SET a = ?", "small")
		exec("COMMIT")
	}
	exec("UPDATE t SET a = ?", "alone")
	if got := strings.Join(out.sequences, " "); got != "1 2 3 6 7 8 9 12 13" || out.lost != 4 {
		t.Errorf("events %s, %d lost", got, out.lost)
	}
}

// A statement that a driver wants to be prepared is one operation, with its own
// arguments, also where preparing has failed before.
func TestSkipped(t *testing.T) {
	tap := &probetest.Tap{}
	db, f := opened(t, tap)
	plain := f.stmt
	f.stmt = func(f *fake) driver.Stmt { panic("it is not to be prepared") }
	func() {
		defer func() { _ = recover() }()
		_, _ = db.Exec("skip INSERT", 1)
	}()
	f.stmt = plain
	if _, err := db.Exec("skip INSERT", 2); err != nil {
		t.Fatal(err)
	}
	if got := len(tap.Left); got != 1 || !strings.Contains(string(tap.Left[0].Request.Body), `"args":[2]`) {
		t.Errorf("%d operations: %+v", got, tap.Left)
	}
}

// A tap that is no recorder decides what becomes of a statement.
func TestFates(t *testing.T) {
	timed, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		fate    probe.Fate
		ctx     context.Context
		effects int
		want    error
	}{
		{probe.Fate{}, t.Context(), 1, nil},
		{probe.Fate{Action: probe.Refuse, With: probe.Reset}, t.Context(), 0, syscall.ECONNRESET},
		{probe.Fate{Action: probe.Cut}, t.Context(), 0, syscall.ECONNRESET},
		{probe.Fate{Action: probe.Lose, With: "reset"}, t.Context(), 1, syscall.ECONNRESET},
		{probe.Fate{Action: probe.Lose, With: "timeout"}, timed, 1, context.Canceled},
		{probe.Fate{Action: probe.GaveUp}, timed, 0, context.Canceled},
	} {
		for _, method := range []string{"UPDATE", "SELECT", "BEGIN"} {
			tap := &probetest.Tap{Fates: map[string][]probe.Fate{method: {c.fate}}}
			f := &fake{conn: connsOf[1].make, stmt: stmtsOf[0].make, rows: rowsOf[0].make}
			conn, err := Connector(tap, "db", f).Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			f.log = nil
			switch method {
			case "UPDATE":
				_, err = conn.(driver.ExecerContext).ExecContext(c.ctx, "UPDATE t", nil)
			case "SELECT":
				_, err = conn.(driver.QueryerContext).QueryContext(c.ctx, "SELECT 1", nil)
			default:
				_, err = conn.(driver.ConnBeginTx).BeginTx(c.ctx, driver.TxOptions{})
			}
			effects := len(slices.DeleteFunc(f.log, func(s string) bool { return s == "rows close" || s == "rollback" }))
			if !errors.Is(err, c.want) || effects != c.effects || len(tap.Left) != c.effects {
				t.Errorf("%s %+v: %v, %d effects, %v", method, c.fate, err, effects, tap.Left)
			}
			_, err = conn.(driver.ExecerContext).ExecContext(t.Context(), "UPDATE t", nil)
			if broken := errors.Is(c.want, syscall.ECONNRESET); broken != errors.Is(err, driver.ErrBadConn) {
				t.Errorf("%s %+v: after it %v", method, c.fate, err)
			}
		}
	}
	tap := &probetest.Tap{Dead: true}
	db, _ := opened(t, tap)
	if _, err := db.Exec("UPDATE t"); !errors.Is(err, probetest.ErrDead) {
		t.Error(err)
	}
	if _, err := db.Query("SELECT 1"); !errors.Is(err, probetest.ErrDead) {
		t.Error(err)
	}
}

// An answer that is too long is read all the same, and nothing of it is told.
func TestLongAnswer(t *testing.T) {
	for _, c := range []struct {
		rows int
		told bool
	}{{3, true}, {1200, false}} {
		rows, answer, err := readAhead(&longRows{left: c.rows}, nil)
		if err != nil || (len(answer) > 0) != c.told {
			t.Errorf("%d rows: %d bytes, %v", c.rows, len(answer), err)
		}
		n := 0
		for dest := make([]driver.Value, 1); rows.Next(dest) == nil; n++ {
			if want := fmt.Sprintf("%01024d", c.rows-n-1); string(dest[0].([]byte)) != want {
				t.Fatalf("row %d is %s", n, dest[0])
			}
		}
		if n != c.rows {
			t.Errorf("%d rows, wanted %d", n, c.rows)
		}
	}
	broken := &longRows{left: 2, err: errors.New("it breaks")}
	rows, answer, err := readAhead(broken, nil)
	if !errors.Is(err, broken.err) || len(answer) > 0 {
		t.Errorf("%s, %v", answer, err)
	}
	dest := make([]driver.Value, 1)
	if e1, e2, e3 := rows.Next(dest), rows.Next(dest), rows.Next(dest); e1 != nil || e2 != nil || !errors.Is(e3, broken.err) {
		t.Error(e1, e2, e3)
	}
}

// longRows are rows of a kilobyte, in the same memory.
type longRows struct {
	left int
	err  error
	buf  []byte
}

func (r *longRows) Columns() []string { return []string{"x"} }
func (r *longRows) Close() error      { return nil }
func (r *longRows) Next(dest []driver.Value) error {
	if r.left--; r.left < 0 {
		if r.err != nil {
			return r.err
		}
		return io.EOF
	}
	r.buf = fmt.Appendf(r.buf[:0], "%01024d", r.left)
	dest[0] = r.buf
	return nil
}

// What no rule is about costs nothing but to see that, and is not held either.
func TestUnwanted(t *testing.T) {
	var events []event.Event
	db, _ := opened(t, probetest.Recorder(&events, probe.Rule{Service: "db", Method: "UPDATE", Resource: "t", Emit: "E"}))
	for _, q := range []string{"UPDATE t SET a = 1", "UPDATE u SET a = 1", "INSERT INTO t VALUES (1)"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if len(events) != 1 {
		t.Errorf("got %v", events)
	}
}

// A database is opened as database/sql does it, whatever its driver has; what is
// wrong is told as there.
func TestOpen(t *testing.T) {
	k := &keeps{}
	sql.Register("old-"+t.Name(), oldDriver{t})
	db, err := Open(k, "db", "old-"+t.Name(), "source")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE t"); err != nil || len(k.got) != 1 {
		t.Error(err, k.got)
	}
	if _, err := Open(k, "db", "nobody's", ""); err == nil || !strings.Contains(err.Error(), "unknown driver") {
		t.Error(err)
	}
	c := &closes{Connector: &fake{conn: connsOf[0].make}}
	if err := sql.OpenDB(Connector(k, "db", c)).Close(); err != nil || !c.closed {
		t.Error(err, c.closed)
	}
}

type oldDriver struct{ t *testing.T }

func (d oldDriver) Open(name string) (driver.Conn, error) {
	if name != "source" {
		d.t.Errorf("it is opened with %q", name)
	}
	f := &fake{conn: connsOf[1].make, stmt: stmtsOf[0].make, rows: rowsOf[0].make}
	return f.conn(f), nil
}

type closes struct {
	driver.Connector
	closed bool
}

func (c *closes) Close() error {
	c.closed = true
	return nil
}
