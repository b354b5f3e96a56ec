// Package lastevent keeps a search index of articles.
//
// Index is invoked by an event for every version of an article, and indexes
// that version. Events come in no particular order, so the one that is
// processed last may be about an older version. The index then holds that one
// for good.
//
// Reported: typesense/firestore-typesense-search, issue 32 (changes of
// Firestore documents; here versions of objects of Cloud Storage).
//
// Provoked by: two events of one article in the other order, or one that has
// to be tried again.
//
// Remedy: the index remembers the version, and a version is written only over
// an older one, in one transaction with looking.
package lastevent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"

	"cloud.google.com/go/storage"
	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/redis/go-redis/v9"
)

// Index is the function index.
type Index struct {
	Articles *storage.BucketHandle // with Object Versioning
	Redis    *redis.Client
	Repaired bool
}

// Handle indexes the version of an article that the event is about.
func (f *Index) Handle(ctx context.Context, e cloudevents.Event) error {
	var version struct {
		Name       string
		Generation int64 `json:",string"`
	}
	if err := e.DataAs(&version); err != nil {
		return err
	}
	text, err := f.read(ctx, version.Name, version.Generation)
	if err != nil {
		return err
	}
	entry := "entry:" + version.Name
	if !f.Repaired {
		return f.Redis.HSet(ctx, entry, "text", text, "generation", version.Generation).Err()
	}
	return f.Redis.Watch(ctx, func(tx *redis.Tx) error {
		indexed, err := tx.HGet(ctx, entry, "generation").Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if indexed >= version.Generation {
			return nil
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			return p.HSet(ctx, entry, "text", text, "generation", version.Generation).Err()
		})
		return err
	}, entry)
}

func (f *Index) read(ctx context.Context, name string, generation int64) (string, error) {
	object, err := f.Articles.Object(name).Generation(generation).NewReader(ctx)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(object)
	return string(text), errors.Join(err, object.Close())
}

// Save is the function save.
type Save struct{ Articles *storage.BucketHandle }

// ServeHTTP saves what an author has written since the last time, every
// revision as a version of the article that the path names.
func (f *Save) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var revisions []string
	if err := json.NewDecoder(r.Body).Decode(&revisions); err != nil {
		http.Error(w, "no revisions", http.StatusBadRequest)
		return
	}
	for _, text := range revisions {
		object := f.Articles.Object(r.URL.Path[1:]).NewWriter(r.Context())
		_, err := io.WriteString(object, text)
		if err := errors.Join(err, object.Close()); err != nil {
			log.Printf("save %s: %v", r.URL.Path, err)
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
	}
}

// Search is the function search.
type Search struct{ Redis *redis.Client }

// ServeHTTP shows what the index has of an article.
func (f *Search) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := f.Redis.HGet(r.Context(), "entry:"+r.URL.Path[1:], "text").Result()
	switch {
	case errors.Is(err, redis.Nil):
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, "try again", http.StatusServiceUnavailable)
	default:
		_, _ = io.WriteString(w, text)
	}
}
