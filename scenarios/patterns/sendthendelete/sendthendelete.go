// Package sendthendelete sends the mails of campaigns, which lie in an outbox
// until they are sent.
//
// Send has the provider send a mail, and then deletes it from the outbox.
// When it dies in between, the mail still lies there, and the next attempt
// knows nothing of the first: whoever is on the list gets the mail twice.
//
// Reported: microapps/MoonMail, sendEmails (a Lambda function that deletes
// messages of SQS when it has sent them; here objects of Cloud Storage, and
// Cloud Tasks to invoke the function).
//
// Provoked by: a crash between the sending and the deletion, or a deletion
// that fails.
//
// Remedy: an idempotency key made of the campaign and the address, by which
// the provider knows a mail that it has sent.
package sendthendelete

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"path"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/storage"
	"github.com/redis/go-redis/v9"
	"google.golang.org/api/iterator"
)

// Start is the function start: POST /campaigns/spring.
type Start struct {
	Tasks *cloudtasks.Client
	Queue string // projects/.../queues/campaigns
}

// ServeHTTP starts a campaign: 202 if its mails will be sent.
func (f *Start) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	campaign := path.Base(r.URL.Path)
	_, err := f.Tasks.CreateTask(r.Context(), &cloudtaskspb.CreateTaskRequest{Parent: f.Queue, Task: &cloudtaskspb.Task{
		MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
			Url: "https://send.example/campaigns/" + campaign}},
	}})
	if err != nil {
		log.Printf("start %s: %v", campaign, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// Send is the function send, which a task invokes.
type Send struct {
	Outbox   *storage.BucketHandle // campaign/address
	HTTP     *http.Client
	Repaired bool
}

// ServeHTTP sends the mails of a campaign that are in the outbox.
func (f *Send) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := f.sendAll(r.Context(), path.Base(r.URL.Path)); err != nil {
		log.Printf("send: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Send) sendAll(ctx context.Context, campaign string) error {
	for mails := f.Outbox.Objects(ctx, &storage.Query{Prefix: campaign + "/"}); ; {
		mail, err := mails.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err == nil {
			err = f.send(ctx, mail.Name)
		}
		if err == nil {
			err = f.Outbox.Object(mail.Name).Delete(ctx)
		}
		if err != nil && !errors.Is(err, storage.ErrObjectNotExist) {
			return err
		}
	}
}

func (f *Send) send(ctx context.Context, name string) error {
	text, err := f.Outbox.Object(name).NewReader(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = text.Close() }()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://mail.example/messages/"+name, io.NopCloser(text))
	if err != nil {
		return err
	}
	if f.Repaired {
		r.Header.Set("Idempotency-Key", name)
	}
	resp, err := f.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("mail.example: %s", resp.Status)
	}
	return nil
}

// Opened is the function opened, the picture in each mail.
type Opened struct{ Redis *redis.Client }

// ServeHTTP counts who has opened a mail.
func (f *Opened) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.Redis.PFAdd(r.Context(), "opened:"+path.Base(r.URL.Path), r.URL.Query().Get("address")) // best effort
	w.Header().Set("Content-Type", "image/gif")
}
