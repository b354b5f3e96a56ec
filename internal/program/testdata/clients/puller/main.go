// Command puller counts what it pulls, until it is told to end.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"cloud.google.com/go/pubsub/v2"
	"github.com/gomodule/redigo/redis"
)

var pool = &redis.Pool{MaxIdle: 4, Dial: func() (redis.Conn, error) { return redis.Dial("tcp", "redis:6379") }}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	client, err := pubsub.NewClient(ctx, os.Getenv("GOOGLE_CLOUD_PROJECT"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	err = client.Subscriber("work").Receive(ctx, func(_ context.Context, m *pubsub.Message) {
		c := pool.Get()
		defer c.Close()
		if _, err := c.Do("INCR", "seen:"+string(m.Data)); err != nil {
			log.Print(err)
			m.Nack()
			return
		}
		m.Ack()
	})
	log.Print("ends: ", err)
}
