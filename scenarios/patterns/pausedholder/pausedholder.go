// Package pausedholder lets people add lines to shared documents, one at a time
// by a lock.
//
// Edit takes a lock that expires, reads the document, and writes it back. When
// it is paused before the write, the lock expires and another takes it; then the
// paused one wakes up and writes what it read long ago. The lock was right, and
// what the other has written is lost.
//
// Reported: Martin Kleppmann, How to do distributed locking (HBase's leases, and
// locks in Redis; here the same lock, over Cloud Storage).
//
// Provoked by: a pause longer than the lease: of the process, or of the network.
//
// Remedy: a fencing token: each holder has a higher one, the document knows the
// highest that has written it, and the write is refused if the document is not
// what was read.
package pausedholder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

const lease = 30 * time.Second

// Document is what is stored.
type Document struct {
	Token int64    `json:"token"` // of the lock under which it was written
	Lines []string `json:"lines"`
}

// Edit is the function edit: POST /<document> adds the body as a line.
type Edit struct {
	Redis     *redis.Client
	Documents *storage.BucketHandle
	Repaired  bool
}

// ServeHTTP adds a line: 503 while another has the lock.
func (f *Edit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	line, err := io.ReadAll(r.Body)
	if err == nil {
		err = f.locked(r.Context(), name, func(token int64) error { return f.add(r.Context(), name, string(line), token) })
	}
	if err != nil {
		log.Printf("edit %s: %v", name, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

var unlock = redis.NewScript(`if redis.call("GET", KEYS[1]) == ARGV[1] then redis.call("DEL", KEYS[1]) end return 0`)

// locked calls do while it has the document's lock, with its token.
func (f *Edit) locked(ctx context.Context, name string, do func(token int64) error) error {
	owner := uuid.NewString()
	taken, err := f.Redis.SetNX(ctx, "lock:"+name, owner, lease).Result()
	if err != nil {
		return err
	}
	if !taken {
		return errors.New("somebody else edits it")
	}
	token, err := f.Redis.Incr(ctx, "token:"+name).Result()
	if err == nil {
		err = do(token)
	}
	return errors.Join(err, unlock.Eval(ctx, f.Redis, []string{"lock:" + name}, owner).Err())
}

func (f *Edit) add(ctx context.Context, name, line string, token int64) error {
	object := f.Documents.Object(name)
	r, err := object.NewReader(ctx)
	if err != nil {
		return err
	}
	var d Document
	if err := errors.Join(json.NewDecoder(r).Decode(&d), r.Close()); err != nil {
		return err
	}
	if f.Repaired {
		if d.Token > token {
			return fmt.Errorf("a holder after this one has written: %d after %d", d.Token, token)
		}
		object = object.If(storage.Conditions{GenerationMatch: r.Attrs.Generation})
	}
	data, err := json.Marshal(Document{Token: token, Lines: append(d.Lines, line)})
	if err != nil {
		return err
	}
	w := object.NewWriter(ctx)
	_, err = w.Write(data)
	return errors.Join(err, w.Close())
}

// Show is the function show: GET /<document>.
type Show struct{ Documents *storage.BucketHandle }

// ServeHTTP shows a document.
func (f *Show) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	object, err := f.Documents.Object(strings.TrimPrefix(r.URL.Path, "/")).NewReader(r.Context())
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	defer func() { _ = object.Close() }()
	_, _ = object.WriteTo(w)
}
