package checkout

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"cloud.google.com/go/pubsub/v2"
	"github.com/redis/go-redis/v9"
)

// Charge is the function charge.
type Charge struct {
	Redis   *redis.Client
	HTTP    *http.Client
	Paid    *pubsub.Publisher
	Variant Variant
}

// Handle charges an order that was placed.
func (c *Charge) Handle(ctx context.Context, data []byte) error {
	o, err := decode(data)
	if err != nil {
		return err
	}
	paid, err := missing(c.Redis.Get(ctx, "paid:"+o.ID).Result())
	if err != nil {
		return fmt.Errorf("paid: %w", err)
	}
	if paid == "" {
		if paid, err = c.pay(ctx, o); err != nil {
			return err
		}
		if err := c.Redis.Set(ctx, "paid:"+o.ID, paid, 0).Err(); err != nil {
			return fmt.Errorf("paid: %w", err)
		}
	}
	_, err = c.Paid.Publish(ctx, &pubsub.Message{Data: data}).Get(ctx)
	return err
}

// pay calls the provider and returns the charge's id.
func (c *Charge) pay(ctx context.Context, o Order) (string, error) {
	body, err := json.Marshal(map[string]any{"order": o.ID, "cents": o.Cents})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://payments.example/charges", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	if !c.Variant.NoIdempotencyKey {
		r.Header.Set("Idempotency-Key", o.ID)
	}
	resp, err := c.HTTP.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		return "", fmt.Errorf("payments: %s", resp.Status)
	}
	var charge struct{ ID string }
	if err := json.NewDecoder(resp.Body).Decode(&charge); err != nil {
		return "", fmt.Errorf("payments: %w", err)
	}
	return charge.ID, nil
}
