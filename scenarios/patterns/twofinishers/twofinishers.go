// Package twofinishers collects what renderers make of videos, and finishes a
// video when both its animation and its captures are there.
//
// Status looks at all sessions whenever a part is reported, and every minute.
// It reads whether a session is complete and not finished, then finishes it
// and puts it in the queue of callbacks. Two that run at the same time both
// find it unfinished: the customer is called back, and charged, twice.
//
// Reported: kalevalp/video-preview-and-analysis-service, status (a Lambda
// function that SNS and a schedule invoke; here Pub/Sub and Cloud Scheduler,
// and Redis for DynamoDB).
//
// Provoked by: another look that runs between the check and the write.
//
// Remedy: a transaction that Redis refuses if the session has changed since
// it was read (WATCH, a conditional write), and which holds all there is to
// finishing.
package twofinishers

import (
	"context"
	"errors"
	"log"
	"net/http"
	"path"

	"cloud.google.com/go/pubsub/v2"
	"github.com/redis/go-redis/v9"
)

// Report is the function report: PUT /sessions/cat/gif reports a part.
type Report struct {
	Redis *redis.Client
	Parts *pubsub.Publisher
}

// ServeHTTP stores where a part is, and has status look at it.
func (f *Report) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	session, part := path.Base(path.Dir(r.URL.Path)), path.Base(r.URL.Path)
	_, err := f.Redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, "session:"+session, part, "gs://rendered/"+session+"/"+part)
		p.SAdd(ctx, "sessions", session)
		return nil
	})
	if err == nil {
		_, err = f.Parts.Publish(ctx, &pubsub.Message{Data: []byte(session)}).Get(ctx)
	}
	answer(w, err)
}

// Status is the function status, to which messages of topic parts are pushed
// and which Cloud Scheduler invokes.
type Status struct {
	Redis    *redis.Client
	Repaired bool
}

// ServeHTTP finishes the sessions that are complete.
func (f *Status) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	sessions, err := f.Redis.SMembers(ctx, "sessions").Result()
	for _, s := range sessions {
		if !f.Repaired {
			err = errors.Join(err, finish(ctx, f.Redis, s))
			continue
		}
		done := f.Redis.Watch(ctx, func(tx *redis.Tx) error { return finish(ctx, tx, s) }, "session:"+s)
		if !errors.Is(done, redis.TxFailedErr) { // whoever changed it, looks too
			err = errors.Join(err, done)
		}
	}
	answer(w, err)
}

func finish(ctx context.Context, r redis.Cmdable, session string) error {
	s, err := r.HGetAll(ctx, "session:"+session).Result()
	if err != nil || s["gif"] == "" || s["captures"] == "" || s["status"] == "finished" {
		return err
	}
	_, err = r.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, "session:"+session, "status", "finished")
		p.RPush(ctx, "callbacks", session)
		return nil
	})
	return err
}

// Page is the function page: GET /sessions/cat.
type Page struct{ Redis *redis.Client }

// ServeHTTP shows the status of a session.
func (f *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, err := f.Redis.HGet(r.Context(), "session:"+path.Base(r.URL.Path), "status").Result()
	if errors.Is(err, redis.Nil) {
		status, err = "rendering", nil
	}
	answer(w, err)
	_, _ = w.Write([]byte(status))
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		log.Print(err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}
