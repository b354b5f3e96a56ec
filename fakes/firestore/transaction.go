package firestore

import (
	"context"
	"slices"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/status"

	"github.com/wtsim/wtsim/fakes/internal/delivery"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe"
)

// The limits of a transaction.
// https://firebase.google.com/docs/firestore/quotas#writes_and_transactions
const (
	mostDuration = 270 * time.Second
	mostIdle     = 60 * time.Second
	oldestRead   = time.Hour // without point-in-time recovery

	// beside keeps the end of a transaction out of the instant in which a client
	// gives up, which has a minute for a Commit too: one of them is the first.
	beside = 3 * time.Microsecond
)

// transaction is one that has begun and is not over.
type transaction struct {
	id         string
	age        int // the smaller the older; one that is tried again keeps it
	readOnly   bool
	optimistic bool
	snapshot   time.Time // that it reads at; zero for the present, under locks
	began      time.Time
	expires    time.Time
	reads      []footprint
}

// footprint is what a transaction has read: a document, or what a query
// matches, phantoms included.
type footprint struct {
	name  string
	query *query
}

// covers reports whether a change is one of what was read.
func (f footprint) covers(c change) bool {
	if f.query == nil {
		return f.name == c.name
	}
	return c.old != nil && f.query.matches(c.name, c.old.fields) ||
		c.new.fields != nil && f.query.matches(c.name, c.new.fields)
}

// pessimistic reports whether its reads lock.
func (t *transaction) pessimistic() bool { return !t.readOnly && !t.optimistic }

// begin opens a transaction.
func (b *Backend) begin(cause *probe.Call, o *pb.TransactionOptions) (*transaction, error) {
	origin := b.kernel.Origin(cause)
	number := origin.Task.With(".transaction")
	now := b.kernel.Now()
	t := &transaction{
		id:    delivery.ID(number.Text + "/" + itoa(origin.Count(number.Text))),
		began: now, optimistic: b.service.optimistic,
	}
	switch mode := o.GetMode().(type) {
	case *pb.TransactionOptions_ReadOnly_:
		t.readOnly, t.snapshot = true, b.present()
		if at := mode.ReadOnly.GetReadTime(); at != nil {
			t.snapshot = at.AsTime()
		}
		if err := b.readable(t.snapshot); err != nil {
			return nil, err
		}
	case *pb.TransactionOptions_ReadWrite_:
		t.age = b.ages[string(mode.ReadWrite.RetryTransaction)]
	}
	switch o.GetReadWrite().GetConcurrencyMode() {
	case pb.TransactionOptions_OPTIMISTIC:
		t.optimistic = true
	case pb.TransactionOptions_PESSIMISTIC:
		t.optimistic = false
	}
	if t.age == 0 {
		t.age = len(b.ages) + 1
	}
	b.ages[t.id] = t.age
	b.opened[t.id] = t
	b.renew(t)
	return t, nil
}

// readable checks a time to read at.
func (b *Backend) readable(at time.Time) error {
	switch now := b.present(); {
	case at.After(now):
		return errFuture
	case now.Sub(at) > oldestRead:
		return errOldRead
	}
	return nil
}

// find finds a transaction that is not over.
func (b *Backend) find(id []byte) (*transaction, error) {
	t := b.opened[string(id)]
	if t == nil {
		return nil, errExpired
	}
	if !t.expires.After(b.kernel.Now()) { // it holds no locks, or it would be gone
		b.end(t)
		return nil, errExpired
	}
	b.renew(t)
	return t, nil
}

// renew puts off the end of a transaction that does something.
func (b *Backend) renew(t *transaction) {
	b.kernel.NotAt(t.expires, t.entry())
	t.expires = b.kernel.Now().Add(mostIdle + beside)
	if most := t.began.Add(mostDuration + beside); t.expires.After(most) {
		t.expires = most
	}
	if t.pessimistic() && len(t.reads) > 0 {
		b.kernel.At(t.expires, t.entry(), func() { b.expire(t) })
	}
}

func (t *transaction) entry() string { return "transaction " + t.id }

// expire gives up the locks of a transaction that takes too long.
func (b *Backend) expire(t *transaction) {
	b.kernel.Lock()
	b.end(t)
	next := b.serve()
	b.kernel.Unlock()
	next.run()
}

// end forgets a transaction: its locks are free. Who waits in it is told.
func (b *Backend) end(t *transaction) {
	b.kernel.NotAt(t.expires, t.entry())
	delete(b.opened, t.id)
	for _, w := range slices.Clone(b.waiters) {
		if w.t == t {
			w.answer(nil, errExpired)
			b.drop(w)
		}
	}
}

// note remembers what a transaction reads.
func (b *Backend) note(t *transaction, reads []footprint) {
	if t.readOnly {
		return
	}
	t.reads = append(t.reads, reads...)
	if t.optimistic && t.snapshot.IsZero() {
		t.snapshot = b.present()
	}
	b.renew(t)
}

// stale reports whether what an optimistic transaction has read is no longer so.
func (b *Backend) stale(t *transaction) bool {
	for _, name := range b.names {
		vs := b.docs[name]
		for i := range vs {
			if !vs[i].at.After(t.snapshot) {
				continue
			}
			c := change{name: name, new: vs[i]}
			if i > 0 && vs[i-1].fields != nil {
				c.old = &vs[i-1]
			}
			if slices.ContainsFunc(t.reads, func(f footprint) bool { return f.covers(c) }) {
				return true
			}
		}
	}
	return false
}

// do carries out what may have to wait for locks, and returns its result. what
// is done when it may: by whoever has made it possible.
func do[T any](ctx context.Context, b *Backend, w *waiter) (T, error) {
	w.done = make(chan struct{})
	b.kernel.Lock()
	if w.cause != nil {
		w.inst = b.kernel.Origin(w.cause).Instance
	}
	b.waiters = append(b.waiters, w)
	next := b.serve()
	b.kernel.Unlock()
	next.run()
	b.await(ctx, w)
	if w.err != nil {
		var none T
		return none, w.err
	}
	return w.result.(T), nil
}

// await waits until a waiter is answered, or its caller has gone. Of what has
// happened in one instant the first of these counts.
func (b *Backend) await(ctx context.Context, w *waiter) {
	gone := rpc.Gone(ctx)
	if !closed(w.done) {
		select {
		case <-w.done:
		case <-gone:
		case <-ctx.Done():
		}
	}
	switch {
	case closed(w.done):
	case closed(gone):
		b.leave(w, rpc.ErrClosed())
	default:
		b.leave(w, status.FromContextError(ctx.Err()).Err())
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// leave takes a waiter back whose caller has gone, unless it was served in the
// same moment.
func (b *Backend) leave(w *waiter, err error) {
	b.kernel.Lock()
	var next after
	if slices.Contains(b.waiters, w) {
		w.answer(nil, err)
		b.drop(w)
		next = b.serve()
	}
	b.kernel.Unlock()
	next.run()
}
