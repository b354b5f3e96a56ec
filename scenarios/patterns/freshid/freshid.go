// Package freshid reserves seats, under an identifier that every attempt draws
// anew.
//
// Reserve creates a reservation and answers with its id. When the answer is
// lost, the caller tries again, as it must, and the second attempt knows
// nothing of the first: it draws another id and creates another reservation.
// The customer has two seats and pays for both.
//
// Reported: aws-samples/aws-serverless-airline-booking, issue 167 (a Lambda
// function that puts to DynamoDB, retried by Step Functions; here a function
// over HTTP that writes to Cloud Storage, retried by its client).
//
// Provoked by: a lost response, or a crash after the write.
//
// Remedy: the request names the reservation (an idempotency key), and the
// write is conditional on the object not being there.
package freshid

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"

	"cloud.google.com/go/storage"
	"github.com/google/uuid"
	"google.golang.org/api/googleapi"
)

// Reservation is what a customer asks for, and what is stored.
type Reservation struct {
	Request  string `json:"request"` // the caller's id of this request, the same in every attempt
	Customer string `json:"customer"`
	Flight   string `json:"flight"`
}

// Reserve is the function reserve.
type Reserve struct {
	Reservations *storage.BucketHandle
	Repaired     bool
}

// ServeHTTP stores a reservation: 201 with its id.
func (f *Reserve) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked Reservation
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Request == "" {
		http.Error(w, "no reservation", http.StatusBadRequest)
		return
	}
	id := uuid.NewString()
	if f.Repaired {
		id = asked.Request
	}
	if err := f.store(r.Context(), id, asked); err != nil {
		log.Printf("reserve %s: %v", asked.Request, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte(id))
}

func (f *Reserve) store(ctx context.Context, id string, asked Reservation) error {
	data, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	w := f.Reservations.Object(id + ".json").If(storage.Conditions{DoesNotExist: true}).NewWriter(ctx)
	w.ContentType = "application/json"
	if _, err := w.Write(data); err != nil {
		return errors.Join(err, w.Close())
	}
	err = w.Close()
	var refused *googleapi.Error
	if errors.As(err, &refused) && refused.Code == http.StatusPreconditionFailed {
		return nil // an earlier attempt has stored it
	}
	return err
}

// Flights is the function flights, which tells what can be booked.
type Flights struct{ Timetable *storage.BucketHandle }

// ServeHTTP shows the timetable.
func (f *Flights) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	object, err := f.Timetable.Object("today.json").NewReader(r.Context())
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	defer func() { _ = object.Close() }()
	w.Header().Set("Content-Type", "application/json")
	if _, err := object.WriteTo(w); err != nil {
		log.Printf("flights: %v", err)
	}
}
