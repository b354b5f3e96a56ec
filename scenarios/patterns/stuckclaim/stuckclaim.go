// Package stuckclaim makes a shipping label for each order.
//
// Label claims an order before it makes the label, so that deliveries of one
// message do not make it twice at the same time, and notes in the claim that
// it is done. An instance that dies in between leaves a claim that says "in
// progress". Every further attempt waits for somebody who is dead, until the
// platform gives up, and the order never gets its label.
//
// Reported: aws-powertools/powertools-lambda-python, issues 738 and 1038 (a
// record in DynamoDB, a Lambda function that times out; here a key in Redis
// and a Pub/Sub subscription that keeps messages for ten minutes).
//
// Provoked by: a crash after the claim, or a lost answer to it: the client
// repeats the command, and finds its own claim.
//
// Remedy: a claim of work in progress expires when its invocation's time is
// up; only that of finished work is kept for a day. What is done again must be
// fit for it, as making the label is.
package stuckclaim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	"github.com/redis/go-redis/v9"
)

const (
	// TimeLimit is that of the function label.
	TimeLimit = time.Minute

	remembered = 24 * time.Hour
	inProgress = "in progress"
	done       = "done"
)

// Order is what is ordered, and what travels on the topic.
type Order struct {
	Order string `json:"order"`
	To    string `json:"to"`
}

// Label is the function label.
type Label struct {
	Redis    *redis.Client
	Labels   *storage.BucketHandle
	Repaired bool
}

// Handle makes the label of an order.
func (f *Label) Handle(ctx context.Context, o Order) error {
	claim, expiry := "claim:"+o.Order, remembered
	if f.Repaired {
		expiry = TimeLimit
	}
	claimed, err := f.Redis.SetNX(ctx, claim, inProgress, expiry).Result()
	if err != nil {
		return err
	}
	if !claimed {
		return f.claimedBefore(ctx, claim)
	}
	if err := f.draw(ctx, o); err != nil {
		return errors.Join(err, f.Redis.Del(ctx, claim).Err())
	}
	return f.Redis.Set(ctx, claim, done, remembered).Err()
}

// claimedBefore returns nil if nothing is left to do.
func (f *Label) claimedBefore(ctx context.Context, claim string) error {
	state, err := f.Redis.Get(ctx, claim).Result()
	if err == nil && state != done {
		err = fmt.Errorf("%s: %s", claim, state)
	}
	return err
}

func (f *Label) draw(ctx context.Context, o Order) error {
	w := f.Labels.Object(o.Order + ".txt").NewWriter(ctx)
	_, err := fmt.Fprintf(w, "To: %s\n", o.To)
	return errors.Join(err, w.Close())
}

// Accept is the function accept.
type Accept struct{ Orders *pubsub.Publisher }

// ServeHTTP accepts an order: 202 if it will be shipped.
func (f *Accept) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !json.Valid(body) {
		http.Error(w, "no order", http.StatusBadRequest)
		return
	}
	if _, err := f.Orders.Publish(r.Context(), &pubsub.Message{Data: body}).Get(r.Context()); err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}
