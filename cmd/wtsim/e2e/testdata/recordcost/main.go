// Command recordcost makes calls, as many as it is told, and prints how long one
// took: "http" or "redis", and a number, a line.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
)

func main() {
	store := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR")})
	calls := map[string]func(context.Context) error{
		"http": func(ctx context.Context) error {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, os.Getenv("HTTP_URL")+"/items/7", nil)
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				return err
			}
			defer func() { _ = resp.Body.Close() }()
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		},
		"redis": func(ctx context.Context) error { return store.Set(ctx, "item/7", "v", 0).Err() },
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var kind string
		var n int
		if _, err := fmt.Sscan(lines.Text(), &kind, &n); err != nil {
			log.Fatal(err)
		}
		began := time.Now()
		for range n {
			if err := calls[kind](context.Background()); err != nil {
				log.Fatal(err)
			}
		}
		fmt.Println(time.Since(began).Nanoseconds() / int64(n))
	}
}
