package sqlprobe

import (
	"context"
	"database/sql/driver"
	"errors"
)

// conn is a connection with a seam: what database/sql takes any connection for.
// Where it can tell whether there is more, see wrap.
type conn struct {
	base    driver.Conn
	session *session
	checker driver.NamedValueChecker // base's; nil if it has none
}

// wrap returns a connection with those interfaces of base that database/sql can
// tell to be there: arguments are converted for a connection that executes by itself before they
// are for a statement, and one that can be reset and validated is kept after a
// rollback. What it falls back on where the others are missing they do here. (Each
// interface doubles the number of types: all of them, exactly, would be megabytes of a program.)
func wrap(s *seam, base driver.Conn) driver.Conn {
	c := &conn{base: base, session: &session{seam: s}}
	c.checker, _ = base.(driver.NamedValueChecker)
	x := extras{}
	has := 0
	if x.execer = execerOf(c); x.execer.exec != nil {
		has |= 1
	}
	if x.queryer = queryerOf(c); x.queryer.query != nil {
		has |= 2
	}
	var ok bool
	if x.resetter, ok = base.(driver.SessionResetter); ok {
		has |= 4
	}
	if x.validator, ok = base.(driver.Validator); ok {
		has |= 8
	}
	return shapes[has](c, x)
}

// execer has what an execer of a driver has.
type execer struct {
	session *session
	exec    func(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error)
}

// execerOf takes either interface, as database/sql does; exec is nil if there is none.
func execerOf(c *conn) execer {
	switch base := c.base.(type) {
	case driver.ExecerContext:
		return execer{c.session, base.ExecContext}
	//lint:ignore SA1019 drivers have it
	case driver.Execer:
		return execer{c.session, func(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
			return plainly(ctx, args, func(args []driver.Value) (driver.Result, error) { return base.Exec(query, args) })
		}}
	}
	return execer{}
}

// ExecContext carries a statement out.
func (e execer) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s := e.session
	t, err := s.enter(ctx, s.parsed(query), args)
	if err != nil {
		return nil, err
	}
	r, err := e.exec(s.below(ctx, t), query, args)
	if errors.Is(err, driver.ErrSkip) {
		s.skip(t)
		return r, err
	}
	return s.executed(ctx, t, r, err)
}

// executed ends a statement that has a result.
func (s *session) executed(ctx context.Context, t turn, r driver.Result, err error) (driver.Result, error) {
	var answer []byte
	if err == nil && r != nil && t.call != nil && t.answer {
		s.answer = appendAnswer(s.answer[:0], r)
		answer = s.owned(s.answer)
	}
	if instead := s.leave(ctx, t, answer, err); instead != nil {
		return nil, instead
	}
	return r, err
}

// queryer has what a queryer of a driver has.
type queryer struct {
	session *session
	query   func(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error)
}

// queryerOf takes either interface, as database/sql does; query is nil if there is
// none.
func queryerOf(c *conn) queryer {
	switch base := c.base.(type) {
	case driver.QueryerContext:
		return queryer{c.session, base.QueryContext}
	//lint:ignore SA1019 drivers have it
	case driver.Queryer:
		return queryer{c.session, func(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
			return plainly(ctx, args, func(args []driver.Value) (driver.Rows, error) { return base.Query(query, args) })
		}}
	}
	return queryer{}
}

// QueryContext carries a query out.
func (q queryer) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s := q.session
	t, err := s.enter(ctx, s.parsed(query), args)
	if err != nil {
		return nil, err
	}
	rows, err := q.query(s.below(ctx, t), query, args)
	if errors.Is(err, driver.ErrSkip) {
		s.skip(t)
		return rows, err
	}
	return s.queried(ctx, t, rows, err)
}

// queried ends a query that has rows.
func (s *session) queried(ctx context.Context, t turn, rows driver.Rows, err error) (driver.Rows, error) {
	var answer []byte
	failed := err
	if err == nil && t.call != nil && (t.answer || t.st.writes) {
		rows, s.answer, failed = readAhead(rows, s.answer[:0])
		answer = s.owned(s.answer)
	}
	if instead := s.leave(ctx, t, answer, failed); instead != nil {
		if err == nil {
			_ = rows.Close()
		}
		return nil, instead
	}
	return rows, err // what has failed ahead, the rows tell
}

// plainly calls what knows neither contexts nor names, as database/sql does.
func plainly[R any](ctx context.Context, args []driver.NamedValue, f func([]driver.Value) (R, error)) (R, error) {
	var none R
	values := make([]driver.Value, len(args))
	for i, a := range args {
		if a.Name != "" {
			return none, errors.New("sql: driver does not support the use of Named Parameters")
		}
		values[i] = a.Value
	}
	if err := ctx.Err(); err != nil {
		return none, err
	}
	return f(values)
}

func (c *conn) probed() driver.Conn { return c.base }

// Prepare prepares a statement.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext does so with base's method, or as database/sql does without it.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	p, ok := c.base.(driver.ConnPrepareContext)
	if ok {
		base, err := p.PrepareContext(ctx, query)
		return c.statement(base, query, err)
	}
	base, err := c.base.Prepare(query)
	if err == nil && ctx.Err() != nil {
		_ = base.Close()
		return nil, ctx.Err()
	}
	return c.statement(base, query, err)
}

// Close closes the connection: what a transaction has not committed is undone.
func (c *conn) Close() error {
	c.session.undo(0, rollsBack)
	return c.base.Close()
}

// Ping asks base, if it can be asked.
func (c *conn) Ping(ctx context.Context) error {
	if p, ok := c.base.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// CheckNamedValue asks base, if it can be asked.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if c.checker != nil {
		return c.checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// Begin begins a transaction.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// The statements that stand for methods of database/sql.
var (
	begin    = parse(begins)
	commit   = parse(commits)
	rollback = parse(rollsBack)
)

// BeginTx does so with base's method, or as database/sql does without it.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := c.session.enter(ctx, begin, nil)
	if err != nil {
		return nil, err
	}
	base, err := c.begin(c.session.below(ctx, t), opts)
	if instead := c.session.leave(ctx, t, nil, err); instead != nil {
		if err == nil {
			_ = base.Rollback()
		}
		return nil, instead
	}
	if err != nil {
		return base, err
	}
	return &tx{base, c.session}, nil
}

func (c *conn) begin(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if b, ok := c.base.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, opts)
	}
	switch {
	case opts.Isolation != 0:
		return nil, errors.New("sql: driver does not support non-default isolation level")
	case opts.ReadOnly:
		return nil, errors.New("sql: driver does not support read-only transactions")
	}
	//lint:ignore SA1019 drivers have it
	base, err := c.base.Begin()
	if err == nil && ctx.Err() != nil {
		_ = base.Rollback()
		return nil, ctx.Err()
	}
	return base, err
}

// tx is a transaction.
type tx struct {
	base    driver.Tx
	session *session
}

// Commit commits.
func (x *tx) Commit() error { return x.end(commit, x.base.Commit) }

// Rollback rolls back.
func (x *tx) Rollback() error { return x.end(rollback, x.base.Rollback) }

func (x *tx) end(st *statement, end func() error) error {
	ctx := context.Background()
	t, err := x.session.enter(ctx, st, nil)
	if err != nil {
		return err
	}
	err = end()
	if instead := x.session.leave(ctx, t, nil, err); instead != nil {
		return instead
	}
	return err
}
