package stream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Save saves the state and commits it, and deletes those that no commit will
// need.
func (w *Worker) Save(ctx context.Context) error {
	if err := w.adopt(ctx, true); err != nil {
		return err
	}
	switch {
	case w.stored != nil && w.stored.Offset == w.offset:
		return w.commitAll(ctx)
	case w.stored == nil && len(w.commit.States) > 0 && w.commit.States[0].Offset == w.offset && len(w.fresh) == 0:
		return nil
	}
	return w.save(ctx, nil)
}

// saving is a state on its way to the store. Its reference is whole when it is done.
type saving struct {
	ref  StateRef
	done chan error
}

// save begins to save the state. A commit names it when it is stored: the next one
// then, or one at once.
func (w *Worker) save(ctx context.Context, beside func(func())) error {
	if err := w.commitAll(ctx); err != nil { // what was found belongs to what was read
		return err
	}
	encode, size := w.snapshot(), w.size+w.size/8 // mostly it is little more than the last time
	x := &saving{StateRef{Name: w.stateName(), Offset: w.offset, Plans: len(w.plans)}, make(chan error, 1)}
	w.saving, w.since = x, 0
	store := func() {
		data := encode(size)
		sum := sha256.Sum256(data)
		x.ref.Sum, x.ref.Bytes = hex.EncodeToString(sum[:]), len(data)
		x.done <- w.States.Put(ctx, x.ref.Name, data)
	}
	if beside != nil {
		beside(store)
		return nil
	}
	store()
	if err := w.adopt(ctx, true); err != nil {
		return err
	}
	return w.commitAll(ctx)
}

// adopt takes a state up that has been stored meanwhile; if it waits, the one that
// is being stored.
func (w *Worker) adopt(ctx context.Context, wait bool) error {
	if w.saving == nil || !wait && len(w.saving.done) == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-w.saving.done:
		x := w.saving
		if w.saving = nil; err != nil {
			return fmt.Errorf("shard %d: its state: %w", w.Shard, err)
		}
		w.stored, w.size = &x.ref, x.ref.Bytes
		return nil
	}
}

// forgetStates deletes what the last commit does not name any more.
func (w *Worker) forgetStates(ctx context.Context, old []StateRef) error {
	for _, gone := range old[min(len(old), 1):] {
		if err := w.States.Delete(ctx, gone.Name); err != nil {
			return fmt.Errorf("shard %d: its old state: %w", w.Shard, err)
		}
	}
	return nil
}
