// Package lostfields keeps profiles of users.
//
// Update reads a profile, changes the fields that the request names, and
// writes the whole profile back. Two requests at the same time read the same
// profile. The second to write knows nothing of what the first has changed,
// and puts the old value back.
//
// Reported: RealWorld on DynamoDB and Lambda (kalevalp/realworld-dynamodb-lambda),
// User.update, which puts the whole item; here it is an object of Cloud
// Storage.
//
// Provoked by: two updates of one profile that interleave.
//
// Remedy: the write is conditional on the version that was read; when it is
// refused, the change is made again on what is there now.
package lostfields

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
)

// Profile is what is stored of a user.
type Profile struct {
	Email string `json:"email"`
	Bio   string `json:"bio"`
}

// Update is the function update.
type Update struct {
	Profiles *storage.BucketHandle
	Repaired bool
}

// ServeHTTP changes fields of the profile that the path names: those that the
// body has.
func (f *Update) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	change, err := io.ReadAll(r.Body)
	if err != nil || !json.Valid(change) {
		http.Error(w, "no profile", http.StatusBadRequest)
		return
	}
	for range 5 {
		if err = f.update(r.Context(), f.Profiles.Object(r.URL.Path[1:]+".json"), change); !outdated(err) {
			break
		}
	}
	if err != nil {
		log.Printf("update %s: %v", r.URL.Path, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Update) update(ctx context.Context, object *storage.ObjectHandle, change []byte) error {
	profile, generation, err := read(ctx, object)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(change, &profile); err != nil {
		return err
	}
	if f.Repaired {
		object = object.If(storage.Conditions{GenerationMatch: generation})
	}
	w := object.NewWriter(ctx)
	w.ContentType = "application/json"
	return errors.Join(json.NewEncoder(w).Encode(profile), w.Close())
}

func read(ctx context.Context, object *storage.ObjectHandle) (p Profile, generation int64, err error) {
	r, err := object.NewReader(ctx)
	if err != nil {
		return p, 0, err
	}
	err = json.NewDecoder(r).Decode(&p)
	return p, r.Attrs.Generation, errors.Join(err, r.Close())
}

// outdated reports whether somebody else has written meanwhile.
func outdated(err error) bool {
	var refused *googleapi.Error
	return errors.As(err, &refused) && refused.Code == http.StatusPreconditionFailed
}

// Show is the function show.
type Show struct{ Profiles *storage.BucketHandle }

// ServeHTTP shows the profile that the path names.
func (f *Show) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	profile, _, err := read(r.Context(), f.Profiles.Object(r.URL.Path[1:]+".json"))
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	_ = json.NewEncoder(w).Encode(profile) // the client has gone
}
