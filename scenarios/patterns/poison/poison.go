// Package poison makes thumbnails of photos, album by album in order.
//
// Resize answers with an error until it has made the thumbnail. Of a photo that
// was deleted meanwhile it never will: the message comes again and again, and
// since the order within an album is promised, no later photo of the album has
// its turn. One bad message stops an album for as long as it is kept.
//
// Reported: the Lambda Developer Guide, on streams: a bad record blocks its shard
// until it succeeds or expires (a shard of Kinesis or DynamoDB Streams; here an
// ordering key of Pub/Sub).
//
// Provoked by: a photo that is deleted before its message is delivered.
//
// Remedy: a dead-letter topic takes what has failed five times, and is listened
// to; who listens may be told twice.
package poison

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"strings"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
)

// Photo is what the messages say: the names of album and photo.
type Photo struct {
	Album string `json:"album"`
	Name  string `json:"name"`
}

// Albums is the function albums: PUT and DELETE /<album>/<photo>.
type Albums struct {
	Photos *storage.BucketHandle
	Stored *pubsub.Publisher // in order
}

// ServeHTTP stores a photo and says so, or deletes it.
func (f *Albums) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var p Photo
	p.Album, p.Name, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	do := f.store
	if r.Method == http.MethodDelete {
		do = f.remove
	}
	if err := do(r.Context(), p); err != nil {
		log.Printf("albums: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Albums) store(ctx context.Context, p Photo) error {
	if err := write(ctx, f.Photos.Object(p.Album+"/"+p.Name), "picture"); err != nil {
		return err
	}
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if _, err = f.Stored.Publish(ctx, &pubsub.Message{Data: data, OrderingKey: p.Album}).Get(ctx); err != nil {
		f.Stored.ResumePublish(p.Album)
	}
	return err
}

func (f *Albums) remove(ctx context.Context, p Photo) error {
	err := f.Photos.Object(p.Album + "/" + p.Name).Delete(ctx)
	if errors.Is(err, storage.ErrObjectNotExist) {
		return nil
	}
	return err
}

// Resize is the function resize, which gets the photos of an album in order.
type Resize struct{ Photos, Thumbnails *storage.BucketHandle }

// Handle makes a thumbnail.
func (f *Resize) Handle(ctx context.Context, p Photo) error {
	photo, err := f.Photos.Object(p.Album + "/" + p.Name).NewReader(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = photo.Close() }()
	return write(ctx, f.Thumbnails.Object(p.Album+"/"+p.Name), "thumbnail")
}

// Bury is the function bury, which gets the photos that could not be resized.
// Somebody is told of each once.
type Bury struct{ Failed *storage.BucketHandle }

// Handle notes a photo, unless it is noted.
func (f *Bury) Handle(ctx context.Context, p Photo) error {
	grave := f.Failed.Object(p.Album + "/" + p.Name)
	err := write(ctx, grave.If(storage.Conditions{DoesNotExist: true}), "not resized")
	var refused *googleapi.Error
	if errors.As(err, &refused) && refused.Code == http.StatusPreconditionFailed {
		return nil
	}
	return err
}

func write(ctx context.Context, object *storage.ObjectHandle, content string) error {
	w := object.NewWriter(ctx)
	_, err := w.Write([]byte(content))
	return errors.Join(err, w.Close())
}
