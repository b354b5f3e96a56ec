// Package saga sells flights: it charges the customer, asks the airline for a
// ticket, and refunds the charge where there is none.
//
// Sell takes every failure of a step for "it has not happened". A charge whose
// answer is lost is then not refunded, a ticket whose answer is lost is refunded
// and flown all the same, and a refund that is repeated is paid twice. The
// customer has paid for nothing, or has flown for nothing.
//
// Reported: aws-samples/aws-serverless-airline-booking, its state machine (steps
// of AWS Step Functions, whose Catch leads to the compensations; here a task of
// Cloud Tasks that does one step after the other, and is repeated as a whole).
//
// Provoked by: a lost response of any step, or a task that runs twice.
//
// Remedy: what is not known is not compensated: the saga is repeated until each
// step has said yes or no, and each step carries a key, so that it may be.
package saga

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
)

// Order is what a customer asks for.
type Order struct {
	Booking string `json:"booking"`
	Flight  string `json:"flight"`
	Amount  int    `json:"amount"`
}

// Accept is the function accept, which queues a saga.
type Accept struct {
	Tasks *cloudtasks.Client
	Queue string // projects/P/locations/L/queues/Q
	URL   string // of the function sell
}

// ServeHTTP accepts an order.
func (f *Accept) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		_, err = f.Tasks.CreateTask(r.Context(), &cloudtaskspb.CreateTaskRequest{Parent: f.Queue, Task: &cloudtaskspb.Task{
			MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{Url: f.URL, Body: body}}}})
	}
	if err != nil {
		log.Printf("accept: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// Sell is the function sell, which Cloud Tasks invokes.
type Sell struct {
	HTTP     *http.Client
	Repaired bool
}

var errRefused = errors.New("refused")

// ServeHTTP goes through a saga. An answer of 5xx makes the queue repeat it.
func (f *Sell) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var o Order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		log.Printf("sell: %v", err)
		return // it will not get better
	}
	if err := f.sell(r.Context(), o); err != nil {
		log.Printf("sell %s: %v", o.Booking, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Sell) sell(ctx context.Context, o Order) error {
	err := f.step(ctx, http.MethodPost, "https://payments.example/charges", "charge-"+o.Booking, o)
	if f.failed(err) {
		return nil // not charged: nothing to compensate
	}
	if err != nil {
		return err
	}
	err = f.step(ctx, http.MethodPut, "https://airline.example/tickets/"+o.Booking, "", o)
	if f.failed(err) {
		key := ""
		if f.Repaired {
			key = "refund-" + o.Booking
		}
		return f.step(ctx, http.MethodPost, "https://payments.example/refunds", key, o)
	}
	return err
}

// failed reports whether a step has not happened.
func (f *Sell) failed(err error) bool {
	if f.Repaired {
		return errors.Is(err, errRefused)
	}
	return err != nil
}

// step asks a service to do something. The error is errRefused if it has
// said that it will not; with any other it may have happened.
func (f *Sell) step(ctx context.Context, method, url, key string, o Order) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := f.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	switch {
	case answer.StatusCode < 300:
		return nil
	case answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests:
		return fmt.Errorf("%s: %s: %w", url, answer.Status, errRefused)
	}
	return fmt.Errorf("%s: %s", url, answer.Status)
}
