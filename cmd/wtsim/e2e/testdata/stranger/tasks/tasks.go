// Package tasks does what messages ask for.
package tasks

import (
	"context"
	"encoding/json"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/redis/go-redis/v9"
)

// Worker marks what is to be done as done.
type Worker struct{ Redis redis.Cmdable }

type published struct {
	Message struct {
		Data []byte `json:"data"`
	} `json:"message"`
}

// Handle takes a message.
func (w *Worker) Handle(ctx context.Context, e event.Event) error {
	var p published
	if err := e.DataAs(&p); err != nil {
		return err
	}
	var job struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(p.Message.Data, &job); err != nil {
		return err
	}
	return w.Redis.SAdd(ctx, "done", job.Name).Err()
}
