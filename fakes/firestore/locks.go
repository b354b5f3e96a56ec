package firestore

import (
	"slices"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe"
)

// Locks are those of pessimistic transactions: a read shares what it has read
// with other reads, and a write waits until no other transaction has read what
// it changes. Who comes later waits behind who waits already for the same;
// a transaction's own commit alone goes before those, who wait for it. In a
// circle of transactions that wait for each other the youngest is aborted.
// https://firebase.google.com/docs/firestore/transaction-data-contention

// waiter is a call that needs locks.
type waiter struct {
	cause *probe.Call
	inst  *cloud.Instance // that makes it; nil for none
	t     *transaction    // that it is of; nil for none
	// reads is what it reads, under locks. Else it writes: changes are what it
	// does to documents, as they are now.
	reads   []footprint
	changes func() []change
	// act does it. Its result is the caller's, its changes are committed then.
	act func() (result any, changes []change, err error)

	done   chan struct{} // closed when it is answered
	result any
	err    error
}

func (w *waiter) answer(result any, err error) {
	w.result, w.err = result, err
	close(w.done)
}

func (b *Backend) drop(w *waiter) {
	b.waiters = slices.DeleteFunc(b.waiters, func(x *waiter) bool { return x == w })
}

// serve carries out all that need not wait, and returns what follows.
func (b *Backend) serve() after {
	var out after
	for _, w := range slices.Clone(b.waiters) { // whoever of them is the first to notice
		if w.inst != nil && w.inst.Dead() {
			w.answer(nil, rpc.ErrClosed())
			b.drop(w)
		}
	}
	for len(b.waiters) > 0 {
		i := b.first()
		if i < 0 {
			victim := b.circle()
			if victim == nil {
				break
			}
			b.abort(victim)
			continue
		}
		w := b.waiters[i]
		b.drop(w)
		result, changes, err := w.act()
		out = append(out, b.committed(w.cause, changes)...)
		w.answer(result, err)
	}
	return out
}

// first is the place of the first waiter that need not wait.
func (b *Backend) first() int {
	for i, w := range b.waiters {
		if len(b.blockers(i, w)) == 0 {
			return i
		}
	}
	return -1
}

// blocker is what a waiter waits for: a transaction's locks, or another waiter.
type blocker struct {
	t *transaction
	w *waiter
}

// blockers are those of the waiter at a place.
func (b *Backend) blockers(i int, w *waiter) []blocker {
	var out []blocker
	var changes []change
	if w.changes != nil {
		changes = w.changes()
	}
	for _, id := range sortedKeys(b.opened) {
		t := b.opened[id]
		if t != w.t && t.pessimistic() && covered(t.reads, changes) {
			out = append(out, blocker{t: t})
		}
	}
	if w.t != nil && w.changes != nil { // those before it wait for what it holds
		return out
	}
	for _, before := range b.waiters[:i] {
		if before.against(w, changes) {
			out = append(out, blocker{w: before})
		}
	}
	return out
}

// against reports whether two waiters are about the same, and one writes.
func (w *waiter) against(later *waiter, changes []change) bool {
	if w.changes == nil {
		return covered(w.reads, changes)
	}
	mine := w.changes()
	if covered(later.reads, mine) {
		return true
	}
	return slices.ContainsFunc(mine, func(c change) bool {
		return slices.ContainsFunc(changes, func(d change) bool { return c.name == d.name })
	})
}

func covered(reads []footprint, changes []change) bool {
	return slices.ContainsFunc(changes, func(c change) bool {
		return slices.ContainsFunc(reads, func(f footprint) bool { return f.covers(c) })
	})
}

// circle is the youngest transaction of a circle of those that wait for each
// other; nil if there is none.
func (b *Backend) circle() *transaction {
	var victim *transaction
	for i, w := range b.waiters {
		if w.t == nil || victim != nil && w.t.age < victim.age {
			continue
		}
		if b.waitsFor(i, w.t, map[*waiter]bool{}) {
			victim = w.t
		}
	}
	return victim
}

// waitsFor reports whether the waiter at a place waits, by way of others, for a
// transaction.
func (b *Backend) waitsFor(i int, t *transaction, seen map[*waiter]bool) bool {
	w := b.waiters[i]
	if seen[w] {
		return false
	}
	seen[w] = true
	for _, x := range b.blockers(i, w) {
		if x.t == t || x.w != nil && x.w.t == t && t != nil {
			return true
		}
		for j, other := range b.waiters {
			if (other == x.w || x.t != nil && other.t == x.t) && b.waitsFor(j, t, seen) {
				return true
			}
		}
	}
	return false
}

// abort ends a transaction for others' sake.
func (b *Backend) abort(t *transaction) {
	for _, w := range slices.Clone(b.waiters) {
		if w.t == t {
			w.answer(nil, errContention)
			b.drop(w)
		}
	}
	b.end(t)
}
