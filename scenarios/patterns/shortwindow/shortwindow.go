// Package shortwindow makes reports that take a while, for users who ask until
// they are there.
//
// Report passes a request on to be worked on if nobody has asked for the same
// report in the last five minutes. A run can take longer than that, and its
// user asks again after six. The same request is passed on as a new message,
// whose run knows nothing of the first: there are two, and both are paid for.
//
// Reported: aws-powertools/powertools-lambda-python, issue 2023 (the window is
// that of an SQS FIFO queue; here it is a key in Redis, in front of a Pub/Sub
// topic).
//
// Provoked by: a run that is held up for longer than the window.
//
// Remedy: a run is known by its report (an idempotency key) and not by the
// message that has led to it. The key lasts as long as the runs do.
package shortwindow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/redis/go-redis/v9"
)

const window = 5 * time.Minute

// Report is the function report.
type Report struct {
	Redis   *redis.Client
	Reports *storage.BucketHandle
	Asked   *pubsub.Publisher
}

// ServeHTTP answers with the report that the path names, or has it made.
func (f *Report) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	object, err := f.Reports.Object(name).NewReader(r.Context())
	switch {
	case errors.Is(err, storage.ErrObjectNotExist):
		if err = f.ask(r.Context(), name); err == nil {
			w.Header().Set("Retry-After", "360")
			http.Error(w, "not there yet", http.StatusServiceUnavailable)
		}
	case err == nil:
		_, err = io.Copy(w, object)
		err = errors.Join(err, object.Close())
	}
	if err != nil {
		log.Printf("report %s: %v", name, err)
		http.Error(w, "try again", http.StatusInternalServerError)
	}
}

func (f *Report) ask(ctx context.Context, name string) error {
	first, err := f.Redis.SetNX(ctx, "asked:"+name, "1", window).Result()
	if err != nil || !first {
		return err
	}
	_, err = f.Asked.Publish(ctx, &pubsub.Message{Data: []byte(name)}).Get(ctx)
	return err
}

// Run is the function run.
type Run struct {
	Reports  *storage.BucketHandle
	HTTP     *http.Client
	Repaired bool
}

// Handle makes a report that is not there yet.
func (f *Run) Handle(ctx context.Context, e cloudevents.Event) error {
	var pushed struct {
		Message struct {
			ID   string `json:"messageId"`
			Data []byte
		}
	}
	if err := e.DataAs(&pushed); err != nil {
		return err
	}
	name, key := string(pushed.Message.Data), pushed.Message.ID
	if f.Repaired {
		key = name
	}
	_, err := f.Reports.Object(name).Attrs(ctx)
	if !errors.Is(err, storage.ErrObjectNotExist) {
		return err
	}
	numbers, err := f.compute(ctx, name, key)
	if err != nil {
		return err
	}
	w := f.Reports.Object(name).NewWriter(ctx)
	_, err = w.Write(numbers)
	return errors.Join(err, w.Close())
}

// compute has the provider start a run, unless the key's was started before.
func (f *Run) compute(ctx context.Context, name, key string) ([]byte, error) {
	body, err := json.Marshal(map[string]string{"report": name})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://numbers.example/runs", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	resp, err := f.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		return nil, fmt.Errorf("run: %s", resp.Status)
	}
	return io.ReadAll(resp.Body)
}
