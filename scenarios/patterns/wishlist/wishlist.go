// Package wishlist keeps wish lists that are shared, each a document.
//
// Add reads a list, adds a wish and writes it back. Two people who share a list
// and add to it at the same time read the same; the second to write overwrites
// what the first has written, and a wish is gone.
//
// Reported: ioxiocom/firedantic, issue 36 (a library that had no transactions:
// "cloud functions that share a trigger invariably enter a race condition").
//
// Provoked by: two requests for one list that interleave.
//
// Remedy: the database adds to the list (an array union), which is one operation,
// and does nothing if it is repeated.
package wishlist

import (
	"context"
	"log"
	"net/http"
	"slices"
	"strings"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Add is the function add: PUT /<list>/<wish>.
type Add struct {
	Store    *firestore.Client
	Repaired bool
}

// ServeHTTP adds a wish.
func (f *Add) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	list, wish, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	if err := f.add(r.Context(), f.Store.Collection("lists").Doc(list), wish); err != nil {
		log.Printf("add: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Add) add(ctx context.Context, list *firestore.DocumentRef, wish string) error {
	if f.Repaired {
		_, err := list.Set(ctx, map[string]any{"wishes": firestore.ArrayUnion(wish)}, firestore.MergeAll)
		return err
	}
	snap, err := list.Get(ctx)
	if err != nil && status.Code(err) != codes.NotFound {
		return err
	}
	wishes, _ := snap.Data()["wishes"].([]any)
	if slices.Contains(wishes, any(wish)) {
		return nil
	}
	_, err = list.Set(ctx, map[string]any{"wishes": append(wishes, wish)})
	return err
}
