// Package nametaken gives names to players, each to one of them.
//
// Register looks by a query whether somebody has the name, and if not stores the
// player with it. Two players who want the same name at the same time both find
// nobody. The database has no unique index that would refuse the second.
//
// Reported: prescottprue/react-redux-firebase, issue 207 ("uniqueSet contains
// race condition"), and prescottprue/redux-firestore, issue 208, which wants the
// same for Firestore.
//
// Provoked by: another registration that runs between the query and the write.
//
// Remedy: the query is the transaction's that writes: what it has read may not
// change, and a document that would be found is a change.
package nametaken

import (
	"context"
	"errors"
	"log"
	"net/http"
	"strings"

	"cloud.google.com/go/firestore"
)

// Register is the function register: PUT /<player>/<name>.
type Register struct {
	Store    *firestore.Client
	Repaired bool
}

var errTaken = errors.New("the name is taken")

// ServeHTTP gives a name to a player, unless another one has it.
func (f *Register) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	player, name, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	switch err := f.register(r.Context(), player, name); {
	case errors.Is(err, errTaken):
		http.Error(w, "taken", http.StatusConflict)
	case err != nil:
		log.Printf("register: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Register) register(ctx context.Context, player, name string) error {
	players := f.Store.Collection("players")
	owners, doc, data := players.Where("name", "==", name).Limit(1), players.Doc(player), map[string]any{"name": name}
	if !f.Repaired {
		docs, err := owners.Documents(ctx).GetAll()
		if err == nil {
			err = free(docs, player)
		}
		if err == nil {
			_, err = doc.Set(ctx, data)
		}
		return err
	}
	return f.Store.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		docs, err := tx.Documents(owners).GetAll()
		if err == nil {
			err = free(docs, player)
		}
		if err == nil {
			err = tx.Set(doc, data)
		}
		return err
	})
}

// free is errTaken if another player has the name.
func free(docs []*firestore.DocumentSnapshot, player string) error {
	for _, d := range docs {
		if d.Ref.ID != player {
			return errTaken
		}
	}
	return nil
}
