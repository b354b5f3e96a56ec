// Package redis is Redis in process: miniredis behind the real go-redis
// client.
//
// A scenario declares it with [New]; a function's constructor gets its client
// from [Client], or one of the read replicas from [Replica]. Programs dial these at
// the addresses of [Service.At] and of a [Reader].
//
//   - Commands happen one at a time, where the client writes them; expiry
//     follows virtual time.
//   - Blocking commands wait in virtual time, and are served in the order in
//     which they came.
//   - A failover loses the newest acknowledged writes ([Backend.FailOver]) and
//     resets every connection.
//   - A read on a replica may miss the newest writes ([Backend.Staleness]).
//   - SUBSCRIBE and PUBLISH are operations; what the server pushes is none. A
//     message reaches its subscribers with PUBLISH, at once and in order. That
//     one is lost, or comes late, is not tried, but for what a failover does.
//
// The conformance suite fakestest.Redis holds for it as for Redis 7.
//
// Commands, and forms of commands, that it does not have are refused by name and
// make a run inconclusive; docs/platform.md lists them, and where answers differ
// from those of Redis. Not supported beside:
//
//   - clusters, sentinels, WAIT (it counts no replica), AUTH on replicas;
//   - client-side caching (CLIENT TRACKING ... OPTIN is taken, as rueidis sends it,
//     CLIENT CACHING refused), MONITOR, keyspace notifications.
package redis

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

// Service declares a Redis.
type Service struct {
	cloud.Places

	name       string
	seed       [][]string // commands
	replicated bool
	without    []string // guarantees
}

// New declares a Redis under a name, usually "redis". Commands show as
// operations of that service.
func New(name string) *Service { return &Service{name: name} }

// At returns the service with addresses at which programs look for it that have
// them written down, such as "localhost:6379". A client that dials by itself reaches
// it there on the patched runtime; plain Go cannot bring a dial here.
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// With returns the service with a string key set when a run starts.
func (s *Service) With(key, value string) *Service { return s.WithCommand("SET", key, value) }

// WithCommand returns the service with a command carried out when a run
// starts, after those before it: WithCommand("HSET", "depots", "bern", "west").
func (s *Service) WithCommand(words ...string) *Service {
	out := *s
	out.seed = append(slices.Clip(s.seed), words)
	return &out
}

// Replicated returns the service with replicas that get writes after they are
// acknowledged: a failover may lose the newest. (One without replicas is taken
// to keep what it acknowledges.)
// https://redis.io/docs/latest/operate/oss_and_stack/management/replication/
func (s *Service) Replicated() *Service {
	out := *s
	out.replicated = true
	return &out
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short how it is declared.
func (s *Service) String() string {
	text := "Redis"
	if s.replicated {
		text = "Redis with replicas"
	}
	var parts []string
	for _, words := range s.seed {
		if words[0] == "SET" && len(words) == 3 {
			parts = append(parts, words[1]+"="+words[2])
		} else {
			parts = append(parts, strings.Join(words, " "))
		}
	}
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

// Open starts a Redis, inside the bubble of a run. The error is one of
// WithCommand's commands.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	now := time.Now() //wtsim:clock the bubble's clock
	b := &Backend{kernel: k, name: s.name, seed: s.seed, replicated: s.replicated, without: s.without, opened: now.UnixNano()}
	var err error
	if b.front, err = b.empty(now); err != nil {
		return nil, err
	}
	b.mini = b.front.mini
	b.mini.SetTime(time.Time{})
	b.follow(b.mini)
	return b, nil
}

// Backend is a Redis during one run.
type Backend struct {
	kernel     cloud.Kernel
	replicated bool
	name       string
	seed       [][]string
	without    []string // guarantees
	opened     int64    // virtual time

	mu      sync.Mutex
	closed  bool
	mini    *miniredis.Miniredis // another one after a failover
	front   *front               // of mini
	clients []*redis.Client
	conns   []*conn   // in order of creation
	waiters []*waiter // those that have waited longest first
	serving bool      // waiters are being answered
	journal []entry
	script  *conn // on whose behalf a script may be running
	wrote   bool  // a script has written
}

// empty makes a server that holds what a run begins with, at a time.
func (b *Backend) empty(at time.Time) (*front, error) {
	m := miniredis.NewMiniRedis()
	m.SetTime(at)
	b.follow(m)
	m.Seed(1)
	conn, err := m.Dial() // starts it
	if err != nil {
		panic("redis: a server without a listener starts: " + err.Error())
	}
	_ = conn.Close()
	front := newFront(m, b.tellLack)
	var reply bytes.Buffer
	p := server.NewPeer(bufio.NewWriter(&reply))
	for _, words := range b.seed {
		reply.Reset()
		m.Server().Dispatch(p, slices.Clone(words))
		p.Flush()
		if text, failed := strings.CutPrefix(reply.String(), "-"); failed {
			m.Close()
			return nil, fmt.Errorf("redis: %q is answered with %q, wanted a command that Redis takes; mend it in the scenario", strings.Join(words, " "), strings.TrimSpace(text))
		}
	}
	front.scripted = b.nested
	return front, nil
}

// follow makes keys expire by the clock, unless they never do.
func (b *Backend) follow(m *miniredis.Miniredis) { m.ClockTTL(!b.lacks(expiry)) }

// Miniredis gives a scenario's properties and tests the server itself. What
// they change there is no part of what a failover restores.
func (b *Backend) Miniredis() *miniredis.Miniredis {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mini
}

func (b *Backend) server() *server.Server { return b.mini.Server() }

// scripted does something on behalf of a connection that may run scripts, and
// reports whether one has written.
func (b *Backend) scripted(c *conn, do func()) bool {
	b.script, b.wrote = c, false
	do()
	b.script = nil
	return b.wrote
}

// nested sees the commands of scripts before they are carried out; what it
// returns refuses one.
func (b *Backend) nested(name string, words []string) string {
	switch {
	case b.script == nil || !isWrite(name, words):
		return ""
	case b.script.replica:
		return readOnly
	}
	b.wrote = true
	return ""
}

// Client returns the real client of a function instance. options may be nil
// or hold what production uses; address, dialer and retry backoff are
// replaced: the backoff's jitter cannot be seeded, so the client's retries
// come at once.
func Client(env cloud.Env, service string, options *redis.Options) *redis.Client {
	return client(env, service, options, false)
}

// Replica returns a client of the read endpoint of a service: read replicas
// that lag behind by some writes, and refuse to write. Options are as for
// [Client].
//
// Its operations are those of the service, so that rules hold for both; that
// they are on a replica shows in their Request.Target, [redisprobe.Replica].
// https://docs.cloud.google.com/memorystore/docs/redis/about-read-replicas
func Replica(env cloud.Env, service string, options *redis.Options) *redis.Client {
	return client(env, service, options, true)
}

func client(env cloud.Env, service string, options *redis.Options, replica bool) *redis.Client {
	o := redis.Options{}
	if options != nil {
		o = *options
	}
	b := env.Backend(service).(*Backend)
	o.Addr = "127.0.0.1:6379" // never dialled; a name would be looked up
	o.MinRetryBackoff, o.MaxRetryBackoff = -1, -1
	o.Dialer = b.dialer(env.Context(), env.Tap(), replica)
	client := redis.NewClient(&o)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clients = append(b.clients, client)
	return client
}

// logger has the client library print where the process prints now: into the
// run, while there is one.
type logger struct{}

// Printf prints a line.
func (logger) Printf(_ context.Context, format string, v ...any) {
	fmt.Fprintf(os.Stderr, "redis: "+format+"\n", v...)
}

func init() { redis.SetLogger(logger{}) }

// dialer makes an instance's connections, with the seam in front.
func (b *Backend) dialer(instance context.Context, tap probe.Tap, replica bool) redisprobe.Dial {
	seam := redisprobe.Dialer
	if replica {
		seam = redisprobe.ReplicaDialer
	}
	dial := b.dial(instance, replica)
	if b.lacks(transactions) || b.lacks(scripts) {
		return b.inParts(tap, seam, dial)
	}
	return seam(tap, b.name, dial)
}

// dial makes connections that end with their function instance. One that is
// made after that is let be: what is sent on it is cut off at the tap.
func (b *Backend) dial(instance context.Context, replica bool) redisprobe.Dial {
	return func(context.Context, string, string) (net.Conn, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.closed {
			return nil, probe.ErrRefused()
		}
		c := b.newConn(replica)
		if instance.Err() == nil {
			context.AfterFunc(instance, func() { _ = c.Close() })
		}
		return c, nil
	}
}

// Dial returns a connection for a client that dials by itself.
func (b *Backend) Dial(tap probe.Tap) net.Conn { return b.connect(tap, false) }

// closedConn is a connection on which nothing works any more.
func closedConn() net.Conn {
	client, server := net.Pipe()
	_, _ = client.Close(), server.Close()
	return client
}

// Expires returns when the first of an operation's keys expires. A key with a
// space in it is told only where it is the operation's only one.
func (b *Backend) Expires(resource string) int64 {
	if b.lacks(expiry) {
		return 0
	}
	now := time.Now()         //wtsim:clock the bubble's clock
	db := b.Miniredis().DB(0) // brings the times to live up to date
	var next int64
	for _, key := range append(strings.Fields(resource), resource) {
		if ttl := db.TTL(key); ttl > 0 && (next == 0 || now.Add(ttl).UnixNano() < next) {
			next = now.Add(ttl).UnixNano()
		}
	}
	return next
}

// Close ends the goroutines of the server and of its clients. Clients are not
// closed before, with their function instance: a handler that calls on and on
// would then never reach the tap, where it is ended.
func (b *Backend) Close() {
	b.mu.Lock()
	clients := b.clients
	b.closed = true
	b.mu.Unlock()
	for _, c := range clients {
		_ = c.Close()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.conns) > 0 {
		b.drop(b.conns[0], net.ErrClosed)
	}
	b.mini.Close()
}
