// Command shipper is a worker: it pulls orders from Pub/Sub, takes what they want
// from the stock and notes them as shipped, until it gets SIGTERM.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/redis/go-redis/v9"
)

var (
	logger = slog.New(slog.NewTextHandler(os.Stdout, nil))

	db = redis.NewClient(&redis.Options{Addr: "redis:6379"})

	shipped atomic.Int64 // by this instance
)

type order struct {
	ID     string `json:"id"`
	Pieces int64  `json:"pieces"`
}

// config is what the environment says.
type config struct {
	project, subscription string
	atOnce                int
}

func configured() (config, error) {
	c := config{project: os.Getenv("GOOGLE_CLOUD_PROJECT"), subscription: os.Getenv("SUBSCRIPTION"), atOnce: 1}
	if c.project == "" || c.subscription == "" {
		return c, errors.New("GOOGLE_CLOUD_PROJECT and SUBSCRIPTION must be set")
	}
	if text := os.Getenv("AT_ONCE"); text != "" {
		var err error
		if c.atOnce, err = strconv.Atoi(text); err != nil {
			return c, fmt.Errorf("AT_ONCE: %w", err)
		}
	}
	return c, nil
}

func main() {
	c, err := configured()
	if err != nil {
		logger.Error("configuration", "error", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := pull(ctx, c); err != nil {
		logger.Error("pull", "error", err)
		os.Exit(1)
	}
	logger.Info("stopped", "shipped", shipped.Load())
}

// pull ships what comes until ctx is done.
func pull(ctx context.Context, c config) error {
	client, err := pubsub.NewClient(context.Background(), c.project)
	if err != nil {
		return err
	}
	defer client.Close()
	sub := client.Subscriber(c.subscription)
	sub.ReceiveSettings.MaxOutstandingMessages = c.atOnce
	sub.ReceiveSettings.MaxExtension = 10 * time.Minute
	logger.Info("pulling", "subscription", c.subscription)
	return sub.Receive(ctx, func(ctx context.Context, m *pubsub.Message) {
		var o order
		if err := json.Unmarshal(m.Data, &o); err != nil || o.ID == "" {
			logger.Error("no order", "message", m.ID, "error", err)
			m.Ack() // it would come again for ever
			return
		}
		if err := ship(ctx, o); err != nil {
			logger.Error("ship", "order", o.ID, "error", err)
			m.Nack()
			return
		}
		m.Ack()
	})
}

// ship takes an order's pieces from the stock, once, and notes that it is shipped.
func ship(ctx context.Context, o order) error {
	done, err := db.SIsMember(ctx, "shipped", o.ID).Result()
	if err != nil {
		return fmt.Errorf("look up: %w", err)
	}
	if done {
		return nil // a message that comes again
	}
	if err := db.IncrBy(ctx, "taken:"+o.ID, o.Pieces).Err(); err != nil {
		return fmt.Errorf("take: %w", err)
	}
	// ctx ends with SIGTERM: what is taken by then is not noted, the message comes
	// again, and is taken once more.
	if err := db.SAdd(ctx, "shipped", o.ID).Err(); err != nil {
		return fmt.Errorf("note: %w", err)
	}
	shipped.Add(1)
	return nil
}
