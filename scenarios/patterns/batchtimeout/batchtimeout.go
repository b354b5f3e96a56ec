// Package batchtimeout starts the processing of uploaded documents, a batch at
// a time.
//
// Drain pulls a batch of uploads, starts an execution for each, and
// acknowledges the batch when it is done with all. When its time is up in the
// middle of a batch, none of it is acknowledged: what was started comes again
// with the rest, and is started again. Every document of the batch that was
// reached is processed twice, and paid for twice.
//
// Reported: aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws,
// issue 904 (a Lambda function on an SQS queue that starts Step Functions
// executions; here one that Cloud Scheduler calls, that pulls from Pub/Sub and
// creates tasks in Cloud Tasks).
//
// Provoked by: the time limit, or whatever else ends an invocation in the
// middle of its batch.
//
// Remedy: the execution is named after the document. Starting one that was
// started before changes nothing.
package batchtimeout

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/storage"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	uploads    = "projects/docs/subscriptions/uploads"
	executions = "projects/docs/locations/europe-west6/queues/executions"
)

// Drain is the function drain.
type Drain struct {
	PubSub   *pubsub.Client
	Tasks    *cloudtasks.Client
	Repaired bool
}

// ServeHTTP starts an execution for every upload that waits.
func (f *Drain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := f.drain(r.Context()); err != nil {
		log.Printf("drain: %v", err)
		http.Error(w, "the batch comes again", http.StatusInternalServerError)
	}
}

func (f *Drain) drain(ctx context.Context) error {
	batch, err := f.PubSub.SubscriptionAdminClient.Pull(ctx, &pubsubpb.PullRequest{Subscription: uploads, MaxMessages: 50})
	if err != nil || len(batch.ReceivedMessages) == 0 {
		return err
	}
	var started []string
	for _, m := range batch.ReceivedMessages {
		if err := f.start(ctx, m.Message.Attributes["objectId"]); err != nil {
			return err
		}
		started = append(started, m.AckId)
	}
	return f.PubSub.SubscriptionAdminClient.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: uploads, AckIds: started})
}

func (f *Drain) start(ctx context.Context, document string) error {
	execution := &cloudtaskspb.Task{MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
		Url:  "https://process.example/",
		Body: fmt.Appendf(nil, `{"document":%q}`, document),
	}}}
	if f.Repaired {
		execution.Name = executions + "/tasks/" + document
	}
	_, err := f.Tasks.CreateTask(ctx, &cloudtaskspb.CreateTaskRequest{Parent: executions, Task: execution})
	if status.Code(err) == codes.AlreadyExists {
		return nil // started by an earlier batch
	}
	return err
}

// Upload is the function upload.
type Upload struct{ Documents *storage.BucketHandle }

// ServeHTTP stores a document under the name that its path says.
func (f *Upload) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	object := f.Documents.Object(r.URL.Path[1:]).NewWriter(r.Context())
	if _, err := io.Copy(object, r.Body); err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	if err := object.Close(); err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusCreated)
}
