// Package gcsrecording keeps recordings in a bucket of Cloud Storage: an object an
// invocation. It is a package of its own because it links the client.
//
//	kept, err := gcsrecording.New(client, "gs://recordings/shop", recording.Limits{})
//	recorder.Keep(kept)
//
// They are for who may read the bucket: give it a retention of days, and see
// [recording.NewFiles] for what can be hidden. `gcloud storage cp -r` brings them to
// `wtsim derive` and `wtsim debug`.
package gcsrecording

import (
	"context"
	"path"

	"cloud.google.com/go/storage"

	"github.com/wtsim/wtsim/probe/recording"
)

// New returns a sink that keeps each invocation in an object below a place,
// gs://BUCKET or gs://BUCKET/PREFIX. The client must not be a recorded one: it would
// record what it keeps.
func New(client *storage.Client, place string, l recording.Limits) (*recording.Files, error) {
	bucket, prefix, err := recording.Bucket(place)
	if err != nil {
		return nil, err
	}
	return recording.NewFiles(&objects{client.Bucket(bucket), prefix}, l), nil
}

// objects is a store of objects.
type objects struct {
	bucket *storage.BucketHandle
	prefix string
}

func (o *objects) at(name string) *storage.ObjectHandle {
	return o.bucket.Object(path.Join(o.prefix, name)).Retryer(storage.WithPolicy(storage.RetryAlways)) // the same again is the same
}

// Write stores an object.
func (o *objects) Write(ctx context.Context, name string, text []byte) error {
	w := o.at(name).NewWriter(ctx)
	w.ContentType, w.ChunkSize = "application/x-ndjson", 0 // in one request
	if _, err := w.Write(text); err != nil {
		_ = w.Close() // it says the same
		return err
	}
	return w.Close()
}

// Remove deletes an object.
func (o *objects) Remove(ctx context.Context, name string) error { return o.at(name).Delete(ctx) }
