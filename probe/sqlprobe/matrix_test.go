package sqlprobe

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// fake is a driver that does nothing, and remembers what it was asked.
type fake struct {
	conn func(*fake) driver.Conn
	stmt func(*fake) driver.Stmt
	rows func(*fake) driver.Rows
	log  []string
}

type traced struct{}

// asked notes a call; whether the caller's context came with it, too. Some
// statements fail.
func (f *fake) asked(ctx context.Context, format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	if ctx != nil && ctx.Value(traced{}) != nil {
		line += " traced"
	}
	f.log = append(f.log, line)
	switch {
	case strings.HasPrefix(line, "exec") && strings.Contains(line, "skip"), strings.HasPrefix(line, "query") && strings.Contains(line, "skip"):
		return driver.ErrSkip
	case strings.Contains(line, "bad"):
		return driver.ErrBadConn
	case strings.Contains(line, "fail"):
		return errors.New("it fails")
	}
	return nil
}

func (f *fake) Connect(context.Context) (driver.Conn, error) {
	return f.conn(f), f.asked(noContext, "connect")
}
func (f *fake) Driver() driver.Driver { return nil }

type (
	plainConn  struct{ *fake }
	oldExecer  struct{ *fake }
	newExecer  struct{ *fake }
	oldQueryer struct{ *fake }
	newQueryer struct{ *fake }
	resets     struct{ *fake }
	validates  struct{ *fake }
	pings      struct{ *fake }
	checks     struct{ *fake }
	prepares   struct{ *fake }
	beginsTx   struct{ *fake }

	plainStmt   struct{ *fake }
	stmtExecs   struct{ *fake }
	stmtQueries struct{ *fake }
	stmtChecks  struct{ *fake }
	converts    struct{ *fake }

	goesOn     struct{ *fake }
	scans      struct{ *fake }
	typeNames  struct{ *fake }
	lengths    struct{ *fake }
	nullables  struct{ *fake }
	precisions struct{ *fake }
)

// noContext is of calls that have none.
var noContext context.Context

func (c plainConn) Prepare(q string) (driver.Stmt, error) {
	return c.stmt(c.fake), c.asked(noContext, "prepare %s", q)
}
func (c plainConn) Close() error              { return c.asked(noContext, "close") }
func (c plainConn) Begin() (driver.Tx, error) { return fakeTx(c), c.asked(noContext, "begin") }
func (c oldExecer) Exec(q string, a []driver.Value) (driver.Result, error) {
	return driver.RowsAffected(1), c.asked(noContext, "exec %s %v", q, a)
}
func (c newExecer) ExecContext(ctx context.Context, q string, a []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), c.asked(ctx, "exec+ %s %v", q, a)
}
func (c oldQueryer) Query(q string, a []driver.Value) (driver.Rows, error) {
	return c.rows(c.fake), c.asked(noContext, "query %s %v", q, a)
}
func (c newQueryer) QueryContext(ctx context.Context, q string, a []driver.NamedValue) (driver.Rows, error) {
	return c.rows(c.fake), c.asked(ctx, "query+ %s %v", q, a)
}
func (c resets) ResetSession(ctx context.Context) error { return c.asked(ctx, "reset") }
func (c validates) IsValid() bool                       { return c.asked(noContext, "valid?") == nil }
func (c pings) Ping(ctx context.Context) error          { return c.asked(ctx, "ping") }
func (c checks) CheckNamedValue(v *driver.NamedValue) error {
	return takes(v, c.asked(noContext, "check %v", v.Value))
}
func (c prepares) PrepareContext(ctx context.Context, q string) (driver.Stmt, error) {
	return c.stmt(c.fake), c.asked(ctx, "prepare+ %s", q)
}
func (c beginsTx) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return fakeTx(c), c.asked(ctx, "begin+ %v", o)
}

// takes lets a driver take numbers of its own; what is "odd" it leaves to others.
func takes(v *driver.NamedValue, err error) error {
	switch x := v.Value.(type) {
	case complex128:
		v.Value = fmt.Sprint(x)
	case string:
		if x == "odd" {
			return driver.ErrSkip
		}
		if x == "none" {
			return driver.ErrRemoveArgument
		}
	}
	return err
}

type fakeTx struct{ *fake }

func (x fakeTx) Commit() error   { return x.asked(noContext, "commit") }
func (x fakeTx) Rollback() error { return x.asked(noContext, "rollback") }

func (s plainStmt) Close() error  { return s.asked(noContext, "stmt close") }
func (s plainStmt) NumInput() int { return -1 }
func (s plainStmt) Exec(a []driver.Value) (driver.Result, error) {
	return driver.RowsAffected(2), s.asked(noContext, "stmt exec %v", a)
}
func (s plainStmt) Query(a []driver.Value) (driver.Rows, error) {
	return s.rows(s.fake), s.asked(noContext, "stmt query %v", a)
}
func (s stmtExecs) ExecContext(ctx context.Context, a []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(2), s.asked(ctx, "stmt exec+ %v", a)
}
func (s stmtQueries) QueryContext(ctx context.Context, a []driver.NamedValue) (driver.Rows, error) {
	return s.rows(s.fake), s.asked(ctx, "stmt query+ %v", a)
}
func (s stmtChecks) CheckNamedValue(v *driver.NamedValue) error {
	return takes(v, s.asked(noContext, "stmt check %v", v.Value))
}
func (s converts) ColumnConverter(i int) driver.ValueConverter { return halfway{s.fake, i} }

type halfway struct {
	*fake
	column int
}

func (c halfway) ConvertValue(v any) (driver.Value, error) {
	return fmt.Sprint(v, "!"), c.asked(noContext, "stmt convert %d %v", c.column, v)
}

// fakeRows are two rows, of which the second one uses the memory of the first, and then
// one more.
type fakeRows struct {
	*fake
	n   int
	buf []byte
}

func newRows(f *fake) *fakeRows { return &fakeRows{fake: f} }

func (r *fakeRows) Columns() []string { return []string{"id", "name"} }
func (r *fakeRows) Close() error      { return r.asked(noContext, "rows close") }
func (r *fakeRows) Next(dest []driver.Value) error {
	if r.n++; r.n > 2 {
		return io.EOF
	}
	r.buf = append(r.buf[:0], "row"+fmt.Sprint(r.n)...)
	dest[0], dest[1] = int64(r.n), r.buf
	return nil
}

func (g goesOn) HasNextResultSet() bool { return true }
func (g goesOn) NextResultSet() error   { return g.asked(noContext, "next set") }

func (scans) ColumnTypeScanType(int) reflect.Type                     { return reflect.TypeFor[int8]() }
func (typeNames) ColumnTypeDatabaseTypeName(int) string               { return "INT" }
func (lengths) ColumnTypeLength(int) (int64, bool)                    { return 9, true }
func (nullables) ColumnTypeNullable(int) (bool, bool)                 { return true, true }
func (precisions) ColumnTypePrecisionScale(int) (a, b int64, ok bool) { return 1, 2, true }

// user is an application, with what it has seen, line by line.
type user struct {
	db  *sql.DB
	ctx context.Context
	out []string
}

func (u *user) say(format string, args ...any) { u.out = append(u.out, fmt.Sprintf(format, args...)) }

func (u *user) exec(ctx context.Context, q string, args ...any) {
	r, err := u.db.ExecContext(ctx, q, args...)
	if err != nil {
		u.say("%s %v: %v", q, args, err)
		return
	}
	n, err := r.RowsAffected()
	u.say("%s %v: %d %v", q, args, n, err)
}

func (u *user) query(q string, args ...any) {
	rows, err := u.db.QueryContext(u.ctx, q, args...)
	if err != nil {
		u.say("%s %v: %v", q, args, err)
		return
	}
	types, err := rows.ColumnTypes()
	u.say("types %v", err)
	for _, c := range types {
		n, ok := c.Length()
		null, ok2 := c.Nullable()
		p, s, ok3 := c.DecimalSize()
		u.say("%s %s %s %d %v %v %v %d %d %v", c.Name(), c.DatabaseTypeName(), c.ScanType(), n, ok, null, ok2, p, s, ok3)
	}
	for rows.Next() {
		var id int
		var name sql.RawBytes
		err := rows.Scan(&id, &name)
		u.say("row %d %s %v", id, name, err)
	}
	u.say("next %v %v", rows.NextResultSet(), rows.Err())
	u.say("closed %v", rows.Close())
}

// used is what an application sees of a database.
func used(t *testing.T, db *sql.DB) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), traced{}, 1))
	gone, end := context.WithCancel(ctx)
	end()
	u := &user{db: db, ctx: ctx}
	u.say("ping %v", db.PingContext(ctx))
	for _, q := range []string{"INSERT INTO t (a) VALUES (?)", "skip INSERT", "bad", "fail"} {
		u.exec(ctx, q)
		u.exec(ctx, q, 7, "x")
		u.exec(ctx, q, "odd", complex(1, 2), "none")
		u.exec(ctx, q, sql.Named("n", 1))
		u.exec(gone, q, 1)
		u.query("SELECT 1 /* " + q + " */")
		u.query(q, "odd", 3)
	}
	for _, o := range []*sql.TxOptions{nil, {Isolation: sql.LevelSerializable}, {ReadOnly: true}} {
		tx, err := db.BeginTx(ctx, o)
		if u.say("begin %v", err); err != nil {
			continue
		}
		_, err = tx.ExecContext(ctx, "UPDATE t SET a = 1")
		u.say("tx %v %v", err, tx.Commit())
	}
	st, err := db.PrepareContext(ctx, "INSERT INTO t (a) VALUES (?)")
	if u.say("prepared %v", err); err == nil {
		_, err = st.ExecContext(ctx, complex(3, 4))
		rows, err2 := st.QueryContext(ctx, "odd")
		if u.say("stmt %v %v", err, err2); err2 == nil {
			_ = rows.Close()
		}
		_ = st.Close()
	}
	_, err = db.PrepareContext(gone, "x")
	u.say("prepare when gone %v", err)
	tx, err := db.BeginTx(ctx, nil)
	cancel() // which rolls back
	synctest.Wait()
	if u.say("begin %v", err); err == nil {
		u.say("commit %v, %d open", tx.Commit(), db.Stats().OpenConnections)
	}
	u.say("close %v", db.Close())
	return u.out
}

// Whatever a driver has of the interfaces that it may have, it is asked the same through
// the probe, and the application sees the same; whether rows are read ahead or not.
func TestMatrix(t *testing.T) {
	run := func(f fake, through func(driver.Connector) driver.Connector) string {
		var out []string
		synctest.Test(t, func(t *testing.T) {
			out = used(t, sql.OpenDB(through(&f)))
			synctest.Wait()
		})
		return "the application:\n" + strings.Join(out, "\n") + "\nthe driver:\n" + strings.Join(f.log, "\n") + "\n"
	}
	bare := func(c driver.Connector) driver.Connector { return c }
	compare := func(name string, f fake) {
		want := run(f, bare)
		for _, with := range []map[string]string{nil, {"x": "response.rows.0.id", "y": "request.args.0", "z": "response.rowsAffected"}} {
			var events []event.Event
			r := probetest.Recorder(&events, probe.Rule{Service: "db", Emit: "E", With: with})
			got := run(f, func(c driver.Connector) driver.Connector { return Connector(r, "db", c) })
			if got != want {
				t.Fatalf("a driver with %s (read ahead: %v): %s", name, with != nil, difference(got, want))
			}
			if len(events) < 10 {
				t.Errorf("a driver with %s: %d events", name, len(events))
			}
		}
	}
	all := fake{conn: connsOf[1].make, stmt: stmtsOf[len(stmtsOf)-1].make, rows: rowsOf[1].make}
	for _, c := range connsOf {
		for _, s := range []int{0, len(stmtsOf) - 1} {
			compare(c.has+", "+stmtsOf[s].has, fake{conn: c.make, stmt: stmtsOf[s].make, rows: all.rows})
		}
	}
	for _, s := range stmtsOf {
		for _, c := range []int{0, 1} {
			compare(connsOf[c].has+", "+s.has, fake{conn: connsOf[c].make, stmt: s.make, rows: all.rows})
		}
	}
	for _, r := range rowsOf {
		compare(r.has, fake{conn: all.conn, stmt: all.stmt, rows: r.make})
	}
}

// difference is the first line in which two texts differ.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d is %q, without the probe %q", i, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, without the probe %d", len(g), len(w))
}
