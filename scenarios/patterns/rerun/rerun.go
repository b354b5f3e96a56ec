// Package rerun sells tickets, in transactions whose function does more than
// to read and write by them.
//
// Buy takes a seat of a concert and notes the ticket in a transaction of
// Firestore's, and, within its function, puts a mail for the buyer into a
// collection from which an extension sends it. When two people buy at the same
// time one of the transactions is aborted, and the client library runs its
// function again: the buyer gets two mails for one ticket.
//
// Reported: invertase/react-native-firebase, issue 2034 (contacts are added
// within the transaction, six times), and roshankumar0036singh/Uni-Event, pull
// request 648 (a mail is sent within it).
//
// Provoked by: two transactions that have read the same document, or one that is
// aborted for another reason.
//
// Remedy: the mail is written by the transaction, with the ticket: all or
// nothing.
package rerun

import (
	"context"
	"log"
	"net/http"
	"strings"

	"cloud.google.com/go/firestore"
)

// Buy is the function buy: PUT /<concert>/<buyer>.
type Buy struct {
	Store    *firestore.Client
	Repaired bool
}

// ServeHTTP sells a ticket, one to each buyer.
func (f *Buy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	concert, buyer, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	if err := f.Store.RunTransaction(r.Context(), f.sale(concert, buyer)); err != nil {
		log.Printf("buy: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Buy) sale(concert, buyer string) func(context.Context, *firestore.Transaction) error {
	seats := f.Store.Collection("concerts").Doc(concert)
	ticket := f.Store.Collection("tickets").Doc(concert + "-" + buyer)
	return func(ctx context.Context, tx *firestore.Transaction) error {
		docs, err := tx.GetAll([]*firestore.DocumentRef{seats, ticket})
		if err != nil || docs[1].Exists() {
			return err
		}
		left, err := docs[0].DataAt("left")
		if err != nil {
			return err
		}
		if err := tx.Update(seats, []firestore.Update{{Path: "left", Value: left.(int64) - 1}}); err != nil {
			return err
		}
		if err := tx.Create(ticket, map[string]any{"buyer": buyer}); err != nil {
			return err
		}
		mail := map[string]any{"to": buyer, "text": "your ticket for " + concert}
		if f.Repaired {
			return tx.Create(f.Store.Collection("mail").NewDoc(), mail)
		}
		_, err = f.Store.Collection("mail").NewDoc().Set(ctx, mail)
		return err
	}
}
