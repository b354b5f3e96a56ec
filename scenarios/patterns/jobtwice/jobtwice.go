// Package jobtwice hands out jobs that wait in a table.
//
// Take selects a job that is ready, and updates its row, in one transaction. Two workers
// select the same job before either has updated it: both do it.
//
// Reported: Craig Ringer, What is SKIP LOCKED for in PostgreSQL 9.5, on queues in tables;
// PostgreSQL's manual on SELECT, The Locking Clause.
//
// Provoked by: two workers who ask at the same time.
//
// Remedy: the job is locked where it is selected, and what others have locked is passed
// over (FOR UPDATE SKIP LOCKED).
package jobtwice

import (
	"context"
	"errors"
	"log"
	"net/http"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Take is the function take.
type Take struct {
	Pool     *pgxpool.Pool
	Repaired bool
}

// ServeHTTP gives a worker the next job: POST /worker. The answer is the job's id,
// empty if there is none.
func (f *Take) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	job, err := f.take(r.Context(), r.URL.Path[1:])
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		log.Printf("take: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte(job))
}

func (f *Take) take(ctx context.Context, worker string) (job string, err error) {
	query := "SELECT id FROM jobs WHERE state = 'ready' ORDER BY id LIMIT 1"
	if f.Repaired {
		query += " FOR UPDATE SKIP LOCKED"
	}
	err = pgx.BeginFunc(ctx, f.Pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, query).Scan(&job); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE jobs SET state = 'taken', worker = $1 WHERE id = $2", worker, job)
		return err
	})
	return job, err
}
