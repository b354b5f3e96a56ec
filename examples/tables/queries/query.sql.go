package queries

import "context"

const getBalance = `-- name: GetBalance :one
SELECT balance FROM accounts WHERE id = $1
`

// GetBalance reads a balance.
func (q *Queries) GetBalance(ctx context.Context, id string) (int32, error) {
	row := q.db.QueryRow(ctx, getBalance, id)
	var balance int32
	err := row.Scan(&balance)
	return balance, err
}

const getBalanceForUpdate = `-- name: GetBalanceForUpdate :one
SELECT balance FROM accounts WHERE id = $1 FOR UPDATE
`

// GetBalanceForUpdate reads a balance, and locks it.
func (q *Queries) GetBalanceForUpdate(ctx context.Context, id string) (int32, error) {
	row := q.db.QueryRow(ctx, getBalanceForUpdate, id)
	var balance int32
	err := row.Scan(&balance)
	return balance, err
}

const setBalance = `-- name: SetBalance :exec
UPDATE accounts SET balance = $2 WHERE id = $1
`

// SetBalanceParams are those of SetBalance.
type SetBalanceParams struct {
	ID      string
	Balance int32
}

// SetBalance writes a balance.
func (q *Queries) SetBalance(ctx context.Context, arg SetBalanceParams) error {
	_, err := q.db.Exec(ctx, setBalance, arg.ID, arg.Balance)
	return err
}

const addPayout = `-- name: AddPayout :exec
INSERT INTO payouts (account, amount) VALUES ($1, $2)
`

// AddPayoutParams are those of AddPayout.
type AddPayoutParams struct {
	Account string
	Amount  int32
}

// AddPayout notes what was paid out.
func (q *Queries) AddPayout(ctx context.Context, arg AddPayoutParams) error {
	_, err := q.db.Exec(ctx, addPayout, arg.Account, arg.Amount)
	return err
}
