// Package duplicate welcomes new members by mail.
//
// Welcome is invoked by the event of a member's record being created, and
// sends a mail. Events are delivered at least once, also where retries are
// switched off and nothing has failed. The member gets the mail as often as
// the event comes.
//
// Reported: firebase-functions, issues 62 and 315 (functions on new users and
// Firestore documents; here on objects of Cloud Storage).
//
// Provoked by: an event that is delivered twice.
//
// Remedy: the event's id, which is the same in every delivery, goes with the
// effect: here as the mail provider's idempotency key.
package duplicate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"cloud.google.com/go/storage"
	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"google.golang.org/api/googleapi"
)

// Welcome is the function welcome.
type Welcome struct {
	HTTP     *http.Client
	Repaired bool
}

// Handle sends the mail to the member whose record was created.
func (f *Welcome) Handle(ctx context.Context, e cloudevents.Event) error {
	var object struct{ Name string }
	if err := e.DataAs(&object); err != nil {
		return err
	}
	mail, err := json.Marshal(map[string]string{"to": object.Name, "template": "welcome"})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://mail.example/messages", bytes.NewReader(mail))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if f.Repaired {
		r.Header.Set("Idempotency-Key", e.ID())
	}
	resp, err := f.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("mail: %s", resp.Status)
	}
	return nil
}

// Join is the function join.
type Join struct{ Members *storage.BucketHandle }

// ServeHTTP creates the record of the member whom the path names, once.
func (f *Join) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	object := f.Members.Object(r.URL.Path[1:]).If(storage.Conditions{DoesNotExist: true}).NewWriter(r.Context())
	_, err := io.Copy(object, r.Body)
	err = errors.Join(err, object.Close())
	var refused *googleapi.Error
	switch {
	case errors.As(err, &refused) && refused.Code == http.StatusPreconditionFailed: // is a member already
	case err != nil:
		http.Error(w, "try again", http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusCreated)
	}
}
