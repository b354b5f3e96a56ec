// Package fanin composes movie reviews, of parts that arrive one by one.
//
// Each part is stored, and a counter tells how many there are: from the third
// on the review is composed. A part that is delivered again is counted again, so
// that the review is composed before its last part is there, and once more when
// it is. What readers see first lacks a rating or the text.
//
// Reported: eniac/Beldi, the review service of its movie application (Lambda
// functions that invoke each other asynchronously; here push deliveries of
// Pub/Sub).
//
// Provoked by: a part that is delivered twice, or whose acknowledgement is
// lost.
//
// Remedy: the parts themselves are counted, and the review is written
// conditionally, since two may find that it is complete.
package fanin

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	"github.com/redis/go-redis/v9"
	"google.golang.org/api/googleapi"
)

// parts is how many parts a review has.
const parts = 3

// Part is one part of a review.
type Part struct {
	Review string `json:"review"`
	Name   string `json:"name"` // "movie", "rating" or "text"
	Value  string `json:"value"`
}

// Submit is the function submit, which sends the parts on their way.
type Submit struct{ Parts *pubsub.Publisher }

// ServeHTTP takes a list of parts.
func (f *Submit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var review []json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, "no review", http.StatusBadRequest)
		return
	}
	var sent []*pubsub.PublishResult
	for _, part := range review {
		sent = append(sent, f.Parts.Publish(r.Context(), &pubsub.Message{Data: part}))
	}
	for _, s := range sent {
		if _, err := s.Get(r.Context()); err != nil {
			log.Printf("submit: %v", err)
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
	}
	w.WriteHeader(http.StatusAccepted)
}

// Compose is the function compose, to which the parts are pushed.
type Compose struct {
	Redis    *redis.Client
	Reviews  *storage.BucketHandle
	Repaired bool
}

// ServeHTTP takes a part.
func (f *Compose) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var push struct {
		Message struct {
			Data []byte `json:"data"`
		} `json:"message"`
	}
	var p Part
	err := json.NewDecoder(r.Body).Decode(&push)
	if err == nil {
		err = json.Unmarshal(push.Message.Data, &p)
	}
	if err == nil {
		err = f.add(r.Context(), p)
	}
	if err != nil {
		log.Printf("compose: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Compose) add(ctx context.Context, p Part) error {
	key := "review:" + p.Review
	if err := f.Redis.HSet(ctx, key, p.Name, p.Value).Err(); err != nil {
		return err
	}
	count := f.Redis.Incr
	if f.Repaired {
		count = f.Redis.HLen
	} else {
		key += ":parts"
	}
	if n, err := count(ctx, key).Result(); err != nil || n < parts {
		return err
	}
	return f.compose(ctx, p.Review)
}

func (f *Compose) compose(ctx context.Context, review string) error {
	content, err := f.Redis.HGetAll(ctx, "review:"+review).Result()
	if err != nil {
		return err
	}
	data, err := json.Marshal(content)
	if err != nil {
		return err
	}
	object := f.Reviews.Object(review + ".json")
	if f.Repaired {
		object = object.If(storage.Conditions{DoesNotExist: true})
	}
	w := object.NewWriter(ctx)
	_, err = w.Write(data)
	err = errors.Join(err, w.Close())
	var refused *googleapi.Error
	if errors.As(err, &refused) && refused.Code == http.StatusPreconditionFailed {
		return nil // it is composed
	}
	return err
}
