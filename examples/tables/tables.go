// Package tables withdraws money from accounts in a PostgreSQL, written three times: with
// gorm, with what sqlc generates for pgx, and with lib/pq. None of them says anything of
// a simulator. Each reads the balance and writes it back: without a lock, money is
// spent twice.
package tables

import (
	"context"
	"database/sql"
	"errors"
	"net/http"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/tables/queries"
)

// ErrPoor is told to who has not enough.
var ErrPoor = errors.New("not enough")

// Withdraw takes an amount from an account.
type Withdraw func(ctx context.Context, account string, amount int) error

// ServeHTTP withdraws 10 from the account of the path.
func (f Withdraw) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch err := f(r.Context(), r.URL.Path[1:], 10); {
	case errors.Is(err, ErrPoor):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

// Account is gorm's model.
type Account struct {
	ID      string `gorm:"primaryKey"`
	Balance int
}

// Gorm withdraws with gorm; locked, it locks the row first.
func Gorm(db *gorm.DB, locked bool) Withdraw {
	return func(ctx context.Context, account string, amount int) error {
		return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			from := Account{ID: account}
			read := tx
			if locked {
				read = tx.Clauses(clause.Locking{Strength: "UPDATE"})
			}
			if err := read.First(&from).Error; err != nil {
				return err
			}
			if from.Balance < amount {
				return ErrPoor
			}
			from.Balance -= amount
			if err := tx.Save(&from).Error; err != nil {
				return err
			}
			return tx.Exec("INSERT INTO payouts (account, amount) VALUES (?, ?)", account, amount).Error
		})
	}
}

// Sqlc withdraws with what sqlc generates.
func Sqlc(db *pgxpool.Pool, locked bool) Withdraw {
	return func(ctx context.Context, account string, amount int) error {
		return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			q := queries.New(db).WithTx(tx)
			get := q.GetBalance
			if locked {
				get = q.GetBalanceForUpdate
			}
			balance, err := get(ctx, account)
			if err != nil {
				return err
			}
			if int(balance) < amount {
				return ErrPoor
			}
			if err := q.SetBalance(ctx, queries.SetBalanceParams{ID: account, Balance: balance - int32(amount)}); err != nil {
				return err
			}
			return q.AddPayout(ctx, queries.AddPayoutParams{Account: account, Amount: int32(amount)})
		})
	}
}

// Plain withdraws with database/sql, over lib/pq.
func Plain(db *sql.DB, locked bool) Withdraw {
	return func(ctx context.Context, account string, amount int) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		read := "SELECT balance FROM accounts WHERE id = $1"
		if locked {
			read += " FOR UPDATE"
		}
		var balance int
		if err := tx.QueryRowContext(ctx, read, account).Scan(&balance); err != nil {
			return err
		}
		if balance < amount {
			return ErrPoor
		}
		if _, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = $2 WHERE id = $1", account, balance-amount); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO payouts (account, amount) VALUES ($1, $2)", account, amount); err != nil {
			return err
		}
		return tx.Commit()
	}
}
