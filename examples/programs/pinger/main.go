// Command pinger exits when it cannot reach its store at the start, as many
// programs do, and leaves behind what it has done by then: it takes a number
// before it looks.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
)

var db = redis.NewClient(&redis.Options{Addr: "redis:6379", MaxRetries: -1})

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	number, err := db.Incr(ctx, "instances").Result()
	if err != nil {
		log.Fatalf("number: %v", err)
	}
	if err := db.Ping(ctx).Err(); err != nil {
		log.Fatalf("ping: %v", err)
	}
	if err := db.SAdd(ctx, "running", number).Err(); err != nil {
		log.Fatalf("register: %v", err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		running, err := db.SCard(r.Context(), "running").Result()
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "%d of %d are running\n", running, number)
	})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
