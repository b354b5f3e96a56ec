// Package doublerating keeps the average rating of restaurants, by events of the
// ratings.
//
// Aggregate gets an event of each rating that was created, and adds it to the
// restaurant's, in a transaction: no two of them get lost. But the event comes at
// least once, and what comes again is added again; the average is wrong from
// then on.
//
// Reported: firebase/snippets-node, issue 51, on the function of the
// documentation's page on aggregation ("I believe that this cloud function is not
// idempotent").
//
// Provoked by: an event that is delivered twice, or whose acknowledgement is
// lost.
//
// Remedy: the transaction notes in the rating that it was added, and adds only
// what was not.
package doublerating

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strconv"
	"strings"

	"cloud.google.com/go/firestore"
	"github.com/cloudevents/sdk-go/v2/event"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Rate is the function rate: PUT /<restaurant>/<guest>?stars=5.
type Rate struct{ Store *firestore.Client }

// ServeHTTP stores a rating, one of each guest.
func (f *Rate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	restaurant, guest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	stars, err := strconv.Atoi(r.FormValue("stars"))
	if err != nil || guest == "" {
		http.NotFound(w, r)
		return
	}
	rating := f.Store.Collection("restaurants").Doc(restaurant).Collection("ratings").Doc(guest)
	_, err = rating.Create(r.Context(), map[string]any{"stars": stars})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		log.Printf("rate: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

// Aggregate is the function aggregate, which gets an event for each rating that
// was created.
type Aggregate struct {
	Store    *firestore.Client
	Repaired bool
}

// Handle adds a rating.
func (f *Aggregate) Handle(ctx context.Context, e event.Event) error {
	path, ok := e.Extensions()["document"].(string)
	if !ok {
		return fmt.Errorf("event %s is of no document", e.ID())
	}
	rating := f.Store.Doc(path)
	return f.Store.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		docs, err := tx.GetAll([]*firestore.DocumentRef{rating, rating.Parent.Parent})
		if err != nil {
			return err
		}
		given, all := docs[0].Data(), docs[1].Data()
		if f.Repaired {
			if given["added"] == true {
				return nil
			}
			if err := tx.Update(rating, []firestore.Update{{Path: "added", Value: true}}); err != nil {
				return err
			}
		}
		number, _ := all["number"].(int64)
		sum, _ := all["sum"].(int64)
		return tx.Set(rating.Parent.Parent, map[string]any{"number": number + 1, "sum": sum + given["stars"].(int64)})
	})
}
