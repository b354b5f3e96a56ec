// Command worker serves nobody: it counts three times, and ends.
package main

import (
	"context"
	"log"
	"time"

	"github.com/redis/go-redis/v9"
)

var db = redis.NewClient(&redis.Options{Addr: "redis:6379"})

func main() {
	ticker := time.NewTicker(time.Minute)
	for range 3 {
		<-ticker.C
		if err := db.Incr(context.Background(), "rounds").Err(); err != nil {
			log.Fatal(err)
		}
	}
}
