// Package samples is a photo album, written as the public samples of Cloud
// Run functions are: functions of the Functions Framework's signatures whose
// clients are package-level variables that are made when the program starts.
//
//	Upload             HTTP      stores a photo in the bucket PHOTOS
//	Thumbnail          event     makes its thumbnail, and says so on the topic TOPIC
//	CountThumbnails    event     counts thumbnails in the Redis at REDISHOST:REDISPORT, each message once
//	CountEveryMessage  event     the same with the bug that a message that comes twice counts twice
//	Order              HTTP      puts a print of a photo into the queue QUEUE of the Cloud Tasks at TASKS
//	Print              task      publishes that it is printed on the topic TOPIC
//	Prints             HTTP      receives from the subscription PRINTS for a while, and counts in the Redis
package samples

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/redis/go-redis/v9"
)

var (
	rdb       = redis.NewClient(&redis.Options{Addr: os.Getenv("REDISHOST") + ":" + os.Getenv("REDISPORT")})
	buckets   *storage.Client
	messages  *pubsub.Client
	publisher *pubsub.Publisher
)

func init() {
	var err error
	ctx := context.Background()
	if buckets, err = storage.NewClient(ctx); err != nil {
		log.Fatalf("storage.NewClient: %v", err)
	}
	if messages, err = pubsub.NewClient(ctx, os.Getenv("GOOGLE_CLOUD_PROJECT")); err != nil {
		log.Fatalf("pubsub.NewClient: %v", err)
	}
	publisher = messages.Publisher(os.Getenv("TOPIC"))
}

// Upload stores the photo in a request's body under the request's path.
func Upload(w http.ResponseWriter, r *http.Request) {
	o := buckets.Bucket(os.Getenv("PHOTOS")).Object(strings.Trim(r.URL.Path, "/")).NewWriter(r.Context())
	if _, err := io.Copy(o, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if err := o.Close(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// object is what a storage event tells.
type object struct {
	Bucket string `json:"bucket"`
	Name   string `json:"name"`
}

// Thumbnail is invoked by google.cloud.storage.object.v1.finalized.
func Thumbnail(ctx context.Context, e event.Event) error {
	var o object
	if err := e.DataAs(&o); err != nil {
		return fmt.Errorf("event.DataAs: %w", err)
	}
	in, err := buckets.Bucket(o.Bucket).Object(o.Name).NewReader(ctx)
	if err != nil {
		return fmt.Errorf("reading %q: %w", o.Name, err)
	}
	defer in.Close()
	photo, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("io.ReadAll: %w", err)
	}
	out := buckets.Bucket(os.Getenv("THUMBNAILS")).Object(o.Name).NewWriter(ctx)
	if _, err := out.Write(shrink(photo)); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	return publish(ctx, o)
}

// shrink makes a small picture.
func shrink(photo []byte) []byte { return photo[:min(len(photo), 4)] }

func publish(ctx context.Context, o object) error {
	data, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	if _, err := publisher.Publish(ctx, &pubsub.Message{Data: data}).Get(ctx); err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	return nil
}

// messagePublished is what a Pub/Sub event tells.
// https://cloud.google.com/eventarc/docs/cloudevents
type messagePublished struct {
	Message struct {
		Data []byte `json:"data"`
	} `json:"message"`
}

// CountThumbnails is invoked by google.cloud.pubsub.topic.v1.messagePublished.
// A photo counts once, however often its thumbnail was made.
func CountThumbnails(ctx context.Context, e event.Event) error {
	o, err := published(e)
	if err != nil {
		return err
	}
	return rdb.SAdd(ctx, "thumbnails", o.Name).Err()
}

// CountEveryMessage counts messages.
func CountEveryMessage(ctx context.Context, e event.Event) error {
	o, err := published(e)
	if err != nil {
		return err
	}
	return rdb.ZIncrBy(ctx, "counts", 1, o.Name).Err()
}

func published(e event.Event) (object, error) {
	var m messagePublished
	if err := e.DataAs(&m); err != nil {
		return object{}, fmt.Errorf("event.DataAs: %w", err)
	}
	var o object
	if err := json.Unmarshal(m.Message.Data, &o); err != nil {
		return object{}, fmt.Errorf("json.Unmarshal: %w", err)
	}
	return o, nil
}
