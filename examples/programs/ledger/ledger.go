// Package ledger has functions that the Functions Framework serves: one books what
// messages say into accounts, the other tells what is in one. It remembers in a
// package variable what it has booked: a reused instance still knows, a new one
// does not.
package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/redis/go-redis/v9"
)

var (
	db = redis.NewClient(&redis.Options{Addr: address()})

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

func init() {
	functions.CloudEvent("book", book)
	functions.HTTP("balance", balance)
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

// balance tells what is in an account: GET /rent.
func balance(w http.ResponseWriter, r *http.Request) {
	account := strings.Trim(r.URL.Path, "/")
	if r.Method != http.MethodGet || account == "" {
		http.Error(w, "wanted GET /account", http.StatusBadRequest)
		return
	}
	amount, err := db.Get(r.Context(), "account:"+account).Int64()
	switch {
	case errors.Is(err, redis.Nil):
		http.NotFound(w, r)
	case err != nil:
		log.Printf("balance of %s: %v", account, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"account": account, "amount": amount})
	}
}

// address is where the store is.
func address() string {
	if host := os.Getenv("REDISHOST"); host != "" {
		return host + ":" + os.Getenv("REDISPORT")
	}
	return "redis:6379"
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
