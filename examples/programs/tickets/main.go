// Command tickets is a Cloud Run service that sells tickets of concerts. Its client of
// Firestore is in a package variable; seats and tickets are written in a
// transaction, and cards are charged by a payment provider.
package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var (
	store    *firestore.Client
	logger   = slog.New(slog.NewJSONHandler(os.Stdout, nil)).With("service", os.Getenv("K_SERVICE"))
	provider = &http.Client{Timeout: 10 * time.Second}

	// chargeAfter says that a card is charged when its seat is reserved, and not in
	// the transaction that takes the seat.
	chargeAfter = os.Getenv("CHARGE_AFTER") == "true"
)

// ticket is what a buyer asks for, and what is stored of it.
type ticket struct {
	ID      string `json:"id" firestore:"-"`
	Concert string `json:"concert" firestore:"concert"`
	Buyer   string `json:"buyer" firestore:"buyer"`
	State   string `json:"state" firestore:"state"`
}

// concert is a document of the collection concerts.
type concert struct {
	Left  int `firestore:"left"`
	Price int `firestore:"price"`
}

// The states of a ticket.
const (
	reserved = "reserved"
	paid     = "paid"
)

var errSoldOut = errors.New("sold out")

func init() {
	var err error
	if store, err = firestore.NewClient(context.Background(), firestore.DetectProjectID); err != nil {
		logger.Error("firestore", "error", err)
		os.Exit(1)
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /tickets/{id}", buy)
	mux.HandleFunc("GET /tickets/{id}", show)
	server := &http.Server{Addr: ":" + cmp.Or(os.Getenv("PORT"), "8080"), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 8*time.Second)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			logger.Error("shutdown", "error", err)
		}
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		logger.Error("server", "error", err)
		os.Exit(1)
	}
}

// buy sells a ticket, whose number the buyer has chosen: PUT /tickets/t-1.
func buy(w http.ResponseWriter, r *http.Request) {
	t := ticket{ID: r.PathValue("id")}
	if err := json.NewDecoder(r.Body).Decode(&t); err != nil || t.Concert == "" || t.Buyer == "" {
		http.Error(w, "wanted a concert and a buyer", http.StatusBadRequest)
		return
	}
	err := sell(r.Context(), t)
	switch {
	case errors.Is(err, errSoldOut):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		logger.ErrorContext(r.Context(), "buy", "ticket", t.ID, "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusCreated)
	}
}

func sell(ctx context.Context, t ticket) error {
	price := 0
	doc := store.Collection("tickets").Doc(t.ID)
	err := store.RunTransaction(ctx, func(ctx context.Context, tx *firestore.Transaction) error {
		before, c, err := lookUp(tx, t)
		if err != nil {
			return err
		}
		if price = c.Price; before != "" {
			t.State = before // a repeated request
			return nil
		}
		if c.Left < 1 {
			return errSoldOut
		}
		t.State = reserved
		if !chargeAfter {
			// Firestore runs this function again when another sale comes between: the
			// card is charged again, as each call has a key of its own.
			if err := charge(ctx, t, price, rand.Text()); err != nil {
				return err
			}
			t.State = paid
		}
		if err := tx.Update(store.Collection("concerts").Doc(t.Concert), []firestore.Update{{Path: "left", Value: firestore.Increment(-1)}}); err != nil {
			return err
		}
		return tx.Create(doc, t)
	})
	if err != nil || t.State == paid {
		return err
	}
	if err := charge(ctx, t, price, t.ID); err != nil {
		return err
	}
	_, err = doc.Update(ctx, []firestore.Update{{Path: "state", Value: paid}})
	return err
}

// lookUp reads what a sale depends on: the state of the ticket, empty if there is
// none yet, and the concert.
func lookUp(tx *firestore.Transaction, t ticket) (string, concert, error) {
	var c concert
	docs, err := tx.GetAll([]*firestore.DocumentRef{store.Collection("concerts").Doc(t.Concert), store.Collection("tickets").Doc(t.ID)})
	if err != nil {
		return "", c, err
	}
	if err := docs[0].DataTo(&c); err != nil {
		return "", c, fmt.Errorf("concert %s: %w", t.Concert, err)
	}
	if !docs[1].Exists() {
		return "", c, nil
	}
	var before ticket
	err = docs[1].DataTo(&before)
	return before.State, c, err
}

// charge charges the buyer's card. The provider charges once for a key.
func charge(ctx context.Context, t ticket, price int, key string) error {
	body, err := json.Marshal(map[string]any{"ticket": t.ID, "buyer": t.Buyer, "amount": price})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://payments.example/charges", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	resp, err := provider.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("the provider says %s", resp.Status)
	}
	return nil
}

func show(w http.ResponseWriter, r *http.Request) {
	t := ticket{ID: r.PathValue("id")}
	doc, err := store.Collection("tickets").Doc(t.ID).Get(r.Context())
	switch {
	case status.Code(err) == codes.NotFound:
		http.NotFound(w, r)
		return
	case err == nil:
		err = doc.DataTo(&t)
	}
	if err != nil {
		logger.ErrorContext(r.Context(), "show", "ticket", t.ID, "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(t)
}
