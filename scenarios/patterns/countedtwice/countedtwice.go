// Package countedtwice counts visits, by increments in the database.
//
// Visit adds one to a page's counter, which takes no transaction: no update is
// lost. But to add one is not idempotent, and the client library repeats a
// Commit whose answer it does not get. The visit is counted twice, and nobody
// sees an error.
//
// Reported: firebase/firebase-admin-java, issue 511 ("We currently retry Commits
// that fail with UNAVAILABLE"), against googleapis/google-cloud-java, issue 4235
// ("Commit is considered to be a non-idempotent operation").
//
// Provoked by: a lost answer of the increment, or a crash after it.
//
// Remedy: the visit is a document that is created in the same batch: what is
// repeated is refused, since it is there.
package countedtwice

import (
	"context"
	"log"
	"net/http"
	"strings"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Visit is the function visit: PUT /<page>/<visit>.
type Visit struct {
	Store    *firestore.Client
	Repaired bool
}

// ServeHTTP counts a visit.
func (f *Visit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page, visit, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	if err := f.count(r.Context(), page, visit); err != nil {
		log.Printf("visit: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Visit) count(ctx context.Context, page, visit string) error {
	counter := f.Store.Collection("pages").Doc(page)
	more := map[string]any{"visits": firestore.Increment(1)}
	if !f.Repaired {
		_, err := counter.Set(ctx, more, firestore.MergeAll)
		return err
	}
	//lint:ignore SA1019 applications use it
	batch := f.Store.Batch()
	batch.Create(counter.Collection("visits").Doc(visit), map[string]any{})
	batch.Set(counter, more, firestore.MergeAll)
	_, err := batch.Commit(ctx)
	if status.Code(err) == codes.AlreadyExists {
		return nil // counted
	}
	return err
}
