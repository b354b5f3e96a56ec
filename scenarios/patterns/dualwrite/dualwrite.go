// Package dualwrite takes orders, and tells the warehouse of them.
//
// Order commits the order to its store and then publishes the event. The two
// are not one: when the instance dies between them, or the publishing fails, the
// order is there and nobody is told. The customer's repetition finds the order
// and is content.
//
// Reported: Azure-Samples/cosmos-db-design-patterns, issue 100, on its
// transactional outbox (Cosmos DB and a message bus; here Redis and Pub/Sub).
//
// Provoked by: a crash between the commit and the publishing, or a publishing
// that fails.
//
// Remedy: a transactional outbox: the event is committed with the order, and a
// relay publishes what is in the outbox until it is out.
package dualwrite

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	"github.com/redis/go-redis/v9"
)

const outbox = "outbox"

// Order is the function order, which takes orders.
type Order struct {
	Redis    *redis.Client
	Orders   *pubsub.Publisher // what the relay publishes, when repaired
	Repaired bool
}

// ServeHTTP takes an order.
func (f *Order) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var order struct {
		ID string `json:"order"`
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &order)
	}
	if err != nil || order.ID == "" {
		http.Error(w, "no order", http.StatusBadRequest)
		return
	}
	place := f.commitThenPublish
	if f.Repaired {
		place = f.commitBoth
	}
	if err := place(r.Context(), "order:"+order.ID, body); err != nil {
		log.Printf("order %s: %v", order.ID, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func (f *Order) commitThenPublish(ctx context.Context, key string, order []byte) error {
	placed, err := f.Redis.Exists(ctx, key).Result()
	if err != nil || placed > 0 {
		return err
	}
	if err := f.Redis.Set(ctx, key, order, 0).Err(); err != nil {
		return err
	}
	_, err = f.Orders.Publish(ctx, &pubsub.Message{Data: order}).Get(ctx)
	return err
}

// commitBoth may tell of an order again, if it is repeated: at least once, as
// the topic itself.
func (f *Order) commitBoth(ctx context.Context, key string, order []byte) error {
	_, err := f.Redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, key, order, 0)
		p.RPush(ctx, outbox, order)
		return nil
	})
	return err
}

// Relay is the function relay, which a schedule invokes.
type Relay struct {
	Redis  *redis.Client
	Orders *pubsub.Publisher
}

// ServeHTTP publishes what is in the outbox.
func (f *Relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for {
		order, err := f.Redis.LIndex(r.Context(), outbox, 0).Bytes()
		if errors.Is(err, redis.Nil) {
			return
		}
		if err == nil {
			_, err = f.Orders.Publish(r.Context(), &pubsub.Message{Data: order}).Get(r.Context())
		}
		if err == nil {
			err = f.Redis.LRem(r.Context(), outbox, 1, order).Err()
		}
		if err != nil {
			log.Printf("relay: %v", err)
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
	}
}

// Ship is the function ship, which the orders are told to.
type Ship struct{ Labels *storage.BucketHandle }

// Handle prints a label.
func (f *Ship) Handle(ctx context.Context, order struct {
	ID string `json:"order"`
}) error {
	w := f.Labels.Object(order.ID + ".txt").NewWriter(ctx)
	_, err := w.Write([]byte("order " + order.ID))
	return errors.Join(err, w.Close())
}
