package postgres

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// waiter is a statement that waits for a lock. Its process is frozen, so that when it
// gets the lock it does not go on by itself, at the same time as others.
type waiter struct {
	c     *conn
	state waitState
	wake  chan struct{}
}

// waitState is what a waiter may do.
type waitState byte

const (
	waiting    waitState = iota // nothing
	granted                     // it may go on
	deadlocked                  // it may be the one that is cancelled
)

// expect waits until the server says something.
func (t *talk) expect(o *operation) error {
	for !t.ending && t.session.quiet(patience) {
		by, err := t.b.database.blocking([]int{t.session.pid})
		if err != nil {
			return err
		}
		if len(by[t.session.pid]) > 0 {
			if err := t.block(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// block waits until the schedule lets the statement go on.
func (t *talk) block(o *operation) error {
	b, pid := t.b, t.session.pid
	b.database.server.Freeze(pid)
	w := &waiter{c: t.conn, wake: make(chan struct{}, 1)}
	b.waiters = append(b.waiters, w)
	b.look()
	timer, why := t.timer()
	defer timer.Stop()
	for {
		on, err := t.mayGoOn(o, w, timer, why)
		if err != nil {
			return err
		}
		if on {
			b.forget(w)
			b.database.server.Thaw(pid)
			return nil
		}
	}
}

// mayGoOn waits for a change, and reports whether the statement goes on: because it
// has the lock, or to be told that it is cancelled.
func (t *talk) mayGoOn(o *operation, w *waiter, timer *time.Timer, why string) (bool, error) {
	b := t.b
	giveUp := t.waits()
	if w.state == waiting {
		expired := false
		b.outside(func() {
			select {
			case <-w.wake:
			case <-giveUp:
			case <-timer.C:
				expired = true
			}
		})
		if err := t.over(); err != nil {
			return false, err
		}
		if t.dead(o) {
			return false, reset()
		}
		if expired && o != nil && w.state == waiting {
			o.expiry = why
			t.end()
			return true, nil
		}
		return t.cancelled(), nil
	}
	state := w.state
	call := &probe.Call{Op: lockOperation(b.name, o, state), GiveUp: giveUp}
	fate := t.enter(call)
	if err := t.over(); err != nil {
		return false, err
	}
	switch {
	case t.dead(o), fate.Action == probe.Refuse, fate.Action == probe.Cut:
		return false, reset()
	}
	switch fate.Action {
	case probe.GaveUp:
		return t.cancelled(), nil
	case probe.Lose:
		if o != nil {
			o.lost = true
		}
	}
	status := "granted"
	if state == deadlocked {
		status = "cancelled"
		if o != nil {
			o.victim = true
		}
		t.end()
	}
	call.Op.Result = event.Result{Status: status, OK: true}
	return true, t.tap.Leave(call)
}

// dead reports whether the instance that waits has died. Its client library then
// both closes the connection and asks on another to end the statement, in any order:
// neither is heard, the connection ends here.
func (t *talk) dead(o *operation) bool {
	if o == nil || o.call == nil {
		return false
	}
	i := t.b.kernel.Origin(o.call).Instance
	return i != nil && i.Dead()
}

// cancelled ends a statement whose caller has given up, and reports whether it has.
func (t *talk) cancelled() bool {
	t.mu.Lock()
	gaveUp := t.gaveUp
	t.mu.Unlock()
	if gaveUp {
		t.end()
		t.wantsAgain()
	}
	return gaveUp
}

// end has the server end what it is at, when it goes on: that is certain then.
func (t *talk) end() {
	t.b.database.server.Cancel(t.session.pid)
	t.ending = true
}

// lockOperation is that a statement goes on that has waited.
func lockOperation(service string, o *operation, state waitState) event.Operation {
	op := event.Operation{Service: service, Method: "LOCK", Access: event.Reads | event.Writes}
	if o != nil && o.call != nil {
		op.Resource, op.Access, op.Request = o.call.Op.Resource, o.call.Op.Access, o.call.Op.Request
	}
	if state == deadlocked {
		op.Method = "DEADLOCK"
	}
	return op
}

// timer is that of the first timeout that the session has set.
func (t *talk) timer() (timer *time.Timer, why string) {
	least := time.Duration(0)
	for i, d := range t.timeouts {
		if d > 0 && (least == 0 || d < least) {
			least, why = d, []string{"lock timeout", "statement timeout"}[i]
		}
	}
	if least == 0 {
		timer = time.NewTimer(time.Hour)
		timer.Stop()
		return timer, ""
	}
	return time.NewTimer(least), why
}

// look finds out which of those that wait may go on, and which wait for each other. With
// b.mu held; it is called whenever the server has done something.
func (b *Backend) look() {
	if len(b.waiters) == 0 {
		return
	}
	of := map[int]*waiter{}
	var pids []int
	for _, w := range b.waiters {
		pid := w.c.talk.session.pid
		pids, of[pid] = append(pids, pid), w
	}
	by, err := b.database.blocking(pids)
	if err != nil {
		panic("postgres: the server does not tell who waits: " + err.Error()) // we are its superuser
	}
	for _, w := range b.waiters {
		pid := w.c.talk.session.pid
		state := waiting
		switch {
		case len(by[pid]) == 0:
			state = granted
		case reaches(pid, pid, by, map[int]bool{}):
			state = deadlocked
		}
		w.change(state)
	}
}

// reaches reports whether somebody waits for another, over others.
func reaches(from, to int, by map[int][]int, seen map[int]bool) bool {
	for _, next := range by[from] {
		if next == to {
			return true
		}
		if !seen[next] {
			seen[next] = true
			if reaches(next, to, by, seen) {
				return true
			}
		}
	}
	return false
}

// change lets a waiter know what it may do now.
func (w *waiter) change(state waitState) {
	if w.state == state {
		return
	}
	if w.state != waiting {
		w.c.interrupt()
	}
	w.state = state
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// interrupt takes back what a connection waits for at the tap.
func (c *conn) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gaveUp {
		close(c.giveUp)
		c.giveUp = make(chan struct{})
	}
}

func (b *Backend) waiterOf(c *conn) *waiter {
	for _, w := range b.waiters {
		if w.c == c {
			return w
		}
	}
	return nil
}

func (b *Backend) forget(w *waiter) {
	b.waiters = slices.DeleteFunc(b.waiters, func(x *waiter) bool { return x == w })
}

// cancel does what a client asks for with a connection of its own: to end what
// another connection waits for.
func (b *Backend) cancel(m message) {
	pid := int(binary.BigEndian.Uint32(m.raw[9:]))
	for _, c := range b.conns {
		if c.number == pid {
			c.mu.Lock()
			if c.busy {
				c.stopWaiting()
			}
			c.mu.Unlock()
		}
	}
}
