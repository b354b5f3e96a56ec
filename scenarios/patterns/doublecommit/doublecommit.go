// Package doublecommit books orders.
//
// Book inserts an order with an id of the database's, and commits. When the answer of
// COMMIT is lost, nobody knows whether it has happened; the customer tries again, and
// the order is there twice.
//
// Reported: Brandur Leach, Implementing Stripe-like Idempotency Keys in Postgres
// (https://brandur.org/idempotency-keys).
//
// Provoked by: a COMMIT whose answer is lost, or an answer to the customer that is.
//
// Remedy: the request brings a key of its own, which is unique in the table; what was
// booked before is not booked again.
package doublecommit

import (
	"context"
	"database/sql"
	"encoding/json"
	"log"
	"net/http"
)

// Book is the function book.
type Book struct {
	DB       *sql.DB
	Repaired bool
}

// ServeHTTP books an order: POST {"key":"k-1","item":"pen"}.
func (f *Book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var ask struct{ Key, Item string }
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	if err := f.book(r.Context(), ask.Key, ask.Item); err != nil {
		log.Printf("book %s: %v", ask.Key, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Book) book(ctx context.Context, key, item string) error {
	tx, err := f.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if f.Repaired {
		done, err := tx.ExecContext(ctx, "INSERT INTO keys (key) VALUES ($1) ON CONFLICT DO NOTHING", key)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO orders (key, item) VALUES ($1, $2)", key, item); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE stock SET n = n - 1 WHERE item = $1", item); err != nil {
		return err
	}
	return tx.Commit()
}
