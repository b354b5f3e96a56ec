// Package album is a photo album of functions that the Functions Framework serves,
// written as public samples are: nothing is exported, clients are package variables
// that are made when the program starts.
//
//	upload     HTTP   stores a photo in the bucket PHOTOS
//	thumbnail  event  makes its thumbnail, and says so on the topic thumbnails
//	count      event  counts thumbnails, by photo
//	order      HTTP   puts a print of a photo into a queue of Cloud Tasks
//	print      task   publishes on the topic prints that it is printed
//	prints     HTTP   receives for a while what was printed
package album

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/redis/go-redis/v9"
)

var (
	db       = redis.NewClient(&redis.Options{Addr: os.Getenv("REDISHOST") + ":" + os.Getenv("REDISPORT")})
	buckets  *storage.Client
	messages *pubsub.Client
	queues   *cloudtasks.Client

	thumbnails, printed *pubsub.Publisher
)

func init() {
	ctx := context.Background()
	var err error
	if buckets, err = storage.NewClient(ctx); err != nil {
		log.Fatalf("storage: %v", err)
	}
	if messages, err = pubsub.NewClient(ctx, os.Getenv("GOOGLE_CLOUD_PROJECT")); err != nil {
		log.Fatalf("pubsub: %v", err)
	}
	if queues, err = cloudtasks.NewClient(ctx); err != nil {
		log.Fatalf("cloudtasks: %v", err)
	}
	thumbnails, printed = messages.Publisher("thumbnails"), messages.Publisher("prints")
	functions.HTTP("upload", upload)
	functions.CloudEvent("thumbnail", thumbnail)
	functions.CloudEvent("count", count)
	functions.HTTP("order", order)
	functions.HTTP("print", printPhoto)
	functions.HTTP("prints", prints)
}

// upload stores the photo in a request's body under the request's path.
func upload(w http.ResponseWriter, r *http.Request) {
	o := buckets.Bucket("photos").Object(strings.Trim(r.URL.Path, "/")).NewWriter(r.Context())
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

// thumbnail is invoked by google.cloud.storage.object.v1.finalized.
func thumbnail(ctx context.Context, e event.Event) error {
	var o object
	if err := e.DataAs(&o); err != nil {
		return fmt.Errorf("event %s: %w", e.ID(), err)
	}
	in, err := buckets.Bucket(o.Bucket).Object(o.Name).NewReader(ctx)
	if err != nil {
		return fmt.Errorf("reading %q: %w", o.Name, err)
	}
	defer in.Close()
	photo, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("reading %q: %w", o.Name, err)
	}
	out := buckets.Bucket("thumbnails").Object(o.Name).NewWriter(ctx)
	if _, err := out.Write(photo[:min(len(photo), 4)]); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if _, err := thumbnails.Publish(ctx, &pubsub.Message{Data: data}).Get(ctx); err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	return nil
}

// count is invoked by google.cloud.pubsub.topic.v1.messagePublished.
func count(ctx context.Context, e event.Event) error {
	var published struct {
		Message struct {
			Data []byte `json:"data"`
		} `json:"message"`
	}
	if err := e.DataAs(&published); err != nil {
		return fmt.Errorf("event %s: %w", e.ID(), err)
	}
	var o object
	if err := json.Unmarshal(published.Message.Data, &o); err != nil {
		return fmt.Errorf("event %s: %w", e.ID(), err)
	}
	return db.Incr(ctx, "count:"+o.Name).Err()
}

// order orders a print of the photo under the request's path.
func order(w http.ResponseWriter, r *http.Request) {
	_, err := queues.CreateTask(r.Context(), &cloudtaskspb.CreateTaskRequest{
		Parent: "projects/" + os.Getenv("GOOGLE_CLOUD_PROJECT") + "/locations/europe-west1/queues/prints",
		Task: &cloudtaskspb.Task{MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
			Url: "https://print.example" + r.URL.Path, HttpMethod: cloudtaskspb.HttpMethod_POST,
		}}},
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// printPhoto is invoked by a task.
func printPhoto(w http.ResponseWriter, r *http.Request) {
	if _, err := printed.Publish(r.Context(), &pubsub.Message{Data: []byte(r.URL.Path)}).Get(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// prints receives for ten seconds what was printed, and remembers it.
func prints(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	err := messages.Subscriber("printed").Receive(ctx, func(ctx context.Context, m *pubsub.Message) {
		if db.SAdd(context.WithoutCancel(ctx), "prints", m.Data).Err() != nil {
			m.Nack()
			return
		}
		m.Ack()
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
