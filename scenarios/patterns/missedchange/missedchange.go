// Package missedchange does jobs as they are stored, in a worker that listens
// to them.
//
// Work listens to the jobs that are new, and does each that is added. Of the
// first snapshot it takes no notice: it holds what was there before, not what has
// changed. But what is stored between the start of a worker and its first
// snapshot, or while none was there, is in that snapshot alone, and is never done.
//
// Reported: receptron/mulmoclaude, pull request 2861 ("Dropping every initial
// snapshot loses real changes whenever records move between the preceding
// reconcile/listener failure and the new subscription becoming active").
//
// Provoked by: a job that is stored before the worker has its first snapshot, or
// while it is started again.
//
// Remedy: what is in the first snapshot is work as well; a job that is done says
// so, and is not done again.
package missedchange

import (
	"context"
	"errors"
	"log"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
)

// Order is the function order: PUT /<job>.
type Order struct{ Store *firestore.Client }

// ServeHTTP stores a job, unless it is there.
func (f *Order) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	job := f.Store.Collection("jobs").Doc(strings.TrimPrefix(r.URL.Path, "/"))
	err := f.Store.RunTransaction(r.Context(), func(_ context.Context, tx *firestore.Transaction) error {
		docs, err := tx.GetAll([]*firestore.DocumentRef{job})
		if err != nil || docs[0].Exists() {
			return err
		}
		return tx.Create(job, map[string]any{"state": "new"})
	})
	if err != nil {
		log.Printf("order: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

// Work is the worker.
type Work struct {
	Store    *firestore.Client
	Repaired bool
}

// Run listens until the context ends; what fails is begun again.
func (f *Work) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := f.listen(ctx); err != nil {
			log.Printf("work: %v", err)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

func (f *Work) listen(ctx context.Context) error {
	it := f.Store.Collection("jobs").Where("state", "==", "new").Snapshots(ctx)
	defer it.Stop()
	for first := true; ; first = false {
		snap, err := it.Next()
		if err != nil {
			return err
		}
		if first && !f.Repaired {
			continue
		}
		for _, c := range snap.Changes {
			if c.Kind != firestore.DocumentAdded {
				continue
			}
			if err := f.do(ctx, c.Doc.Ref); err != nil {
				return err
			}
		}
	}
}

// do does a job. The state alone tells that it was done.
func (f *Work) do(ctx context.Context, job *firestore.DocumentRef) error {
	_, err := job.Update(ctx, []firestore.Update{{Path: "state", Value: "done"}})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
