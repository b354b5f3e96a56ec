// Package checkinsert registers users.
//
// Register looks whether an address has a user, and inserts one if it has none, in one
// transaction. Under READ COMMITTED, and REPEATABLE READ too, two transactions both see
// none: the address gets two users.
//
// Reported: Bailis et al., Feral Concurrency Control (SIGMOD 2015), on validations of
// uniqueness in applications of Rails.
//
// Provoked by: two people who register with one address at the same time.
//
// Remedy: the address is unique in the table, and the insert says what to do if it is
// taken (ON CONFLICT DO NOTHING).
package checkinsert

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Register is the function register.
type Register struct {
	Pool     *pgxpool.Pool
	Repaired bool
}

var errTaken = errors.New("the address is taken")

// ServeHTTP registers a user: POST {"name":"ann","email":"ann@example.com"}.
func (f *Register) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var ask struct{ Name, Email string }
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	err := pgx.BeginFunc(r.Context(), f.Pool, func(tx pgx.Tx) error { return f.register(r.Context(), tx, ask.Name, ask.Email) })
	switch {
	case errors.Is(err, errTaken):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		log.Printf("register %s: %v", ask.Name, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Register) register(ctx context.Context, tx pgx.Tx, name, email string) error {
	if f.Repaired {
		done, err := tx.Exec(ctx, "INSERT INTO users (name, email) VALUES ($1, $2) ON CONFLICT DO NOTHING", name, email)
		if err == nil && done.RowsAffected() == 0 {
			err = errTaken
		}
		return err
	}
	var taken bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM users WHERE email = $1)", email).Scan(&taken); err != nil {
		return err
	}
	if taken {
		return errTaken
	}
	_, err := tx.Exec(ctx, "INSERT INTO users (name, email) VALUES ($1, $2)", name, email)
	return err
}
