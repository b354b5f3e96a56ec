package postgres

import (
	"slices"
	"time"
)

// position is what the database held after a commit, as a standby has it that has got
// no more: the server itself keeps it, for a transaction that has begun then and is
// still open. Where sequences stood it does not keep.
// https://www.postgresql.org/docs/current/transaction-iso.html#XACT-REPEATABLE-READ
type position struct {
	at        time.Time
	keeper    *session
	sequences string // the statements that set them
}

// most is how many commits a failover loses at most; and lag, how old the oldest of
// them is: a standby that is further behind has lost its link (wal_receiver_timeout
// is 60 s).
// https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-WAL-RECEIVER-TIMEOUT
const (
	most = 3
	lag  = time.Minute
)

// How a server is replicated.
const (
	alone        = iota
	asynchronous // a standby gets commits after they are acknowledged
	synchronous  // before, where the session does not say otherwise
)

// Replicated returns the service with a standby that gets commits after they are
// acknowledged, which is how PostgreSQL replicates by itself: a failover may lose the
// newest. (One without a standby is taken to keep what it acknowledges.)
// https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION
func (s *Service) Replicated() *Service {
	out := *s
	out.standby = asynchronous
	return &out
}

// Synchronous returns the service with a standby of synchronous_standby_names: a
// failover may lose only what was committed with synchronous_commit off or local, and
// nothing that is older than a commit that has waited for the standby.
// https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT
func (s *Service) Synchronous() *Service {
	out := *s
	out.standby = synchronous
	return &out
}

// Losable is how many of the newest commits a failover could lose now: at most 3, none
// older than a minute, and none before a statement that changes more than rows.
func (b *Backend) Losable() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	oldest := time.Now().Add(-lag) //wtsim:clock the bubble's clock
	for i := len(b.positions) - 1; i > 0 && n < most && !b.positions[i].at.Before(oldest); i-- {
		n++
	}
	return n
}

// FailOver has a standby take over that has not got the newest n commits: every
// connection is reset, and what was under way is undone. A sequence goes on where the
// standby has it: up to 32 values further.
func (b *Backend) FailOver(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.conns) > 0 {
		b.drop(b.conns[0], reset())
	}
	i := len(b.positions) - 1 - n
	if n == 0 || i < 0 {
		return
	}
	if err := b.revert(b.positions[i]); err != nil {
		b.broken("bring back an older state", err)
	}
	b.forgetPositions()
	b.mark()
}

// revert has the database hold what it held at a position.
func (b *Backend) revert(p position) error {
	d := b.database
	d.altered = true // it has what it did not have
	then, err := joined(p.keeper.do("SELECT wtsim.relations()"))
	if err != nil {
		return err
	}
	if now, err := joined(d.side.do("SELECT wtsim.relations()")); err != nil || now != then {
		b.kernel.Lacks("a failover of PostgreSQL that loses what a function has done to whole tables (TRUNCATE, CREATE, ALTER, DROP)")
		return err
	}
	if _, err := p.keeper.do("SELECT wtsim.keep('pg_temp'); COMMIT"); err != nil {
		return err
	}
	restore, err := joined(p.keeper.do("SELECT statement || ';' FROM pg_temp.kept ORDER BY n"))
	if err != nil {
		return err
	}
	_, err = p.keeper.do(restore + p.sequences)
	return err
}

// mark keeps what the database holds now.
func (b *Backend) mark() {
	s, err := b.database.session()
	if err != nil {
		b.broken("let us in", err)
	}
	sequences, err := joined(s.do("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT wtsim.sequences(true)"))
	if err != nil {
		b.broken("keep what it holds", err)
	}
	b.positions = append(b.positions, position{b.kernel.Now(), s, sequences})
	if len(b.positions) > most+1 {
		b.release(b.positions[0])
		b.positions = slices.Delete(b.positions, 0, 1)
	}
}

// committed is that a transaction has changed something, which the standby has got at
// once, or gets later.
func (b *Backend) committed(got bool) {
	if b.standby == alone {
		return
	}
	if got {
		b.forgetPositions()
	}
	b.mark()
}

func (b *Backend) forgetPositions() {
	for _, p := range b.positions {
		b.release(p)
	}
	b.positions = nil
}

func (b *Backend) release(p position) {
	if _, err := p.keeper.do("ROLLBACK"); err == nil {
		_, err = p.keeper.do("DISCARD ALL")
		if err == nil {
			b.database.idle = append(b.database.idle, p.keeper)
			return
		}
	}
	p.keeper.close()
}

// broken ends the run: we are the server's superuser, so it does what it is asked.
func (b *Backend) broken(what string, err error) {
	panic("postgres: the server does not " + what + ": " + err.Error())
}

// learn finds out which functions change something, after a statement that may have made
// some: that is over now.
func (b *Backend) learn() {
	acts, err := b.database.side.acts()
	if err != nil {
		b.broken("tell what its functions do", err)
	}
	b.acts = acts
}
