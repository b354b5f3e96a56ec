// Command clients calls services as production programs do: at their default
// endpoints, or where an emulator's variable says, with clients of its own.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	pubsub1 "cloud.google.com/go/pubsub"
	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	"github.com/gomodule/redigo/redis"
	"github.com/redis/rueidis"
)

var (
	background = context.Background()
	project    = os.Getenv("GOOGLE_CLOUD_PROJECT")

	pool = &redis.Pool{MaxIdle: 4, Dial: func() (redis.Conn, error) { return redis.Dial("tcp", "redis:6379") }}

	// clients that are made when the program starts, all at once
	messages = must(pubsub.NewClient(background, project))
	objects  = must(storage.NewClient(background))
	queues   = must(cloudtasks.NewClient(background))

	older   = sync.OnceValue(func() *pubsub1.Client { return must(pubsub1.NewClient(background, project)) })
	another = sync.OnceValue(func() rueidis.Client {
		return must(rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"redis:6379"}}))
	})
)

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

func main() {
	for path, call := range map[string]func(context.Context, string) (string, error){
		"/pubsub": publish, "/pubsub1": publish1, "/storage": store, "/tasks": enqueue, "/redigo": count, "/rueidis": countTo, "/got": count, "/task": count,
	} {
		http.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			got, err := call(r.Context(), r.URL.Path)
			if err != nil {
				log.Print(err)
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			fmt.Fprintln(w, got)
		})
	}
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}

func publish(ctx context.Context, key string) (string, error) {
	return messages.Publisher("orders").Publish(ctx, &pubsub.Message{Data: []byte(key)}).Get(ctx)
}

func publish1(ctx context.Context, key string) (string, error) {
	return older().Topic("orders").Publish(ctx, &pubsub1.Message{Data: []byte(key)}).Get(ctx)
}

func store(ctx context.Context, key string) (string, error) {
	o := objects.Bucket("photos").Object("cat")
	w := o.NewWriter(ctx)
	if _, err := io.WriteString(w, key); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	r, err := o.NewReader(ctx)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func enqueue(ctx context.Context, _ string) (string, error) {
	t, err := queues.CreateTask(ctx, &cloudtaskspb.CreateTaskRequest{
		Parent: "projects/" + project + "/locations/europe-west1/queues/work",
		Task: &cloudtaskspb.Task{MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
			Url: "https://clients/task", HttpMethod: cloudtaskspb.HttpMethod_POST, Body: []byte("work")}}},
	})
	return t.GetName(), err
}

func count(ctx context.Context, key string) (string, error) {
	c, err := pool.GetContext(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	n, err := redis.Int(c.Do("INCR", key))
	return fmt.Sprint(n), err
}

// countTo counts three at once, which share a connection.
func countTo(ctx context.Context, key string) (string, error) {
	var all sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		all.Go(func() { errs[i] = another().Do(ctx, another().B().Incr().Key(key).Build()).Error() })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return "", err
		}
	}
	return key, nil
}
