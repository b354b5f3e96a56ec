// Package fn registers its functions when it starts, as the samples do, with a
// client that all of them share.
package fn

import (
	"context"
	"encoding/json"
	"net/http"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/redis/go-redis/v9"
)

var rdb = redis.NewClient(&redis.Options{Addr: os.Getenv("REDISHOST") + ":" + os.Getenv("REDISPORT")})

// cloud is a name that a scenario needs for something else.
const cloud = "ours"

func init() {
	functions.HTTP("PlaceOrder", placeOrder)
	functions.CloudEvent("Fulfil", fulfil)
	functions.HTTP("Ping", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(cloud)) })
}

func placeOrder(w http.ResponseWriter, r *http.Request) {
	var order struct {
		ID    string   `json:"id"`
		Items []string `json:"items"`
		Price float64  `json:"price"`
	}
	if r.Method != http.MethodPut || json.NewDecoder(r.Body).Decode(&order) != nil {
		http.Error(w, "no order", http.StatusBadRequest)
		return
	}
	if err := rdb.Set(r.Context(), "order:"+order.ID, order.Price, 0).Err(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

func fulfil(ctx context.Context, _ event.Event) error { return rdb.Incr(ctx, "fulfilled").Err() }
