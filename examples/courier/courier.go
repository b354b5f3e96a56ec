// Package courier carries parcels: five functions on Cloud Run, as a team
// would deploy them. It knows nothing of wtsim.
//
//	book      HTTP: records a parcel in Cloud Storage, publishes it to "booked"
//	label     on every new object of "parcels": prints its label
//	dispatch  push subscription of "booked": asks route, plans a reminder
//	route     HTTP, for dispatch: which depot a town belongs to
//	remind    task of the queue "reminders": reminds the customer, once
package courier

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/redis/go-redis/v9"
	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Parcel is what is carried.
type Parcel struct {
	ID   string `json:"id"`
	Town string `json:"town"`
}

// Book is the function book.
type Book struct {
	Parcels *storage.BucketHandle
	Booked  *pubsub.Publisher
}

// ServeHTTP books a parcel: 202 once it is recorded and announced.
func (f *Book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var p Parcel
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil || p.ID == "" {
		http.Error(w, "no parcel", http.StatusBadRequest)
		return
	}
	if err := f.book(r.Context(), p); err != nil {
		log.Printf("book %s: %v", p.ID, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (f *Book) book(ctx context.Context, p Parcel) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := create(ctx, f.Parcels.Object(p.ID+".json"), data); err != nil {
		return err
	}
	_, err = f.Booked.Publish(ctx, &pubsub.Message{Data: data, Attributes: map[string]string{"kind": "parcel"}}).Get(ctx)
	return err
}

// create writes an object unless it is there.
func create(ctx context.Context, o *storage.ObjectHandle, data []byte) error {
	w := o.If(storage.Conditions{DoesNotExist: true}).NewWriter(ctx)
	if _, err := w.Write(data); err != nil {
		return errors.Join(err, w.Close())
	}
	err := w.Close()
	var refused *googleapi.Error
	if errors.As(err, &refused) && refused.Code == http.StatusPreconditionFailed {
		return nil
	}
	return err
}

// Label is the function label.
type Label struct{ Parcels, Labels *storage.BucketHandle }

// Handle prints the label of a parcel that was recorded.
func (f *Label) Handle(ctx context.Context, e event.Event) error {
	var object struct{ Name string }
	if err := e.DataAs(&object); err != nil {
		return err
	}
	record, err := f.Parcels.Object(object.Name).NewReader(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = record.Close() }()
	var p Parcel
	if err := json.NewDecoder(record).Decode(&p); err != nil {
		return err
	}
	return create(ctx, f.Labels.Object(p.ID+".txt"), []byte(p.ID+" to "+p.Town))
}

// Dispatch is the function dispatch.
type Dispatch struct {
	HTTP  *http.Client
	Redis *redis.Client
	Tasks *cloudtasks.Client
	Queue string // projects/*/locations/*/queues/*
}

// ServeHTTP takes the envelope of a push subscription.
func (f *Dispatch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var envelope struct{ Message struct{ Data []byte } }
	var p Parcel
	err := json.NewDecoder(r.Body).Decode(&envelope)
	if err == nil {
		err = json.Unmarshal(envelope.Message.Data, &p)
	}
	if err == nil {
		err = f.dispatch(r.Context(), p)
	}
	if err != nil {
		log.Printf("dispatch %s: %v", p.ID, err)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (f *Dispatch) dispatch(ctx context.Context, p Parcel) error {
	depot, err := f.depot(ctx, p.Town)
	if err != nil {
		return err
	}
	if err := f.Redis.SAdd(ctx, "depot:"+depot, p.ID).Err(); err != nil {
		return err
	}
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = f.Tasks.CreateTask(ctx, &cloudtaskspb.CreateTaskRequest{Parent: f.Queue, Task: &cloudtaskspb.Task{
		Name:         f.Queue + "/tasks/remind-" + p.ID,
		ScheduleTime: timestamppb.New(time.Now().Add(24 * time.Hour)),
		MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
			Url: "https://remind.example/", HttpMethod: cloudtaskspb.HttpMethod_POST, Body: body}},
	}})
	if status.Code(err) == codes.AlreadyExists {
		return nil
	}
	return err
}

func (f *Dispatch) depot(ctx context.Context, town string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://route/"+town, nil)
	if err != nil {
		return "", err
	}
	resp, err := f.HTTP.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("route: %s", resp.Status)
	}
	return string(bytes.TrimSpace(body)), err
}

// Route is the function route.
type Route struct{ Redis *redis.Client }

// ServeHTTP names the depot of a town.
func (f *Route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	depot, err := f.Redis.HGet(r.Context(), "depots", r.URL.Path[1:]).Result()
	if err != nil {
		http.Error(w, "no depot", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte(depot))
}

// Remind is the function remind.
type Remind struct {
	Redis *redis.Client
	HTTP  *http.Client
}

// ServeHTTP reminds the customer of a parcel by mail.
func (f *Remind) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var p Parcel
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		http.Error(w, "no parcel", http.StatusBadRequest)
		return
	}
	if err := f.remind(r.Context(), p); err != nil {
		log.Printf("remind %s: %v", p.ID, err)
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (f *Remind) remind(ctx context.Context, p Parcel) error {
	sent, err := f.Redis.Exists(ctx, "reminded:"+p.ID).Result()
	if err != nil || sent == 1 {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://mail.example/send", bytes.NewReader([]byte(`{"parcel":"`+p.ID+`"}`)))
	if err != nil {
		return err
	}
	r.Header.Set("Idempotency-Key", p.ID) // the provider sends one mail a key
	resp, err := f.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("mail: %s", resp.Status)
	}
	return f.Redis.Set(ctx, "reminded:"+p.ID, 1, 48*time.Hour).Err()
}
