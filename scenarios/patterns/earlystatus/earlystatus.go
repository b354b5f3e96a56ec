// Package earlystatus makes previews of videos, and keeps a status of each.
//
// Preview sets the status to done, and then stores the preview. When it dies
// in between, its event comes again, finds that the video is done, and stops.
// The page offers a preview for ever that is not there.
//
// Reported: kalevalp/video-preview-and-analysis-service, status (DynamoDB and
// S3 behind Lambda functions; here Redis and Cloud Storage behind Eventarc).
//
// Provoked by: a crash between the two writes.
//
// Remedy: first the artifact, then the status that promises it. What is done
// twice when the crash is in between is the same both times.
package earlystatus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"

	"cloud.google.com/go/storage"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/redis/go-redis/v9"
)

// Upload is the function upload: PUT /cat.mp4 stores a video.
type Upload struct{ Videos *storage.BucketHandle }

// ServeHTTP stores a video.
func (f *Upload) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := store(r.Context(), f.Videos, path.Base(r.URL.Path), r.Body); err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// Preview is the function preview.
type Preview struct {
	Videos, Previews *storage.BucketHandle
	Redis            *redis.Client
	Repaired         bool
}

// Handle makes the preview of a video that was uploaded. It is invoked by
// google.cloud.storage.object.v1.finalized.
func (f *Preview) Handle(ctx context.Context, e event.Event) error {
	var o struct{ Name string }
	if err := e.DataAs(&o); err != nil {
		return err
	}
	status, err := f.Redis.Get(ctx, "status:"+o.Name).Result()
	if err != nil && !errors.Is(err, redis.Nil) || status == "done" {
		return err
	}
	if f.Repaired {
		if err := f.render(ctx, o.Name); err != nil {
			return err
		}
		return f.Redis.Set(ctx, "status:"+o.Name, "done", 0).Err()
	}
	if err := f.Redis.Set(ctx, "status:"+o.Name, "done", 0).Err(); err != nil {
		return err
	}
	return f.render(ctx, o.Name)
}

func (f *Preview) render(ctx context.Context, name string) error {
	in, err := f.Videos.Object(name).NewReader(ctx)
	if err != nil {
		return fmt.Errorf("video %s: %w", name, err)
	}
	defer func() { _ = in.Close() }()
	video, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("video %s: %w", name, err)
	}
	return store(ctx, f.Previews, name, bytes.NewReader(video[:min(4, len(video))]))
}

func store(ctx context.Context, b *storage.BucketHandle, name string, content io.Reader) error {
	w := b.Object(name).NewWriter(ctx)
	if _, err := io.Copy(w, content); err != nil {
		return errors.Join(err, w.Close())
	}
	return w.Close()
}
