package checkout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	"github.com/redis/go-redis/v9"
)

// PlaceOrder is the function place-order.
type PlaceOrder struct {
	Redis   *redis.Client
	Orders  *storage.BucketHandle
	Placed  *pubsub.Publisher
	Variant Variant
}

// ServeHTTP takes an order: 202 if it will be charged and fulfilled.
func (p *PlaceOrder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var o Order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil || o.ID == "" {
		http.Error(w, "no order", http.StatusBadRequest)
		return
	}
	err := p.place(r.Context(), o)
	switch {
	case errors.Is(err, errNoCart):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		log.Printf("place-order %s: %v", o.ID, err)
		http.Error(w, "try again", http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
}

func (p *PlaceOrder) place(ctx context.Context, o Order) error {
	o, err := p.fill(ctx, o)
	if err != nil {
		return err
	}
	created, err := create(ctx, p.Orders, o.ID+".json", o)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if p.Variant.PublishOnce && !created {
		return nil // it was published when it was recorded, or so it is hoped
	}
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if _, err := p.Placed.Publish(ctx, &pubsub.Message{Data: data}).Get(ctx); err != nil {
		return err
	}
	return p.Redis.Del(ctx, "cart:"+o.Customer).Err()
}

// fill completes the order from the customer's cart, or from its record if
// the cart was emptied by an earlier attempt.
func (p *PlaceOrder) fill(ctx context.Context, o Order) (Order, error) {
	item, err := missing(p.Redis.Get(ctx, "cart:"+o.Customer).Result())
	if err != nil {
		return o, fmt.Errorf("cart: %w", err)
	}
	if item == "" {
		return p.recorded(ctx, o.ID)
	}
	o.Item, o.Cents = item, 1200
	return o, nil
}

func (p *PlaceOrder) recorded(ctx context.Context, id string) (Order, error) {
	r, err := p.Orders.Object(id + ".json").NewReader(ctx)
	if errors.Is(err, storage.ErrObjectNotExist) {
		return Order{}, errNoCart
	}
	if err != nil {
		return Order{}, fmt.Errorf("record: %w", err)
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(r)
	if err != nil {
		return Order{}, fmt.Errorf("record: %w", err)
	}
	return decode(data)
}
