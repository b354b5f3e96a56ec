// Package pipeline is the monitor of production (package monitor/stream), cut
// into functions that a platform starts, kills and has several of: a gateway
// that stores events, a worker that judges them, a publisher that tells what
// was found. Gateway, worker and publisher of `wtsim monitor` are loops around
// the same calls.
package pipeline

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
)

// Gateway stores what it is sent: one event a line at /events; at /plan, other
// properties; at /close, that what waits is to be told. It answers 202 when the
// logs have it.
type Gateway struct {
	Program *monitor.Program
	Senders []*stream.Sender // to each shard's log
}

// ServeHTTP takes events in.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	blocks, err := g.blocks(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for n := range blocks {
		if _, err := g.Senders[n].Send(r.Context(), &blocks[n], time.Now()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
	}
	w.WriteHeader(http.StatusAccepted)
}

// blocks are what a request comes to, by shard.
func (g *Gateway) blocks(r *http.Request) ([]stream.Block, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	router := stream.NewRouter(stream.FirstPlan(g.Program), len(g.Senders))
	blocks := router.Shards()
	switch r.URL.Path {
	case "/close":
		for n := range blocks {
			blocks[n].Close(false)
		}
	case "/plan":
		for n := range blocks {
			blocks[n].Plan(string(text), nil)
		}
	default:
		for line := range strings.Lines(string(text)) {
			var e event.Event
			if err := event.DecodeInto(&e, strings.TrimSpace(line)); err != nil {
				return nil, err
			}
			router.Event(blocks, &e)
		}
	}
	return blocks, nil
}

// Worker judges, with each request, what is in the log and not judged. It keeps
// its shard from one request to the next, and claims it anew after an error.
type Worker struct {
	Config stream.Config
	owner  *stream.Worker
}

// ServeHTTP answers 200 when all is judged and committed.
func (w *Worker) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if err := w.judge(r.Context()); err != nil {
		w.owner = nil
		http.Error(rw, err.Error(), http.StatusServiceUnavailable)
	}
}

func (w *Worker) judge(ctx context.Context) (err error) {
	if w.owner == nil {
		if w.owner, err = stream.Claim(ctx, w.Config); err != nil {
			return err
		}
	}
	for {
		n, err := w.owner.Step(ctx, false)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	if w.owner.Pending() != stream.NoProgress {
		if err := w.owner.Commit(ctx); err != nil {
			return err
		}
	}
	return w.Config.Events.Forget(ctx, w.owner.Needed(nil))
}

// Publisher tells, with each request, what is in the verdict log and not told.
type Publisher struct {
	Verdicts stream.Log
	Cursor   stream.Log
	Tell     func(ctx context.Context, object []byte) error
}

// ServeHTTP answers 200 when all is told.
func (p *Publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := p.publish(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

func (p *Publisher) publish(ctx context.Context) error {
	cursor, err := stream.OpenCursor(ctx, p.Cursor)
	if err != nil {
		return err
	}
	n := 0
	for from := uint64(1); ; {
		all, err := p.Verdicts.Read(ctx, from, 1<<20)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			break
		}
		for _, r := range all {
			c, err := stream.DecodeCommit(r.Data)
			if err != nil {
				return err
			}
			for _, object := range c.Found {
				if n++; n <= cursor.Told() {
					continue
				}
				if err := p.Tell(ctx, object); err != nil {
					return err
				}
			}
			from = r.Seq + 1
		}
	}
	if n < cursor.Told() {
		return errors.New("the verdict log has less than was told")
	}
	if n == cursor.Told() {
		return nil
	}
	return cursor.Advance(ctx, n)
}
