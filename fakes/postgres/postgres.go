// Package postgres is PostgreSQL: the real server, behind a proxy that lets one
// statement happen at a time.
//
// A scenario declares it with [New]; pgx, lib/pq, database/sql and what stands on
// them connect to it with [Dialer]'s connections, or find it by themselves on the
// patched runtime.
//
//   - The server is the one that is installed (apt-get install postgresql). It is started
//     when the first run wants it, and ends with the process. Or it is the one that
//     WTSIM_POSTGRES_URL names, on loopback.
//   - A statement is an operation, as package sqlprobe describes it, and so are BEGIN,
//     COMMIT and ROLLBACK. It happens as the server has it: isolation, locks,
//     constraints and errors are the real thing. SET, SHOW, preparing and pinging are none.
//   - A statement that waits for a lock waits until the lock is free; that it goes on then
//     is an operation of its own, LOCK, which others may come before.
//   - Where sessions wait for each other, each may be the one that gets 40P01: the
//     operation DEADLOCK, of which the schedule lets one happen.
//   - A connection may be reset, in a transaction too, and the answer of a statement that
//     writes, COMMIT too, may be lost. A serializable transaction may fail with 40001
//     where the server would do so only sometimes ([Backend.Deviations]).
//   - With a standby, a failover may lose the newest commits ([Service.Replicated]). A
//     connection that does nothing may die, and what it holds with it.
//   - NOTIFY reaches those that LISTEN as an operation of theirs, NOTIFICATION, once it is
//     committed.
//   - What a statement of a transaction has written is an event once that is committed.
//   - now() and its like are virtual time; random(), gen_random_uuid() and sequences are
//     the same in each run of a schedule.
//
// What is not simulated is refused by name, and what is not the same in each run is
// told in docs/postgres.md.
package postgres

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/pgserver"
	"github.com/wtsim/wtsim/probe"
)

// Service declares a PostgreSQL.
type Service struct {
	cloud.Places

	name    string
	schema  []string
	standby byte     // how it is replicated
	without []string // guarantees
}

// New declares a PostgreSQL with an empty database, under a name, usually "postgres".
// Statements show as operations of that service.
func New(name string) *Service {
	s := &Service{name: name}
	return s.At("localhost:5432")
}

// At returns the service with addresses at which programs look for it that have
// them written down, beside "localhost:5432". A client that dials by itself reaches
// it there on the patched runtime; plain Go cannot bring a dial here.
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// With returns the service with statements carried out before a run starts, after
// those before them: the schema, its migrations, and what the tables hold at first.
func (s *Service) With(sql string) *Service {
	out := *s
	out.schema = append(slices.Clip(s.schema), sql)
	return &out
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short how it is declared.
func (s *Service) String() string {
	text := "PostgreSQL" + []string{"", " with a standby", " with a synchronous standby"}[s.standby]
	if tables := tablesOf(s.schema); len(tables) > 0 {
		text += ": " + strings.Join(tables, ", ")
	}
	return text
}

// tablesOf are the tables that statements create.
func tablesOf(schema []string) (out []string) {
	for _, text := range schema {
		for _, statement := range statements(pieces(text)) {
			words := slices.DeleteFunc(slices.Clone(statement), func(p piece) bool { return p.kind == ' ' || p.is("IF", "NOT", "EXISTS", "UNLOGGED") })
			if len(words) > 2 && words[0].is("CREATE") && words[1].is("TABLE") {
				out = append(out, words[2].name())
			}
		}
	}
	return out
}

// Missing says what is to be installed; empty if there is a server.
func (s *Service) Missing() string {
	if pgserver.Found() || os.Getenv(pgserver.Variable) != "" {
		return ""
	}
	return pgserver.Missing
}

// Check finds out whether the server that is there already, if one is named, can be
// used; the error says what is wrong with it.
func (s *Service) Check(cloud.Deployment) error {
	if os.Getenv(pgserver.Variable) == "" {
		return nil
	}
	machine.mu.Lock()
	defer machine.mu.Unlock()
	_, err := start()
	return err
}

// Prepare starts the server, and makes a database for the next run, where that is not
// done yet.
func (s *Service) Prepare() {
	prepare(s.schema, s.weaker())
}

// Open gives the run a database of its own. The error is that there is no server, or
// one of With's statements.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	d, err := lease(s.schema, s.weaker())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	b := &Backend{kernel: k, name: s.name, without: s.without, standby: s.standby, database: d, acts: d.plan.acts, types: pgtype.NewMap(), instances: map[context.Context]bool{}}
	if b.standby != alone {
		b.mark()
	}
	return b, nil
}

// Backend is a PostgreSQL during one run.
type Backend struct {
	kernel   cloud.Kernel
	name     string
	without  []string // guarantees
	standby  byte     // how it is replicated
	database *database

	closed atomic.Bool

	mu        sync.Mutex // held while the server does something
	types     *pgtype.Map
	conns     []*conn // in order of creation
	made      int
	waiters   []*waiter       // those that have waited longest first
	acts      map[string]bool // the functions that may change something
	positions []position      // what a standby may have, where there is one: the newest last
	used      int             // statements so far
	instances map[context.Context]bool
	atEnd     []func()
}

// Dialer returns what makes a function instance's connections: pgx's
// Config.DialFunc, and lib/pq's Dialer.
func Dialer(env cloud.Env, service string) Dial {
	b := env.Backend(service).(*Backend)
	return func(context.Context, string, string) (net.Conn, error) { return b.dial(env.Context(), env.Tap()) }
}

// Dial makes connections; it does not look at the address.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Dial calls d.
func (d Dial) Dial(network, address string) (net.Conn, error) {
	return d(context.Background(), network, address)
}

// DialTimeout calls d: it does not take time.
func (d Dial) DialTimeout(network, address string, _ time.Duration) (net.Conn, error) {
	return d(context.Background(), network, address)
}

// DialContext calls d.
func (d Dial) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// AtEnd has something called when the run is over: what ends a pool that its function
// has made for as long as it lives, such as (*pgxpool.Pool).Close.
func AtEnd(env cloud.Env, service string, end func()) {
	b := env.Backend(service).(*Backend)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.atEnd = append(b.atEnd, end)
}

// dial makes a connection that ends with its function instance.
func (b *Backend) dial(instance context.Context, tap probe.Tap) (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed.Load() {
		return nil, probe.ErrRefused()
	}
	b.made++
	c := newConn(b, instance, tap, b.made)
	b.conns = append(b.conns, c)
	if !b.instances[instance] && instance.Done() != nil && instance.Err() == nil {
		b.instances[instance] = true
		context.AfterFunc(instance, func() { b.endOf(instance) })
	}
	return c, nil
}

// endOf ends the connections of an instance, in the order in which they were made.
func (b *Backend) endOf(instance context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range slices.Clone(b.conns) {
		if c.instance == instance {
			b.drop(c, net.ErrClosed)
		}
	}
}

// Dial returns a connection for a client that dials by itself.
func (b *Backend) Dial(tap probe.Tap) net.Conn {
	conn, err := b.dial(context.Background(), tap)
	if err != nil {
		client, server := net.Pipe()
		_, _ = client.Close(), server.Close()
		return client
	}
	return conn
}

// Close ends the connections, and leaves the database to the next run as it was.
func (b *Backend) Close() {
	b.mu.Lock()
	end := b.atEnd
	b.atEnd = nil
	b.closed.Store(true)
	b.mu.Unlock()
	for _, f := range end {
		go f() //wtsim:go a pool waits for ever for what a handler has taken that was ended when the run was over
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.conns) > 0 {
		b.drop(b.conns[0], net.ErrClosed)
	}
	b.forgetPositions()
	b.database.giveBack()
}
