// Package decrement takes a seat of a flight, and then books it.
//
// Book decrements the number of free seats. When the answer is lost, the Redis
// client decrements again, by itself, and when Book fails after it, its caller
// does: to take one is not idempotent, and nobody knows how many were taken.
// Seats are gone that nobody sits in.
//
// Reported: aws-samples/aws-serverless-airline-booking, its Reserve Flight step
// (an update of DynamoDB with a retry around it; here a decrement in Redis, which
// go-redis repeats).
//
// Provoked by: a lost response of the decrement, or a crash after it.
//
// Remedy: the seat and the booking change in one transaction, which is not
// carried out if the booking is there.
package decrement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Booking is what a customer asks for.
type Booking struct {
	ID       string `json:"id"` // the caller's, the same in every attempt
	Customer string `json:"customer"`
	Flight   string `json:"flight"`
}

var errSoldOut = errors.New("sold out")

// Book is the function book.
type Book struct {
	Redis    *redis.Client
	Repaired bool
}

// ServeHTTP books a seat: 201, or 409 if there is none.
func (f *Book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var b Booking
	if err := json.NewDecoder(r.Body).Decode(&b); err != nil || b.ID == "" {
		http.Error(w, "no booking", http.StatusBadRequest)
		return
	}
	book := f.takeThenBook
	if f.Repaired {
		book = f.bookOnce
	}
	switch err := book(r.Context(), b); {
	case errors.Is(err, errSoldOut):
		http.Error(w, "sold out", http.StatusConflict)
	case err != nil:
		log.Printf("book %s: %v", b.ID, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusCreated)
	}
}

func (f *Book) takeThenBook(ctx context.Context, b Booking) error {
	left, err := f.Redis.Decr(ctx, "seats:"+b.Flight).Result()
	if err != nil {
		return err
	}
	if left < 0 {
		return errors.Join(errSoldOut, f.Redis.Incr(ctx, "seats:"+b.Flight).Err())
	}
	return f.Redis.HSet(ctx, "bookings:"+b.Flight, b.ID, b.Customer).Err()
}

func (f *Book) bookOnce(ctx context.Context, b Booking) error {
	seats, bookings := "seats:"+b.Flight, "bookings:"+b.Flight
	return f.Redis.Watch(ctx, func(tx *redis.Tx) error {
		if booked, err := tx.HExists(ctx, bookings, b.ID).Result(); err != nil || booked {
			return err
		}
		left, err := tx.Get(ctx, seats).Int()
		if err != nil {
			return err
		}
		if left == 0 {
			return errSoldOut
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, bookings, b.ID, b.Customer)
			p.Decr(ctx, seats)
			return nil
		})
		return err
	}, seats, bookings)
}

// Flights is the function flights: GET /<flight> tells the free seats.
type Flights struct{ Redis *redis.Client }

// ServeHTTP tells how many seats are left.
func (f *Flights) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	left, err := f.Redis.Get(r.Context(), "seats:"+strings.TrimPrefix(r.URL.Path, "/")).Int()
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, left, "left")
}
