// Package blindput renders videos that are uploaded, each in a session.
//
// CreateSession stores a new session for a video, over whatever is there. The
// notification of the upload may come twice, the second time after the video
// was rendered: then the finished session is a new one again. Whoever was
// told that the video is ready is told the opposite next, and all is
// rendered, and paid for, once more.
//
// Reported: kalevalp/video-preview-and-analysis-service, create-session (a
// put to DynamoDB on a notification of S3 by SNS; here a write to Cloud
// Storage on one of Cloud Storage by Pub/Sub).
//
// Provoked by: a duplicate of the notification, or an acknowledgement that is
// lost.
//
// Remedy: the session is created on condition that there is none.
package blindput

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"path"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
)

// Session is what happens to a video.
type Session struct {
	Video  string `json:"video"`
	Status int    `json:"status"`
}

// The statuses of a session.
const (
	New  = 0
	Done = 1
)

// Upload is the function upload: PUT /cat.mp4 stores a video.
type Upload struct{ Videos *storage.BucketHandle }

// ServeHTTP stores a video, unless it is there.
func (f *Upload) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o := f.Videos.Object(path.Base(r.URL.Path)).If(storage.Conditions{DoesNotExist: true}).NewWriter(r.Context())
	_, err := io.Copy(o, r.Body)
	if err := errors.Join(err, o.Close()); err != nil && !isThere(err) {
		log.Printf("upload: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// CreateSession is the function create-session, to which the notifications of
// uploads are pushed.
type CreateSession struct {
	Sessions *storage.BucketHandle
	Renders  *pubsub.Publisher
	Repaired bool
}

// ServeHTTP creates a session and asks for the video to be rendered.
func (f *CreateSession) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var push struct {
		Message struct{ Attributes map[string]string }
	}
	if err := json.NewDecoder(r.Body).Decode(&push); err != nil {
		http.Error(w, "no message", http.StatusBadRequest)
		return
	}
	if err := f.create(r.Context(), Session{Video: push.Message.Attributes["objectId"], Status: New}); err != nil {
		log.Printf("create-session: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *CreateSession) create(ctx context.Context, s Session) error {
	o := f.Sessions.Object(s.Video + ".json")
	if f.Repaired {
		o = o.If(storage.Conditions{DoesNotExist: true})
	}
	if err := put(ctx, o, s); err != nil && !isThere(err) {
		return err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = f.Renders.Publish(ctx, &pubsub.Message{Data: data}).Get(ctx)
	return err
}

// Render is the function render.
type Render struct{ Videos, Sessions *storage.BucketHandle }

// Handle renders a video, and finishes its session.
func (f *Render) Handle(ctx context.Context, s Session) error {
	video, err := f.Videos.Object(s.Video).NewReader(ctx)
	if err != nil {
		return fmt.Errorf("video %s: %w", s.Video, err)
	}
	defer func() { _ = video.Close() }()
	if _, err := io.Copy(io.Discard, video); err != nil { // this is where the work is done
		return fmt.Errorf("video %s: %w", s.Video, err)
	}
	s.Status = Done
	return put(ctx, f.Sessions.Object(s.Video+".json"), s)
}

func put(ctx context.Context, o *storage.ObjectHandle, s Session) error {
	w := o.NewWriter(ctx)
	w.ContentType = "application/json"
	err := json.NewEncoder(w).Encode(s)
	return errors.Join(err, w.Close())
}

// isThere tells the error of a condition that did not hold.
func isThere(err error) bool {
	var refused *googleapi.Error
	return errors.As(err, &refused) && refused.Code == http.StatusPreconditionFailed
}
