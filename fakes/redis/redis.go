// Package redis is Redis in process: miniredis behind the real go-redis
// client.
//
// A scenario declares it with [New]; a function's constructor gets its client
// from [Client]. Expiry follows virtual time.
//
// Not supported: replication and WAIT (a write is never acknowledged before
// it is durable), clusters and sentinels, and what miniredis itself lacks.
//
// Subscriptions work, but only SUBSCRIBE and PUBLISH are operations: a message
// reaches its subscribers with PUBLISH, at once and in order. That one is
// lost, or comes late, is not tried.
package redis

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
)

// Service declares a Redis.
type Service struct {
	name string
	seed map[string]string
}

// New declares a Redis under a name, usually "redis". Commands show as
// operations of that service.
func New(name string) *Service { return &Service{name: name} }

// With returns the service with a string key set when a run starts.
func (s *Service) With(key, value string) *Service {
	seed := map[string]string{key: value}
	for k, v := range s.seed { //wtsim:order a map is built
		if _, have := seed[k]; !have {
			seed[k] = v
		}
	}
	return &Service{name: s.name, seed: seed}
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// Open starts an empty Redis, inside the bubble of a run.
func (s *Service) Open(probe.Platform) (probe.Backend, error) {
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	m.Seed(1)
	for k, v := range s.seed { //wtsim:order keys are independent
		if err := m.Set(k, v); err != nil {
			return nil, err
		}
	}
	return &Backend{name: s.name, mini: m}, nil
}

// Backend is a Redis during one run.
type Backend struct {
	name string
	mini *miniredis.Miniredis

	mu      sync.Mutex
	clients []*redis.Client
}

// Miniredis gives a scenario's properties and tests the server itself.
func (b *Backend) Miniredis() *miniredis.Miniredis { return b.mini }

// Client returns the real client of a function instance. options may be nil
// or hold what production uses; address, dialer and retry backoff are
// replaced: the backoff's jitter cannot be seeded, so the client's retries
// come at once.
func Client(env probe.Env, service string, options *redis.Options) *redis.Client {
	o := redis.Options{}
	if options != nil {
		o = *options
	}
	b := env.Backend(service).(*Backend)
	o.Addr = "127.0.0.1:6379" // never dialled; a name would be looked up
	o.MinRetryBackoff, o.MaxRetryBackoff = -1, -1
	o.Dialer = probe.RedisDialer(env.Tap(), b.name, b.dial(env.Context()))
	client := redis.NewClient(&o)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clients = append(b.clients, client)
	return client
}

// dial makes connections that end with their function instance. One that is
// made after that is let be: what is sent on it is cut off at the tap.
func (b *Backend) dial(instance context.Context) probe.Dialer {
	return func(context.Context, string, string) (net.Conn, error) {
		defer seeded.Quiet(seeded.Quiet(true)) // the server's goroutines are none of the application's
		conn, err := b.mini.Dial()
		if err == nil && instance.Err() == nil {
			context.AfterFunc(instance, func() { _ = conn.Close() })
		}
		return conn, err
	}
}

// Expires returns when the first of an operation's keys expires. A key with a
// space in it is told only where it is the operation's only one.
func (b *Backend) Expires(resource string) int64 {
	now := time.Now()  //wtsim:clock the bubble's clock
	db := b.mini.DB(0) // brings the times to live up to date
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
	defer b.mu.Unlock()
	for _, c := range b.clients {
		_ = c.Close()
	}
	b.mini.Close()
}
