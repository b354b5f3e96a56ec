package checkout

import (
	"context"
	"fmt"

	"cloud.google.com/go/storage"
	"github.com/redis/go-redis/v9"
)

// Fulfil is the function fulfil.
type Fulfil struct {
	Redis    *redis.Client
	Receipts *storage.BucketHandle
	Variant  Variant
}

// Receipt is what the customer gets.
type Receipt struct {
	Order  string `json:"order"`
	Status string `json:"status"` // "shipped" or "sold out"
}

// Handle takes the goods of a paid order out of stock, once, and writes the
// receipt.
func (f *Fulfil) Handle(ctx context.Context, data []byte) error {
	o, err := decode(data)
	if err != nil {
		return err
	}
	status, err := f.take(ctx, o)
	if err != nil {
		return fmt.Errorf("stock: %w", err)
	}
	if _, err := create(ctx, f.Receipts, o.ID+".json", Receipt{Order: o.ID, Status: status}); err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	return nil
}

// take returns what became of the order: "shipped" if one item was taken out
// of stock for it, now or by an earlier attempt.
func (f *Fulfil) take(ctx context.Context, o Order) (status string, err error) {
	if f.Variant.ReadThenWrite {
		return f.takeFrom(ctx, f.Redis, o)
	}
	err = f.Redis.Watch(ctx, func(tx *redis.Tx) error {
		status, err = f.takeFrom(ctx, tx, o)
		return err
	}, "stock:"+o.Item, "fulfilled:"+o.ID)
	return status, err
}

func (f *Fulfil) takeFrom(ctx context.Context, c redis.Cmdable, o Order) (string, error) {
	done, err := missing(c.Get(ctx, "fulfilled:"+o.ID).Result())
	if err != nil || done != "" {
		return done, err
	}
	left, err := c.Get(ctx, "stock:"+o.Item).Int()
	if err != nil {
		return "", err
	}
	status := "shipped"
	if left == 0 {
		status = "sold out"
	}
	_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		if left > 0 {
			p.Set(ctx, "stock:"+o.Item, left-1, 0)
		}
		p.Set(ctx, "fulfilled:"+o.ID, status, 0)
		return nil
	})
	return status, err
}
