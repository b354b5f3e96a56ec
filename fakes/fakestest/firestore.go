package fakestest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Firestore checks what a handler may rely on of Firestore, through its real
// client: documents, preconditions, transforms, queries, transactions and
// listeners. The database must be empty, with pessimistic transactions and no
// indexes but those that are there by themselves. The error names every check
// that fails; those whose names are in except are left out.
func Firestore(ctx context.Context, client *firestore.Client, except ...string) error {
	var failed []error
	for _, c := range slices.Concat(firestoreDocuments, firestoreQueries, firestoreTransactions, firestoreStreams) {
		if slices.Contains(except, c.name) {
			continue
		}
		root := client.Collection(strings.ReplaceAll(c.name, " ", "-"))
		if err := c.check(ctx, client, root); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(failed...)
}

// firestoreCheck is one, with a collection of its own.
type firestoreCheck struct {
	name  string
	check func(ctx context.Context, c *firestore.Client, in *firestore.CollectionRef) error
}

// fields is what documents hold.
type fields = map[string]any

// code fails unless an error has a code.
func code(err error, want codes.Code) error {
	if got := status.Code(err); got != want {
		return fmt.Errorf("got %v (%v), wanted %v", got, err, want)
	}
	return nil
}

// docHolds fails unless a document holds just this, as fmt writes it.
func docHolds(ctx context.Context, d *firestore.DocumentRef, want fields) error {
	snap, err := d.Get(ctx)
	if err != nil {
		return err
	}
	return sameText(snap.Data(), want)
}

func sameText(got, want any) error {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		return fmt.Errorf("got %s, wanted %s", g, w)
	}
	return nil
}

// all does one thing after the other, until one fails.
func all(steps ...func() error) error {
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}

// wrote is the error of a write.
func wrote(_ *firestore.WriteResult, err error) error { return err }
