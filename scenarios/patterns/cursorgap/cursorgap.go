// Package cursorgap copies new rows of a table to where others read them.
//
// Post inserts an entry; Copy takes all entries behind the last one that it has copied,
// by their number. A number is drawn when a row is inserted, the row is seen when its
// transaction is committed: a transaction that commits late has a number that Copy has
// passed already, and its entry is never copied.
//
// Reported: by who polls a table for changes by a serial column; PostgreSQL's manual on
// sequences, chapter 9.17, says that numbers are drawn at once, whatever the transaction does.
//
// Provoked by: two posts of which the later commits first, and a copy between their
// commits.
//
// Remedy: whoever posts holds a lock from before the number is drawn until the
// commit (pg_advisory_xact_lock): numbers are in the order of commits.
package cursorgap

import (
	"context"
	"database/sql"
	"log"
	"net/http"
)

// Journal has the functions post and copy.
type Journal struct {
	DB       *sql.DB
	Repaired bool
}

// Post inserts an entry: POST with its text.
func (f *Journal) Post(w http.ResponseWriter, r *http.Request) {
	answer(w, f.inTx(r.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if f.Repaired {
			if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(1)"); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO entries (text) VALUES ($1)", r.URL.Path)
		return err
	}))
}

// Copy copies what is new.
func (f *Journal) Copy(w http.ResponseWriter, r *http.Request) {
	answer(w, f.inTx(r.Context(), func(ctx context.Context, tx *sql.Tx) error {
		var last, newest int64
		if err := tx.QueryRowContext(ctx, "SELECT last FROM reader FOR UPDATE").Scan(&last); err != nil {
			return err
		}
		const copied = "WITH copied AS (INSERT INTO copies SELECT id, text FROM entries WHERE id > $1 RETURNING id) SELECT coalesce(max(id), $1) FROM copied"
		if err := tx.QueryRowContext(ctx, copied, last).Scan(&newest); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE reader SET last = $1", newest)
		return err
	}))
}

func (f *Journal) inTx(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	tx, err := f.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := do(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		log.Printf("journal: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}
