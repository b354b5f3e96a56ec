// Command pair is a function of Lambda whose instances serve two invocations at a
// time: each reads a word in two goroutines, and writes it.
package main

import (
	"context"
	"sync"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/redis/go-redis/v9"
)

var db = redis.NewClient(&redis.Options{Addr: "redis:6379"})

func handle(ctx context.Context, r events.LambdaFunctionURLRequest) (string, error) {
	var read sync.WaitGroup
	for _, key := range []string{"one", "two"} {
		read.Go(func() { db.Get(ctx, key+r.RawPath) })
	}
	read.Wait()
	return "done", db.Set(ctx, "last"+r.RawPath, "x", 0).Err()
}

func main() { lambda.Start(handle) }
