// Package redis is Redis in process: miniredis behind the real go-redis
// client.
//
// A scenario declares it with [New]; a function's constructor gets its client
// from [Client]. Expiry follows virtual time.
//
// Not supported: replication and WAIT (a write is never acknowledged before
// it is durable), clusters and sentinels, what miniredis itself lacks, and
// subscriptions (SUBSCRIBE, PSUBSCRIBE) while a run injects faults: messages
// that a server pushes pass the seam unseen.
package redis

import (
	"context"
	"encoding/json"
	"net"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

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
func (s *Service) Open() (probe.Backend, error) {
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
	o.Dialer = probe.RedisDialer(env.Tap(), b.name, b.dial)
	client := redis.NewClient(&o)
	context.AfterFunc(env.Context(), func() { _ = client.Close() })
	return client
}

func (b *Backend) dial(context.Context, string, string) (net.Conn, error) { return b.mini.Dial() }

// Contents returns every key of database 0: strings as they are, hashes,
// lists, sets and sorted sets as JSON.
func (b *Backend) Contents() []probe.Content {
	var out []probe.Content
	for _, key := range b.mini.Keys() {
		out = append(out, probe.Content{Key: key, Value: b.value(key)})
	}
	return out
}

func (b *Backend) value(key string) string {
	var v any
	switch b.mini.Type(key) {
	case "string":
		s, _ := b.mini.Get(key)
		return s
	case "hash":
		v = b.hash(key)
	case "list":
		v, _ = b.mini.List(key)
	case "set":
		v, _ = b.mini.Members(key)
	case "zset":
		v, _ = b.mini.SortedSet(key)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (b *Backend) hash(key string) map[string]string {
	fields, _ := b.mini.HKeys(key)
	h := make(map[string]string, len(fields))
	for _, f := range fields {
		h[f] = b.mini.HGet(key, f)
	}
	return h
}

// Expires returns when a key expires.
func (b *Backend) Expires(key string) int64 {
	ttl := b.mini.TTL(key)
	if ttl <= 0 {
		return 0
	}
	return time.Now().Add(ttl).UnixNano() //wtsim:clock the bubble's clock
}

// Close ends the server's goroutines.
func (b *Backend) Close() { b.mini.Close() }
