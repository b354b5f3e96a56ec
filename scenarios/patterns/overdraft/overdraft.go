// Package overdraft takes money from accounts, as far as there is some.
//
// Withdraw reads the balance in a transaction, looks whether there is enough, and
// writes the rest back. READ COMMITTED, which is PostgreSQL's default, lets two
// transactions read the same balance: the second to write waits for the first, and
// then overwrites what that has written. Both customers got their money, the account
// has paid for one.
//
// Reported: Warszawski and Bailis, ACIDRain (SIGMOD 2017), 22 attacks on applications for
// shops; PostgreSQL's manual on transaction isolation, chapter 13.2.1.
//
// Provoked by: two withdrawals from one account that interleave.
//
// Remedy: the row is locked when it is read (SELECT ... FOR UPDATE), so that the second
// transaction reads what the first has written.
package overdraft

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	"net/http"
)

// Withdraw is the function withdraw.
type Withdraw struct {
	DB       *sql.DB
	Repaired bool
}

var errTooLittle = errors.New("not enough money")

// ServeHTTP takes an amount from an account: POST {"id":"w-1","account":"a","amount":5}.
func (f *Withdraw) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		ID, Account string
		Amount      int
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	err := f.withdraw(r.Context(), ask.ID, ask.Account, ask.Amount)
	switch {
	case errors.Is(err, errTooLittle):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		log.Printf("withdraw %s: %v", ask.ID, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Withdraw) withdraw(ctx context.Context, id, account string, amount int) error {
	tx, err := f.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	query := "SELECT balance FROM accounts WHERE id = $1"
	if f.Repaired {
		query += " FOR UPDATE"
	}
	var balance int
	if err := tx.QueryRowContext(ctx, query, account).Scan(&balance); err != nil {
		return err
	}
	if balance < amount {
		return errTooLittle
	}
	done, err := tx.ExecContext(ctx, "INSERT INTO withdrawals (id, account, amount) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", id, account, amount)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 { // it was made before: somebody asks again
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = $1 WHERE id = $2", balance-amount, account); err != nil {
		return err
	}
	return tx.Commit()
}
