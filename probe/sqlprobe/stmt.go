package sqlprobe

import (
	"context"
	"database/sql/driver"
)

// stmt is a prepared statement with a seam.
type stmt struct {
	driver.Stmt
	session *session
	st      *statement
	checker driver.NamedValueChecker // base's, else the connection's; nil if there is none
}

// statement returns one with the interfaces of base, as wrap does.
func (c *conn) statement(base driver.Stmt, query string, err error) (driver.Stmt, error) {
	if err != nil {
		return base, err
	}
	s := &stmt{Stmt: base, session: c.session, st: c.session.parsed(query), checker: c.checker}
	if own, ok := base.(driver.NamedValueChecker); ok {
		s.checker = own
	}
	if own, ok := base.(converter); ok {
		return struct {
			*stmt
			converter
		}{s, own}, nil
	}
	return s, nil
}

// converter is under another name than its method, which an embedded field would hide.
//
//lint:ignore SA1019 drivers have it
type converter = driver.ColumnConverter

// CheckNamedValue asks base, or its connection, if they can be asked.
func (s *stmt) CheckNamedValue(v *driver.NamedValue) error {
	if s.checker != nil {
		return s.checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// ExecContext carries the statement out.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	t, err := s.session.resume(ctx, s.st, args)
	if err != nil {
		return nil, err
	}
	below := s.session.below(ctx, t)
	var r driver.Result
	if base, ok := s.Stmt.(driver.StmtExecContext); ok {
		r, err = base.ExecContext(below, args)
	} else {
		//lint:ignore SA1019 drivers have it
		r, err = plainly(below, args, s.Stmt.Exec)
	}
	return s.session.executed(ctx, t, r, err)
}

// QueryContext carries the query out.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	t, err := s.session.resume(ctx, s.st, args)
	if err != nil {
		return nil, err
	}
	below := s.session.below(ctx, t)
	var rows driver.Rows
	if base, ok := s.Stmt.(driver.StmtQueryContext); ok {
		rows, err = base.QueryContext(below, args)
	} else {
		//lint:ignore SA1019 drivers have it
		rows, err = plainly(below, args, s.Stmt.Query)
	}
	return s.session.queried(ctx, t, rows, err)
}
