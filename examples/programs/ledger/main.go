// Command ledger is a function that the Functions Framework serves: it books
// what messages say into accounts. It remembers in a package variable what it has
// booked: a reused instance still knows, a new one does not.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sync"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/redis/go-redis/v9"
)

var (
	db = redis.NewClient(&redis.Options{Addr: "redis:6379"})

	mu     sync.Mutex
	booked = map[string]bool{} // by message
)

// published is what Eventarc delivers for a message.
type published struct {
	Message struct {
		Data []byte `json:"data"`
		ID   string `json:"messageId"`
	} `json:"message"`
}

type booking struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Amount  int64  `json:"amount"`
}

func init() { functions.CloudEvent("book", book) }

func main() {
	if err := funcframework.Start(os.Getenv("PORT")); err != nil {
		log.Fatalf("start: %v", err)
	}
}

// book adds an amount to an account, once for a message.
func book(ctx context.Context, e event.Event) error {
	var p published
	if err := e.DataAs(&p); err != nil {
		return fmt.Errorf("event %s: %w", e.ID(), err)
	}
	if seen(p.Message.ID) {
		return nil
	}
	var b booking
	if err := json.Unmarshal(p.Message.Data, &b); err != nil {
		log.Printf("message %s is no booking: %v", p.Message.ID, err)
		return nil // it would come again for ever
	}
	if err := db.IncrBy(ctx, "account:"+b.Account, b.Amount).Err(); err != nil {
		return fmt.Errorf("message %s: %w", p.Message.ID, err)
	}
	note(p.Message.ID)
	return nil
}

func seen(id string) bool {
	mu.Lock()
	defer mu.Unlock()
	return booked[id]
}

func note(id string) {
	mu.Lock()
	defer mu.Unlock()
	booked[id] = true
}
