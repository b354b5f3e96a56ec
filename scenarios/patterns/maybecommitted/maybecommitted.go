// Package maybecommitted books rooms, in transactions whose outcome it does not
// always know.
//
// Book notes a booking in a transaction, and gives the deposit back if that
// fails. When the answer to the commit is lost the client library repeats the
// commit, and is told that there is no such transaction any more: it is over,
// since it was committed. The guest has a room, and the deposit too.
//
// Reported: googleapis/google-cloud-dotnet, issue 12669 (a commit that is
// unavailable, and then "The referenced transaction has expired or is no longer
// valid"); also BasedHardware/omi, pull request 10721.
//
// Provoked by: a lost answer of the commit.
//
// Remedy: what was not told is looked up before it is made undone, in a
// transaction of its own.
package maybecommitted

import (
	"context"
	"errors"
	"log"
	"net/http"
	"strings"

	"cloud.google.com/go/firestore"
)

// Book is the function book: PUT /<request>.
type Book struct {
	Store    *firestore.Client
	Repaired bool
}

var errRefunded = errors.New("the deposit was given back")

// ServeHTTP books a room, or gives the deposit back.
func (f *Book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request := strings.TrimPrefix(r.URL.Path, "/")
	booking, refund := f.Store.Collection("bookings").Doc(request), f.Store.Collection("refunds").Doc(request)
	err := f.book(r.Context(), booking, refund)
	if err != nil && !errors.Is(err, errRefunded) {
		log.Printf("book: %v", err)
		err = errors.Join(errRefunded, f.giveBack(r.Context(), booking, refund))
	}
	switch {
	case errors.Is(err, errBooked), err == nil:
	case err.Error() == errRefunded.Error():
		http.Error(w, "no room", http.StatusConflict)
	default:
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Book) book(ctx context.Context, booking, refund *firestore.DocumentRef) error {
	return f.Store.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		docs, err := tx.GetAll([]*firestore.DocumentRef{booking, refund})
		switch {
		case err != nil || docs[0].Exists():
			return err
		case docs[1].Exists():
			return errRefunded
		}
		return tx.Create(booking, map[string]any{"room": "sea view"})
	})
}

var errBooked = errors.New("the room is booked")

// giveBack notes that the deposit goes back.
func (f *Book) giveBack(ctx context.Context, booking, refund *firestore.DocumentRef) error {
	if !f.Repaired {
		_, err := refund.Set(ctx, map[string]any{"deposit": 50})
		return err
	}
	return f.Store.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		docs, err := tx.GetAll([]*firestore.DocumentRef{booking})
		switch {
		case err != nil:
			return err
		case docs[0].Exists():
			return errBooked
		}
		return tx.Set(refund, map[string]any{"deposit": 50})
	})
}
