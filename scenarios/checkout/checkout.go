// Package checkout is a small shop of serverless functions: place-order takes
// an order over HTTP, charge and fulfil work on messages, browse serves the
// shop window.
//
//	place-order  cart in Redis, order record in Cloud Storage, publishes to "orders"
//	charge       calls the payment provider, notes it in Redis, publishes to "paid"
//	fulfil       takes the goods out of stock in Redis, writes the receipt to Cloud Storage
//	browse       reads the catalogue and counts views in Redis
//
// The platform runs them at least once, in no particular order. [Correct]
// copes with that: the provider is given an idempotency key, stock changes in
// a transaction, and an order that was recorded before is published again.
// Each other variant lacks one of these.
package checkout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	"github.com/redis/go-redis/v9"
	"google.golang.org/api/googleapi"
)

// Publisher returns a publisher of functions, which send a message at a time:
// to wait for more would be in vain.
func Publisher(c *pubsub.Client, topic string) *pubsub.Publisher {
	p := c.Publisher(topic)
	p.PublishSettings.CountThreshold = 1
	return p
}

// Order is what a customer orders, and what travels on the topics.
type Order struct {
	ID       string `json:"order"`
	Customer string `json:"customer"`
	Item     string `json:"item"`
	Cents    int    `json:"cents"`
}

// Variant is how a shop is built.
type Variant struct {
	NoIdempotencyKey bool // charge does not tell the provider which charge it repeats
	ReadThenWrite    bool // fulfil reads the stock and writes it back
	PublishOnce      bool // place-order does not publish an order that is on record
}

// Correct has none of the bugs.
var Correct = Variant{}

// errNoCart is the error of a cart or record that is not there.
var errNoCart = errors.New("the cart is empty")

func decode(data []byte) (Order, error) {
	var o Order
	if err := json.Unmarshal(data, &o); err != nil {
		return o, fmt.Errorf("order: %w", err)
	}
	if o.ID == "" {
		return o, errors.New("order: no id")
	}
	return o, nil
}

// create writes an object that must not exist yet; created is false if it
// does.
func create(ctx context.Context, b *storage.BucketHandle, name string, v any) (created bool, err error) {
	data, err := json.Marshal(v)
	if err != nil {
		return false, err
	}
	w := b.Object(name).If(storage.Conditions{DoesNotExist: true}).NewWriter(ctx)
	w.ContentType = "application/json"
	if _, err := w.Write(data); err != nil {
		return false, errors.Join(err, w.Close())
	}
	err = w.Close()
	var refused *googleapi.Error
	if errors.As(err, &refused) && refused.Code == http.StatusPreconditionFailed {
		return false, nil
	}
	return err == nil, err
}

// missing makes a key that does not exist an empty string.
func missing(s string, err error) (string, error) {
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return s, err
}
