// Package outsideread moves money between the accounts of a family, in
// transactions that do not read all that they rest on.
//
// Withdraw takes money from one of two accounts as long as both together stay
// above zero. It does so in a transaction, but reads the other account with the
// client and not with the transaction: that takes no lock, and nobody notices
// that it has changed. Two withdrawals at the same time, one from each account,
// both see enough.
//
// Reported: firebase/flutterfire, issue 1975 (the document is read by its
// reference's get within runTransaction), with the same call in many other
// places.
//
// Provoked by: two withdrawals from different accounts that interleave.
//
// Remedy: the transaction reads all that it rests on.
package outsideread

import (
	"context"
	"log"
	"net/http"
	"strings"

	"cloud.google.com/go/firestore"
)

// Withdraw is the function withdraw: PUT /<account>/<request>.
type Withdraw struct {
	Store    *firestore.Client
	Repaired bool
}

// amount is what a request takes.
const amount = 60

// ServeHTTP takes money, if there is enough of it.
func (f *Withdraw) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	account, request, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	if err := f.Store.RunTransaction(r.Context(), f.taking(account, request)); err != nil {
		log.Printf("withdraw: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Withdraw) taking(account, request string) func(context.Context, *firestore.Transaction) error {
	accounts := f.Store.Collection("accounts")
	mine, other := accounts.Doc(account), accounts.Doc(map[string]string{"anna": "ben", "ben": "anna"}[account])
	return func(ctx context.Context, tx *firestore.Transaction) error {
		have, err := tx.Get(mine)
		if err != nil {
			return err
		}
		var more *firestore.DocumentSnapshot
		if f.Repaired {
			more, err = tx.Get(other)
		} else {
			more, err = other.Get(ctx)
		}
		if err != nil {
			return err
		}
		data := have.Data()
		balance := data["balance"].(int64)
		if data[request] != nil || balance+more.Data()["balance"].(int64) < amount {
			return nil // done already, or too little
		}
		return tx.Update(mine, []firestore.Update{{Path: "balance", Value: balance - amount}, {Path: request, Value: true}})
	}
}
