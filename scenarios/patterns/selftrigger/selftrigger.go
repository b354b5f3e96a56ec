// Package selftrigger keeps an excerpt in the posts of a blog, by a function
// that is triggered by what it writes.
//
// Shorten gets an event whenever a post was written, and writes the beginning of
// its text into the post itself. That is a write as well. As long as nothing
// changes no further event comes; but the function also notes when it was there,
// so something always does, and it is invoked for good.
//
// Reported: firebase/functions-samples, issue 158, and
// GoogleCloudPlatform/python-docs-samples, pull request 4648 ("add guard against
// infinite loops").
//
// Provoked by: nothing: the first post is enough.
//
// Remedy: the function writes only if the excerpt is another one.
package selftrigger

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/cloudevents/sdk-go/v2/event"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Post is the function post: PUT /<post> with its text.
type Post struct{ Store *firestore.Client }

// ServeHTTP stores a post.
func (f *Post) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text := r.FormValue("text")
	doc := f.Store.Collection("posts").Doc(strings.TrimPrefix(r.URL.Path, "/"))
	if _, err := doc.Set(r.Context(), map[string]any{"text": text}, firestore.MergeAll); err != nil {
		log.Printf("post: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

// Shorten is the function shorten, which gets an event for each post that was
// written.
type Shorten struct {
	Store    *firestore.Client
	Repaired bool
}

// Handle writes the excerpt of a post.
func (f *Shorten) Handle(ctx context.Context, e event.Event) error {
	path, ok := e.Extensions()["document"].(string)
	if !ok {
		return fmt.Errorf("event %s is of no document", e.ID())
	}
	doc := f.Store.Doc(path)
	return f.Store.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		post, err := tx.Get(doc)
		if status.Code(err) == codes.NotFound {
			return nil // deleted meanwhile
		}
		if err != nil {
			return err
		}
		text, _ := post.Data()["text"].(string)
		excerpt := text[:min(len(text), 10)]
		if f.Repaired && post.Data()["excerpt"] == excerpt {
			return nil
		}
		return tx.Update(doc, []firestore.Update{{Path: "excerpt", Value: excerpt}, {Path: "shortened", Value: time.Now()}})
	})
}
