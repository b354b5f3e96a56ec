// Package sharedkey packs and bills orders, in two functions that subscribe to
// the same topic and remember in the same Redis what they have done.
//
// Both ask, by the message's id, whether it was handled before, and note it
// when they are done. But the id is that of the message, not of its delivery
// to one of them. Whoever asks after the other is done does nothing, and the
// order is packed and never billed, or billed and never packed.
//
// Reported: firebase-functions, issue 387 (two functions on one Firestore
// document, whose events have the same id; here two subscriptions of one topic
// of Pub/Sub, whose messages do).
//
// Provoked by: the fan-out itself, as soon as one of the two is late: its
// delivery waits, fails, or has to be tried again. As long as both are under
// way at the same time, all is well.
//
// Remedy: the key is the subscriber's name and the message's id.
package sharedkey

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/redis/go-redis/v9"
)

// Subscriber is the functions pack and bill: it hands orders on to an API.
type Subscriber struct {
	Name     string
	URL      string // of the API
	HTTP     *http.Client
	Redis    *redis.Client
	Repaired bool
}

// push is what a push subscription sends.
type push struct {
	Message struct {
		ID   string `json:"messageId"`
		Data []byte `json:"data"`
	} `json:"message"`
}

// ServeHTTP takes a message; the platform delivers it until the answer is 2xx.
func (f *Subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var delivery push
	if err := json.NewDecoder(r.Body).Decode(&delivery); err != nil {
		http.Error(w, "no message", http.StatusBadRequest)
		return
	}
	if err := f.handle(r.Context(), delivery); err != nil {
		log.Printf("%s: %v", f.Name, err)
		http.Error(w, "again, please", http.StatusServiceUnavailable)
	}
}

func (f *Subscriber) handle(ctx context.Context, p push) error {
	key := "handled:" + p.Message.ID
	if f.Repaired {
		key = "handled:" + f.Name + ":" + p.Message.ID
	}
	handled, err := f.Redis.Exists(ctx, key).Result()
	if err != nil || handled == 1 {
		return err
	}
	if err := f.handOn(ctx, p.Message.Data); err != nil {
		return err
	}
	return f.Redis.Set(ctx, key, "1", 24*time.Hour).Err()
}

func (f *Subscriber) handOn(ctx context.Context, data []byte) error {
	var order struct{ Order string }
	if err := json.Unmarshal(data, &order); err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.URL, bytes.NewReader(data))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", order.Order)
	resp, err := f.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", f.URL, resp.Status)
	}
	return nil
}

// Order is the function order.
type Order struct{ Topic *pubsub.Publisher }

// ServeHTTP takes an order.
func (f *Order) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Order string `json:"order"`
	}
	if err := json.NewDecoder(r.Body).Decode(&order); err != nil {
		http.Error(w, "no order", http.StatusBadRequest)
		return
	}
	data, err := json.Marshal(order)
	if err == nil {
		_, err = f.Topic.Publish(r.Context(), &pubsub.Message{Data: data}).Get(r.Context())
	}
	if err != nil {
		log.Printf("order %s: %v", order.Order, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}
