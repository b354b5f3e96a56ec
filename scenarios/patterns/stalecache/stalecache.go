// Package stalecache serves documents through a cache.
//
// Show fills the cache with what it has read from the store, and Delete removes
// the document and then its cache entry. If that happens between Show's read and
// its write to the cache, the deleted document is put into the cache after the
// entry was removed. It is served from there for good.
//
// Reported: Nishtala et al., Scaling Memcache at Facebook, NSDI 2013, on stale
// sets (memcached before MySQL; here Redis before Cloud Storage).
//
// Provoked by: a deletion between the read and the filling of the cache.
//
// Remedy: a deletion leaves a tombstone in the cache, before anything else, and
// the cache is filled only where nothing is: a lease by other means.
package stalecache

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"strings"

	"cloud.google.com/go/storage"
	"github.com/redis/go-redis/v9"
)

// tombstone stands for a deleted document. It does not expire: what was read
// before the deletion may be written to the cache at any time.
const tombstone = "\x00deleted"

// Documents is the function documents: GET and DELETE /<document>.
type Documents struct {
	Cache    *redis.Client
	Store    *storage.BucketHandle
	Repaired bool
}

// ServeHTTP shows or deletes a document.
func (f *Documents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, text := strings.TrimPrefix(r.URL.Path, "/"), ""
	var err error
	if r.Method == http.MethodDelete {
		err = f.delete(r.Context(), name)
	} else {
		text, err = f.show(r.Context(), name)
	}
	switch {
	case errors.Is(err, storage.ErrObjectNotExist):
		http.Error(w, "no such document", http.StatusNotFound)
	case err != nil:
		log.Printf("%s %s: %v", r.Method, name, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	default:
		_, _ = io.WriteString(w, text)
	}
}

func (f *Documents) show(ctx context.Context, name string) (string, error) {
	switch text, err := f.Cache.Get(ctx, name).Result(); {
	case err == nil && text == tombstone:
		return "", storage.ErrObjectNotExist
	case !errors.Is(err, redis.Nil):
		return text, err
	}
	object, err := f.Store.Object(name).NewReader(ctx)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(object)
	if err := errors.Join(err, object.Close()); err != nil {
		return "", err
	}
	if f.Repaired {
		return string(text), f.Cache.SetNX(ctx, name, text, 0).Err()
	}
	return string(text), f.Cache.Set(ctx, name, text, 0).Err()
}

func (f *Documents) delete(ctx context.Context, name string) error {
	if f.Repaired {
		if err := f.Cache.Set(ctx, name, tombstone, 0).Err(); err != nil {
			return err
		}
	}
	if err := f.Store.Object(name).Delete(ctx); err != nil && !errors.Is(err, storage.ErrObjectNotExist) {
		return err
	}
	if f.Repaired {
		return nil
	}
	return f.Cache.Del(ctx, name).Err()
}

// Index is the function index, which tells which documents there are.
type Index struct{ Titles *storage.BucketHandle }

// ServeHTTP shows the list.
func (f *Index) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	titles, err := f.Titles.Object("index.txt").NewReader(r.Context())
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	defer func() { _ = titles.Close() }()
	_, _ = titles.WriteTo(w)
}
