package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wtsim/wtsim/monitor/stream"
)

// How often a worker commits what nobody waits for.
const (
	commitBusy  = 250 * time.Millisecond // while there is more to judge
	commitIdle  = 20 * time.Millisecond
	commitTicks = time.Second // that time has passed, and nothing else
)

// work judges one shard until the context ends, and then saves the state.
// After an error it claims the shard anew, and knows what is committed.
func (s *Service) work(ctx context.Context, shard int) {
	for pause := 50 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 5*time.Second) {
		err := s.own(ctx, shard, func() { pause = 50 * time.Millisecond })
		if err == nil {
			return
		}
		s.owned[shard].Store(false)
		switch {
		case errors.Is(err, errLetGo):
			s.log.Info("the shard is another's to have", "shard", shard)
		case errors.Is(err, stream.ErrFenced):
			s.log.Info("another worker has the shard", "shard", shard)
		default:
			s.fail(fmt.Errorf("worker: %w", err))
			if s.failures.Add(1) >= mostFailures {
				s.unwritten()
			}
		}
		sleep(ctx, pause)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// own waits until the shard is free, claims it and judges. It returns nil when
// the context has ended and all is saved.
func (s *Service) own(ctx context.Context, shard int, well func()) error {
	for !s.free(shard) {
		if sleep(ctx, s.Lease/beatsOf); ctx.Err() != nil {
			return nil
		}
	}
	w, err := stream.Claim(ctx, stream.Config{
		Program: s.first, Compile: s.Compile, Options: s.Stream, Shard: shard, Shards: s.Shards, Owner: s.owner,
		Events: s.logs.Events(shard), EventsOf: s.logs.Events, Commits: s.logs.Commits(shard), States: s.logs.States(), Told: s.notice, Beside: s.working.Go,
	})
	if err != nil {
		return err
	}
	s.owned[shard].Store(true)
	s.verdicts.stir()
	whole := context.WithoutCancel(ctx) // a commit whose answer nobody waits for may be there or not
	var shown time.Time
	kept := keeper{keep: s.Keep}
	for committed := time.Now(); ; {
		n, err := w.Step(whole, time.Since(committed) < commitBusy)
		if err == nil && n == 0 && s.toCommit(w, time.Since(committed)) {
			err = w.Commit(whole)
		}
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return s.leave(w)
		case !s.logs.Embedded() && s.members.letGo(shard):
			if err := w.Release(whole); err != nil {
				return err
			}
			return errLetGo
		}
		if w.Pending() == stream.NoProgress {
			s.failures.Store(0)
			committed = time.Now()
			s.verdicts.stir()
			s.forget(whole, shard, &kept, w)
		}
		s.metrics.judged(shard, w)
		if time.Since(shown) >= time.Second {
			s.show(shard, w)
			shown = time.Now()
		}
		if well(); n == 0 {
			s.idle(ctx, shard, w)
		}
	}
}

// show keeps for the page what only the worker knows.
func (s *Service) show(shard int, w *stream.Worker) {
	s.covered.set(shard, w.Coverage())
	if shard == 0 {
		all := w.Sources()
		s.sources.Store(&all)
	}
}

// errLetGo says that a shard was let go of, for another.
var errLetGo = errors.New("the shard is let go of")

// free tells whether this process may claim a shard: nobody has it, and it is
// the one to have it; or it was left for so long that anybody may.
func (s *Service) free(shard int) bool {
	if s.logs.Embedded() {
		return true
	}
	last, silent := s.verdicts.commits()[shard], s.verdicts.silent(shard)
	if last.Owner != "" && !last.Free && silent < s.Lease {
		return false
	}
	return s.members.wanted(shard) || last.Owner != "" && silent >= 3*s.Lease
}

// toCommit tells whether it is time to commit what is judged.
func (s *Service) toCommit(w *stream.Worker, since time.Duration) bool {
	switch w.Pending() {
	case stream.EventsJudged:
		return since >= commitIdle
	case stream.TimePassed:
		return since >= commitTicks
	}
	return !s.logs.Embedded() && since >= s.Lease/beatsOf
}

// idle waits for a block, or for the time to commit.
func (s *Service) idle(ctx context.Context, shard int, w *stream.Worker) {
	wait := 25 * time.Millisecond
	if w.Pending() == stream.NoProgress && s.logs.Embedded() {
		wait = time.Second // whoever appends says so
	}
	select {
	case <-ctx.Done():
	case <-s.stored[shard]:
	case <-time.After(wait):
	}
}

// leave judges what is stored and saves the state, for the next start.
func (s *Service) leave(w *stream.Worker) error {
	ctx, cancel := context.WithTimeout(context.Background(), leaveWithin)
	defer cancel()
	for {
		n, err := w.Step(ctx, false)
		if err != nil {
			return fmt.Errorf("at the end: %w", err)
		}
		if n == 0 {
			break
		}
	}
	save := w.Save
	if !s.logs.Embedded() {
		save = w.Release
	}
	if err := save(ctx); err != nil {
		return fmt.Errorf("at the end: %w", err)
	}
	s.verdicts.stir()
	return nil
}

// leaveWithin bounds what is done after a signal: what is not judged by then is
// judged after the next start.
const leaveWithin = 5 * time.Second
