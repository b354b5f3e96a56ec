package samples

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/pubsub/v2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// queue has its options as Cloud Tasks has no emulator variable.
var queue *cloudtasks.Client

func init() {
	var err error
	queue, err = cloudtasks.NewClient(context.Background(), option.WithEndpoint(os.Getenv("TASKS")), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		log.Fatalf("cloudtasks.NewClient: %v", err)
	}
}

// Order orders a print of the photo under the request's path.
func Order(w http.ResponseWriter, r *http.Request) {
	_, err := queue.CreateTask(r.Context(), &cloudtaskspb.CreateTaskRequest{
		Parent: "projects/" + os.Getenv("GOOGLE_CLOUD_PROJECT") + "/locations/europe-west1/queues/" + os.Getenv("QUEUE"),
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

// Print is invoked by a task.
func Print(w http.ResponseWriter, r *http.Request) {
	if _, err := publisher.Publish(r.Context(), &pubsub.Message{Data: []byte(r.URL.Path)}).Get(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// Prints receives for ten seconds what was printed, and counts it.
func Prints(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	err := messages.Subscriber(os.Getenv("PRINTS")).Receive(ctx, func(ctx context.Context, m *pubsub.Message) {
		if rdb.SAdd(context.WithoutCancel(ctx), "prints", m.Data).Err() != nil {
			m.Nack()
			return
		}
		m.Ack()
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
