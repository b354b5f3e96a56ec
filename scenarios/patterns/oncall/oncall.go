// Package oncall lets doctors leave a shift, as long as somebody stays.
//
// Leave counts in a REPEATABLE READ transaction who is on call, and then changes the
// row of the doctor who leaves. Two doctors count at the same time: both see two, each
// changes a row of their own, nothing conflicts, and nobody is on call (write skew).
//
// Reported: Kleppmann, Designing Data-Intensive Applications, chapter 7, where
// the example is from; PostgreSQL's manual on transaction isolation, chapter 13.2.2, says
// that REPEATABLE READ is not enough.
//
// Provoked by: two doctors of one shift who leave at the same time.
//
// Remedy: the transaction is SERIALIZABLE, and tried again when it fails with 40001.
package oncall

import (
	"context"
	"database/sql"
	"errors"
	"log"
	"net/http"
	"strings"
)

// Leave is the function leave.
type Leave struct {
	DB       *sql.DB
	Repaired bool
}

var errLast = errors.New("nobody else is on call")

// ServeHTTP lets a doctor leave a shift: DELETE /shift/doctor.
func (f *Leave) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	shift, doctor, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	err := f.leave(r.Context(), shift, doctor)
	for range 4 {
		if !isSerialization(err) {
			break
		}
		err = f.leave(r.Context(), shift, doctor)
	}
	switch {
	case errors.Is(err, errLast):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		log.Printf("leave %s: %v", r.URL.Path, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

// isSerialization tells whether a transaction is to be tried again, as errors of
// drivers say.
func isSerialization(err error) bool {
	coded := (interface{ SQLState() string })(nil)
	return errors.As(err, &coded) && coded.SQLState() == "40001"
}

func (f *Leave) leave(ctx context.Context, shift, doctor string) error {
	level := sql.LevelRepeatableRead
	if f.Repaired {
		level = sql.LevelSerializable
	}
	tx, err := f.DB.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var others int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM doctors WHERE shift = $1 AND on_call AND name <> $2", shift, doctor).Scan(&others); err != nil {
		return err
	}
	if others == 0 {
		return errLast
	}
	if _, err := tx.ExecContext(ctx, "UPDATE doctors SET on_call = false WHERE shift = $1 AND name = $2", shift, doctor); err != nil {
		return err
	}
	return tx.Commit()
}
