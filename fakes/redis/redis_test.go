package redis

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/fakestest"
)

// run opens the service in a bubble, as a run does, and closes it; clients
// close with the service.
func run(t *testing.T, s *Service, f func(t *testing.T, e *fakestest.Env, client *redis.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, err := fakestest.Open(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		client := Client(e, s.Name(), nil)
		f(t, e, client)
		e.End()
		synctest.Wait()
		e.Close()
		if err := client.Ping(t.Context()).Err(); !errors.Is(err, redis.ErrClosed) {
			t.Errorf("the service is closed, its client says %v", err)
		}
	})
}

// With adds a key and leaves the service that it was asked of as it is; the
// later of two values counts.
func TestWith(t *testing.T) {
	one := New("cache").With("a", "1")
	two := one.With("b", "2").With("a", "3")
	for s, want := range map[*Service]string{one: "a=1", two: "a=3,b=2"} {
		for range 2 { // a run leaves nothing to the next
			run(t, s, func(t *testing.T, e *fakestest.Env, client *redis.Client) {
				if got := fakestest.Contents(e.Backend("")); got != want {
					t.Errorf("got %s, wanted %s", got, want)
				}
				client.Set(t.Context(), "c", "x", 0)
			})
		}
	}
}

// Commands seed what is not a string, also again after a failover; one that
// Redis does not take is an error.
func TestWithCommand(t *testing.T) {
	seeded := New("cache").Replicated().With("a", "1").WithCommand("HSET", "h", "f", "v").WithCommand("INCR", "a")
	run(t, seeded, func(t *testing.T, e *fakestest.Env, client *redis.Client) {
		client.Set(t.Context(), "a", "x", 0)
		e.Backend("").(*Backend).FailOver(1)
		if got, want := fakestest.Contents(e.Backend("")), `a=2,h={"f":"v"}`; got != want {
			t.Errorf("got %s, wanted %s", got, want)
		}
	})
	_, err := seeded.WithCommand("LPUSH", "h", "x").Open(nil)
	want := `redis: "LPUSH h x" is answered with "WRONGTYPE Operation against a key holding the wrong kind of value", wanted a command that Redis takes; mend it in the scenario`
	if err == nil || err.Error() != want {
		t.Errorf("the error is %v, wanted %s", err, want)
	}
}

// Contents tell every type as text, in one order.
func TestContents(t *testing.T) {
	run(t, New("cache"), func(t *testing.T, e *fakestest.Env, c *redis.Client) {
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
		if got := fakestest.Contents(e.Backend("")); got != want {
			t.Errorf("got\n%s\nwanted\n%s", got, want)
		}
	})
}

// Expires tells when the first of an operation's keys will be gone, by the
// bubble's clock, however long nobody has asked.
func TestExpires(t *testing.T) {
	run(t, New("cache"), func(t *testing.T, e *fakestest.Env, c *redis.Client) {
		ctx := t.Context()
		b := e.Backend("").(cloud.Expirer)
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
	run(t, New("cache"), func(t *testing.T, e *fakestest.Env, _ *redis.Client) {
		mine := &redis.Options{Addr: "redis.internal:6379", DB: 3, MaxRetries: 7, ClientName: "charge"}
		c := Client(e, "cache", mine)
		if o := c.Options(); o.MaxRetries != 7 || o.DB != 3 || o.Addr == mine.Addr || mine.Dialer != nil {
			t.Errorf("%+v", o)
		}
		if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Error(err)
		}
		if ops := e.Operations(); len(ops) != 1 || ops[0].Service != "cache" || ops[0].Method != "SET" {
			t.Errorf("got %+v", ops)
		}
		if got, _ := e.Backend("").(*Backend).Miniredis().DB(3).Get("k"); got != "v" {
			t.Errorf("got %q", got)
		}
	})
}

// The suite, in virtual time.
func TestConformance(t *testing.T) {
	run(t, New("cache"), func(t *testing.T, e *fakestest.Env, _ *redis.Client) {
		if err := fakestest.Redis(t.Context(), func() *redis.Client { return Client(e.Another(), "cache", nil) }); err != nil {
			t.Error(err)
		}
	})
}
