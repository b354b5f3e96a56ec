package fakestest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
)

var firestoreTransactions = []firestoreCheck{
	{"a transaction commits, or does not", transactionAtomic},
	{"counters of transactions lose nothing", countersExact},
	{"a write waits for a transaction that has read", writeWaits},
	{"a range that a transaction has read does not change", noPhantoms},
	{"of two that wait for each other one is run again", deadlockEnds},
	{"a transaction that only reads sees one state and locks nothing", readOnlySnapshot},
	{"a transaction that only reads does not write", readOnlyRefuses},
}

// add adds to a counter, in a transaction that reads and then writes.
func add(d *firestore.DocumentRef, n int64, between func()) func(context.Context, *firestore.Transaction) error {
	return func(_ context.Context, tx *firestore.Transaction) error {
		snap, err := tx.Get(d)
		if err != nil {
			return err
		}
		if between != nil {
			between()
		}
		return tx.Set(d, fields{"n": snap.Data()["n"].(int64) + n})
	}
}

func transactionAtomic(ctx context.Context, c *firestore.Client, in *firestore.CollectionRef) error {
	a, b := in.Doc("a"), in.Doc("b")
	if err := wrote(a.Set(ctx, fields{"n": 1})); err != nil {
		return err
	}
	wrong := errors.New("no")
	err := c.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		return errors.Join(tx.Set(a, fields{"n": 2}), wrong)
	})
	if !errors.Is(err, wrong) {
		return fmt.Errorf("got %v, wanted the function's own error", err)
	}
	err = c.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		return errors.Join(tx.Set(a, fields{"n": 2}), tx.Update(b, []firestore.Update{{Path: "n", Value: 1}}))
	})
	return errors.Join(code(err, codes.NotFound), docHolds(ctx, a, fields{"n": 1}), c.RunTransaction(ctx, add(a, 4, nil)), docHolds(ctx, a, fields{"n": 5}))
}

func countersExact(ctx context.Context, c *firestore.Client, in *firestore.CollectionRef) error {
	d := in.Doc("a")
	if err := wrote(d.Set(ctx, fields{"n": 0})); err != nil {
		return err
	}
	errs := make([]error, 3)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			errs[i] = c.RunTransaction(ctx, add(d, 1, func() { time.Sleep(time.Millisecond) }), firestore.MaxAttempts(20))
		})
	}
	wg.Wait()
	return errors.Join(errors.Join(errs...), docHolds(ctx, d, fields{"n": 3}))
}

// meanwhile runs a transaction that reads, and something else while it is open;
// it tells whether that had ended by then.
func meanwhile(ctx context.Context, c *firestore.Client, read func(*firestore.Transaction) error, other func() error) (ended bool, err error) {
	done := make(chan error, 1)
	err = c.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		if err := read(tx); err != nil {
			return err
		}
		go func() { done <- other() }()
		time.Sleep(500 * time.Millisecond)
		ended = len(done) > 0
		return nil
	})
	return ended, errors.Join(err, <-done)
}

func writeWaits(ctx context.Context, c *firestore.Client, in *firestore.CollectionRef) error {
	a := in.Doc("a")
	if err := wrote(a.Set(ctx, fields{"n": 1})); err != nil {
		return err
	}
	read := func(tx *firestore.Transaction) error { _, err := tx.Get(a); return err }
	ended, err := meanwhile(ctx, c, read, func() error { return wrote(a.Set(ctx, fields{"n": 2})) })
	if err == nil && ended {
		err = errors.New("a write did not wait for the transaction")
	}
	if err != nil {
		return err
	}
	ended, err = meanwhile(ctx, c, read, func() error { return docHolds(ctx, a, fields{"n": 2}) })
	if err == nil && !ended {
		err = errors.New("a read waited for the transaction")
	}
	return err
}

func noPhantoms(ctx context.Context, c *firestore.Client, in *firestore.CollectionRef) error {
	if err := filled(ctx, in, fields{"x": 1}, fields{"x": 9}); err != nil {
		return err
	}
	read := func(tx *firestore.Transaction) error {
		_, err := tx.Documents(in.Where("x", "<", 5)).GetAll()
		return err
	}
	var failed error
	for _, w := range []struct {
		id    string
		x     int
		waits bool
	}{{"c", 2, true}, {"b", 3, true}, {"c", 7, true}, {"d", 7, false}} {
		ended, err := meanwhile(ctx, c, read, func() error { return wrote(in.Doc(w.id).Set(ctx, fields{"x": w.x})) })
		if err == nil && ended == w.waits {
			err = fmt.Errorf("%s = %d: it waited: %v, wanted %v", w.id, w.x, !ended, w.waits)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

func deadlockEnds(ctx context.Context, c *firestore.Client, in *firestore.CollectionRef) error {
	a, b := in.Doc("a"), in.Doc("b")
	if err := errors.Join(wrote(a.Set(ctx, fields{"n": 0})), wrote(b.Set(ctx, fields{"n": 0}))); err != nil {
		return err
	}
	var runs [2]int
	move := func(i int, from, to *firestore.DocumentRef) error {
		return c.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
			runs[i]++
			snap, err := tx.Get(from)
			if err != nil {
				return err
			}
			time.Sleep(10 * time.Millisecond)
			return tx.Set(to, fields{"n": snap.Data()["n"].(int64) + 1})
		})
	}
	errs := make([]error, 2)
	var wg sync.WaitGroup
	wg.Go(func() { errs[0] = move(0, a, b) })
	wg.Go(func() { errs[1] = move(1, b, a) })
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if runs[0]+runs[1] != 3 {
		return fmt.Errorf("the functions ran %d and %d times, wanted 3 in all", runs[0], runs[1])
	}
	one, err := a.Get(ctx)
	two, err2 := b.Get(ctx)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if sum := one.Data()["n"].(int64) + two.Data()["n"].(int64); sum != 3 { // 1 and then 2, in either order
		return fmt.Errorf("the sum is %d, wanted 3: one after the other", sum)
	}
	return nil
}

func readOnlySnapshot(ctx context.Context, c *firestore.Client, in *firestore.CollectionRef) error {
	a, b := in.Doc("a"), in.Doc("b")
	if err := errors.Join(wrote(a.Set(ctx, fields{"n": 1})), wrote(b.Set(ctx, fields{"n": 1}))); err != nil {
		return err
	}
	return c.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		if _, err := tx.Get(a); err != nil {
			return err
		}
		//lint:ignore SA1019 applications use it
		_, err := c.Batch().Set(a, fields{"n": 2}).Set(b, fields{"n": 2}).Commit(ctx)
		if err != nil {
			return err
		}
		snap, err := tx.Get(b)
		if err != nil {
			return err
		}
		return sameText(snap.Data(), fields{"n": 1})
	}, firestore.ReadOnly)
}

func readOnlyRefuses(ctx context.Context, c *firestore.Client, in *firestore.CollectionRef) error {
	err := c.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error { return tx.Set(in.Doc("a"), fields{}) }, firestore.ReadOnly)
	if err == nil {
		return errors.New("it wrote")
	}
	return nil
}
