// Package queries has the shape of what sqlc generates for pgx (sql_package: pgx/v5).
package queries

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DBTX is what queries are put to.
type DBTX interface {
	Exec(context.Context, string, ...interface{}) (pgconn.CommandTag, error)
	Query(context.Context, string, ...interface{}) (pgx.Rows, error)
	QueryRow(context.Context, string, ...interface{}) pgx.Row
}

// New returns the queries of a database.
func New(db DBTX) *Queries { return &Queries{db: db} }

// Queries are those of query.sql.
type Queries struct{ db DBTX }

// WithTx returns them for a transaction.
func (q *Queries) WithTx(tx pgx.Tx) *Queries { return &Queries{db: tx} }
