// Package earlyreturn approves the orders of a shop once they are paid, and
// says so to whoever ships them.
//
// Approve publishes and returns. Publish only hands the message to a
// goroutine of the client, which sends it a little later. A function that has
// returned has no CPU, and its instance may be taken away at any time: then
// the order is approved and nobody ever ships it.
//
// Reported: kalevalp/hello-retail-baseline, publish (a promise of the Kinesis
// client that nobody awaits; here a result of the Pub/Sub client).
//
// Provoked by: an end of the invocation that the platform notices before the
// message is sent. It waits in the instance, and is gone when that is taken
// away or dies.
//
// Remedy: wait for the result, and fail with it: the event comes again.
package earlyreturn

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	"github.com/cloudevents/sdk-go/v2/event"
)

// Publisher returns a publisher of functions, which send a message at a time:
// to wait for more would be in vain.
func Publisher(c *pubsub.Client, topic string) *pubsub.Publisher {
	p := c.Publisher(topic)
	p.PublishSettings.CountThreshold = 1
	return p
}

// Paid is the function paid, which the payment provider calls.
type Paid struct{ Payments *pubsub.Publisher }

// ServeHTTP takes the number of an order: 202 if it will be approved.
func (f *Paid) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var o Order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil || o.ID == "" {
		http.Error(w, "no order", http.StatusBadRequest)
		return
	}
	if _, err := f.Payments.Publish(r.Context(), o.message()).Get(r.Context()); err != nil {
		log.Printf("paid %s: %v", o.ID, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// Approve is the function approve.
type Approve struct {
	Orders   *storage.BucketHandle
	Approved *pubsub.Publisher
	Repaired bool
}

// Handle approves an order that was paid.
func (f *Approve) Handle(ctx context.Context, e event.Event) error {
	o, err := published(e)
	if err != nil {
		return err
	}
	w := f.Orders.Object("approved/" + o.ID).NewWriter(ctx)
	if err := w.Close(); err != nil {
		return fmt.Errorf("approved/%s: %w", o.ID, err)
	}
	result := f.Approved.Publish(ctx, o.message())
	if f.Repaired {
		_, err = result.Get(ctx)
	}
	return err
}

// Ship is the function ship.
type Ship struct{ Orders *storage.BucketHandle }

// Handle ships an order that was approved.
func (f *Ship) Handle(ctx context.Context, e event.Event) error {
	o, err := published(e)
	if err != nil {
		return err
	}
	return f.Orders.Object("shipped/" + o.ID).NewWriter(ctx).Close()
}

// Order is what travels on the topics.
type Order struct {
	ID string `json:"order"`
}

func (o Order) message() *pubsub.Message {
	data, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings always encode
	}
	return &pubsub.Message{Data: data}
}

// published returns what an event google.cloud.pubsub.topic.v1.messagePublished tells.
func published(e event.Event) (o Order, err error) {
	var m struct{ Message struct{ Data []byte } }
	if err := e.DataAs(&m); err != nil {
		return o, err
	}
	return o, json.Unmarshal(m.Message.Data, &o)
}
