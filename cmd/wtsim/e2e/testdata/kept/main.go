// Command kept serves the shop. It knows nothing of recordings.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"

	goredis "github.com/redis/go-redis/v9"

	"example.com/counter/shop"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: &shop.Shop{Store: goredis.NewClient(&goredis.Options{Addr: os.Getenv("REDIS_ADDR")})}}
	fmt.Println("listening on " + l.Addr().String())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	go func() { _ = server.Serve(l) }()
	<-ctx.Done()
	_ = server.Shutdown(context.Background())
}
