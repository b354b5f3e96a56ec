// Package shop takes orders.
package shop

import (
	"encoding/json"
	"net/http"

	"github.com/redis/go-redis/v9"
)

type order struct {
	ID   string `json:"id"`
	Item string `json:"item"`
}

// NewOrders returns what serves /orders/.
func NewOrders(rdb *redis.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		item, err := rdb.Get(r.Context(), "order:"+r.PathValue("id")).Result()
		if err == redis.Nil {
			http.NotFound(w, r)
			return
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(order{r.PathValue("id"), item})
	})
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		var o order
		if err := json.NewDecoder(r.Body).Decode(&o); err != nil || o.ID == "" {
			http.Error(w, "no order", http.StatusBadRequest)
			return
		}
		if err := rdb.Set(r.Context(), "order:"+o.ID, o.Item, 0).Err(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	return mux
}

type healthy struct{}

func (healthy) ServeHTTP(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }

var health http.Handler = healthy{}
