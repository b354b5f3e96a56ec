package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// env is a function instance with this service alone. It lets everything
// happen, and remembers it.
type env struct {
	ctx     context.Context
	backend probe.Backend

	mu  sync.Mutex
	ops []event.Operation
}

func (e *env) Tap() probe.Tap               { return e }
func (e *env) Backend(string) probe.Backend { return e.backend }
func (e *env) Context() context.Context     { return e.ctx }

func (e *env) Enter(*probe.Call) probe.Verdict { return probe.Verdict{} }
func (e *env) Emit(string, map[string]any)     {}
func (e *env) Leave(c *probe.Call) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ops = append(e.ops, c.Op)
	return nil
}

// run opens the service in a bubble, as a run does, and closes it; clients
// close with the service.
func run(t *testing.T, s *Service, f func(t *testing.T, e *env, client *redis.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		backend, err := s.Open(nil)
		if err != nil {
			t.Fatal(err)
		}
		e := &env{ctx: ctx, backend: backend}
		client := Client(e, s.Name(), nil)
		f(t, e, client)
		cancel()
		synctest.Wait()
		backend.Close()
		if err := client.Ping(t.Context()).Err(); !errors.Is(err, redis.ErrClosed) {
			t.Errorf("the service is closed, its client says %v", err)
		}
	})
}

// conformance is what a handler may rely on, of Redis and of this one: each
// check gets the real client and an empty database.
var conformance = []struct {
	name  string
	check func(context.Context, *redis.Client) error
}{
	{"keys expire", expires},
	{"a lock that expired is not its holder's", lockExpires},
	{"an optimistic transaction sees changes", optimistic},
	{"a script is atomic and sees its keys", script},
	{"wrong types are refused", wrongType},
}

// within checks what a key holds; empty stands for no key.
func within(ctx context.Context, c *redis.Client, key, want string) error {
	got, err := c.Get(ctx, key).Result()
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	if got != want || err != nil {
		return fmt.Errorf("%s is %q, %v, wanted %q", key, got, err, want)
	}
	return nil
}

func expires(ctx context.Context, c *redis.Client) error {
	if err := c.Set(ctx, "k", "v", 10*time.Second).Err(); err != nil {
		return err
	}
	time.Sleep(9 * time.Second)
	if ttl := c.TTL(ctx, "k").Val(); ttl != time.Second {
		return fmt.Errorf("after 9 s of 10 s the time to live is %v", ttl)
	}
	if err := within(ctx, c, "k", "v"); err != nil {
		return err
	}
	time.Sleep(time.Second)
	return within(ctx, c, "k", "")
}

func lockExpires(ctx context.Context, c *redis.Client) error {
	if !c.SetNX(ctx, "lock", "a", 5*time.Second).Val() || c.SetNX(ctx, "lock", "b", 5*time.Second).Val() {
		return errors.New("the lock is not exclusive")
	}
	time.Sleep(5 * time.Second)
	if !c.SetNX(ctx, "lock", "b", 5*time.Second).Val() {
		return errors.New("the lock did not expire")
	}
	return within(ctx, c, "lock", "b")
}

func optimistic(ctx context.Context, c *redis.Client) error {
	err := c.Watch(ctx, func(tx *redis.Tx) error {
		c.Set(ctx, "stock", "other", 0)
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "stock", "mine", 0).Err() })
		return err
	}, "stock")
	if !errors.Is(err, redis.TxFailedErr) {
		return fmt.Errorf("got %v", err)
	}
	return within(ctx, c, "stock", "other")
}

func script(ctx context.Context, c *redis.Client) error {
	n, err := redis.NewScript(`redis.call("SET", KEYS[1], ARGV[1]); return redis.call("INCR", KEYS[1])`).Run(ctx, c, []string{"n"}, 41).Int()
	if n != 42 || err != nil {
		return fmt.Errorf("got %d, %v", n, err)
	}
	return within(ctx, c, "n", "42")
}

func wrongType(ctx context.Context, c *redis.Client) error {
	c.RPush(ctx, "l", "x")
	if err := c.Incr(ctx, "l").Err(); err == nil || !strings.HasPrefix(err.Error(), "WRONGTYPE") {
		return fmt.Errorf("got %v", err)
	}
	return nil
}

func TestConformance(t *testing.T) {
	for _, c := range conformance {
		t.Run(c.name, func(t *testing.T) {
			run(t, New("cache"), func(t *testing.T, _ *env, client *redis.Client) {
				if err := c.check(t.Context(), client); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// With adds a key and leaves the service that it was asked of as it is; the
// later of two values counts.
func TestWith(t *testing.T) {
	one := New("cache").With("a", "1")
	two := one.With("b", "2").With("a", "3")
	for s, want := range map[*Service]string{one: "a=1", two: "a=3,b=2"} {
		for range 2 { // a run leaves nothing to the next
			run(t, s, func(t *testing.T, e *env, client *redis.Client) {
				if got := contents(e.backend); got != want {
					t.Errorf("got %s, wanted %s", got, want)
				}
				client.Set(t.Context(), "c", "x", 0)
			})
		}
	}
}

func contents(b probe.Backend) string {
	var out []string
	for _, c := range b.Contents() {
		out = append(out, c.Key+"="+c.Value)
	}
	return strings.Join(out, ",")
}

// Contents tell every type as text, in one order.
func TestContents(t *testing.T) {
	run(t, New("cache"), func(t *testing.T, e *env, c *redis.Client) {
		ctx := t.Context()
		c.Set(ctx, "text", "a \"b\"", 0)
		c.Set(ctx, "gone", "x", time.Second)
		c.HSet(ctx, "hash", "b", "2", "a", "1")
		c.RPush(ctx, "list", "z", "a")
		c.SAdd(ctx, "set", "z", "a")
		c.ZAdd(ctx, "zset", redis.Z{Score: 2.5, Member: "z"}, redis.Z{Score: 1, Member: "a"})
		c.Do(ctx, "ZADD", "zset-inf", "+inf", "m")
		c.XAdd(ctx, &redis.XAddArgs{Stream: "stream", ID: "1-1", Values: []string{"f", "v"}})
		c.PFAdd(ctx, "visitors", "a", "b", "a")
		time.Sleep(time.Second)
		want := strings.Join([]string{
			`hash={"a":"1","b":"2"}`, `list=["z","a"]`, `set=["a","z"]`, `stream=[{"ID":"1-1","Values":["f","v"]}]`,
			`text=a "b"`, `visitors=2`, `zset={"a":1,"z":2.5}`, `zset-inf={"m":"+Inf"}`,
		}, ",")
		if got := contents(e.backend); got != want {
			t.Errorf("got\n%s\nwanted\n%s", got, want)
		}
	})
}

// Expires tells when the first of an operation's keys will be gone, by the
// bubble's clock, however long nobody has asked.
func TestExpires(t *testing.T) {
	run(t, New("cache"), func(t *testing.T, e *env, c *redis.Client) {
		ctx := t.Context()
		b := e.backend.(probe.Expirer)
		start := time.Now()
		c.Set(ctx, "short", "x", 10*time.Second)
		c.Set(ctx, "long", "x", time.Minute)
		c.Set(ctx, "for ever", "x", 0)
		c.Set(ctx, "two words", "x", time.Second)
		time.Sleep(500 * time.Millisecond)
		for resource, want := range map[string]time.Duration{
			"short": 10 * time.Second, "long": time.Minute, "long short": 10 * time.Second, "long none": time.Minute,
			"two words": time.Second, "for ever": 0, "none": 0, "": 0,
		} {
			at := b.Expires(resource)
			if want == 0 && at != 0 || want != 0 && time.Unix(0, at).Sub(start) != want {
				t.Errorf("%q expires at %d", resource, at)
			}
		}
		time.Sleep(time.Minute)
		if at := b.Expires("long"); at != 0 {
			t.Errorf("it has expired, and will at %d", at)
		}
	})
}

// The client is production's but for its address, dialer and backoff;
// operations are those of the service's name.
func TestClient(t *testing.T) {
	run(t, New("cache"), func(t *testing.T, e *env, _ *redis.Client) {
		mine := &redis.Options{Addr: "redis.internal:6379", DB: 3, MaxRetries: 7, ClientName: "charge"}
		c := Client(e, "cache", mine)
		if o := c.Options(); o.MaxRetries != 7 || o.DB != 3 || o.Addr == mine.Addr || mine.Dialer != nil {
			t.Errorf("%+v", o)
		}
		if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Error(err)
		}
		if len(e.ops) != 1 || e.ops[0].Service != "cache" || e.ops[0].Method != "SET" {
			t.Errorf("got %+v", e.ops)
		}
		if got, _ := e.backend.(*Backend).Miniredis().DB(3).Get("k"); got != "v" {
			t.Errorf("got %q", got)
		}
	})
}
