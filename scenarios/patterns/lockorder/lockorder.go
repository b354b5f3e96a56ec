// Package lockorder moves money between accounts.
//
// Transfer changes the account that pays, then the one that is paid. Two transfers in
// opposite directions each hold the row that the other wants: PostgreSQL ends one of
// them with 40P01, and a customer who has done nothing wrong is refused.
//
// Reported: PostgreSQL's manual on explicit locking, chapter 13.3.4, where the example is
// from: "the best defense against deadlocks is generally to avoid them by being certain
// that all applications using a database acquire locks on multiple objects in a
// consistent order".
//
// Provoked by: two transfers in opposite directions, of which each has changed its first
// row.
//
// Remedy: rows are changed in the order of their ids.
package lockorder

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
)

// Transfer is the function transfer.
type Transfer struct {
	DB       *sql.DB
	Repaired bool
}

// ServeHTTP moves money: POST {"from":"a","to":"b","amount":1}.
func (f *Transfer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		From, To string
		Amount   int
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	err := f.transfer(r.Context(), ask.From, ask.To, ask.Amount)
	coded := (interface{ SQLState() string })(nil)
	switch {
	case errors.As(err, &coded) && coded.SQLState() == "40P01":
		http.Error(w, "refused", http.StatusConflict)
	case err != nil:
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Transfer) transfer(ctx context.Context, from, to string, amount int) error {
	tx, err := f.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	type change struct {
		account string
		by      int
	}
	first, second := change{from, -amount}, change{to, amount}
	if f.Repaired && to < from {
		first, second = second, first
	}
	for _, c := range []change{first, second} {
		if _, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance + $1 WHERE id = $2", c.by, c.account); err != nil {
			return err
		}
	}
	return tx.Commit()
}
