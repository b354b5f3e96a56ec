// Command ten does ten operations a request.
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/redis/go-redis/v9"
)

var db = redis.NewClient(&redis.Options{Addr: "redis:6379"})

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		for range 10 {
			if err := db.Incr(r.Context(), "n").Err(); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
	})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
