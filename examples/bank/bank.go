// Package bank moves money between accounts that a database has. It knows
// nothing of wtsim.
package bank

import (
	"database/sql"
	"net/http"
)

// Deposit pays one into an account: twice, if the answer to the first attempt
// was lost on its way.
type Deposit struct{ DB *sql.DB }

func (d *Deposit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := d.DB.ExecContext(r.Context(), "UPDATE accounts SET balance = balance + ? WHERE id = ?", 1, r.FormValue("account")); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

// Book books a payment once, however often it is asked for: payments have a
// number, and no two rows have one.
type Book struct{ DB *sql.DB }

func (b *Book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := b.DB.ExecContext(r.Context(), "INSERT INTO accounts (id, balance) VALUES (?, ?) ON CONFLICT DO NOTHING", r.FormValue("payment"), 1); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}
