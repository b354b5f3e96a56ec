package redis

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

// A replica answers from the state so many writes ago as the tap says, and
// from the newest otherwise; it refuses to write, in every way.
func TestReplica(t *testing.T) {
	run(t, New("cache"), func(t *testing.T, e *fakestest.Env, c *redis.Client) {
		ctx := t.Context()
		other := e.Another()
		r := Replica(other, "cache", &redis.Options{MaxRetries: -1})
		read := func(missing int, get func() (any, error)) string {
			t.Helper()
			other.Verdict = func(*probe.Call) probe.Fate {
				if missing == 0 {
					return probe.Fate{}
				}
				return probe.Fate{Action: probe.Stale, With: fmt.Sprint(missing)}
			}
			got, err := get()
			if err != nil {
				return err.Error()
			}
			return fmt.Sprint(got)
		}
		c.Set(ctx, "k", "1", 0)
		c.Set(ctx, "k", "2", 10*time.Second)
		c.RPush(ctx, "l", "a")
		c.RPush(ctx, "l", "b")
		time.Sleep(time.Second)
		get := func() (any, error) { return r.Get(ctx, "k").Result() }
		list := func() (any, error) { return r.LRange(ctx, "l", 0, -1).Result() }
		ttl := func() (any, error) { return r.TTL(ctx, "k").Result() }
		tx := func() (any, error) {
			var a *redis.StringCmd
			var b *redis.StringSliceCmd
			_, err := r.TxPipelined(ctx, func(p redis.Pipeliner) error {
				a, b = p.Get(ctx, "k"), p.LRange(ctx, "l", 0, -1)
				return nil
			})
			return fmt.Sprint(a.Val(), " ", b.Val()), err
		}
		for _, c := range []struct {
			missing int
			get     func() (any, error)
			want    string
		}{
			{0, get, "2"}, {1, get, "2"}, {3, get, "1"}, {0, get, "2"}, {1, list, "[a]"}, {2, list, "[]"}, {0, list, "[a b]"},
			{2, ttl, "9s"}, {3, ttl, "-1ns"}, {1, tx, "2 [a]"}, {3, tx, "1 []"}, {0, tx, "2 [a b]"},
		} {
			if got := read(c.missing, c.get); got != c.want {
				t.Errorf("%d missing: got %s, wanted %s", c.missing, got, c.want)
			}
		}
		c.XAdd(ctx, &redis.XAddArgs{Stream: "s", Values: []string{"v", "1"}})
		if got := read(1, func() (any, error) { // a stale answer is one to a command that does not wait
			s, err := r.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", "0"}, Block: 0}).Result()
			return len(s), err
		}); got != "1" {
			t.Errorf("XREAD BLOCK: got %s", got)
		}
		c.Del(ctx, "s")
		other.Verdict = nil
		refusesWrites(t, r)
		if got := fakestest.Contents(e.Backend("")); got != `k=2,l=["a","b"]` {
			t.Errorf("got %s", got)
		}
		for _, op := range other.Operations() {
			if op.Service != "cache" || op.Request.Target != redisprobe.Replica {
				t.Errorf("got %+v", op)
			}
		}
	})
}

// At the read endpoint a client that dials by itself has the replicas.
func TestReadEndpoint(t *testing.T) {
	if _, err := fakestest.Open(t.Context(), Reader("cache-ro", "cache")); err == nil || !strings.Contains(err.Error(), `wanted a Redis of this name before it`) {
		t.Errorf("there is no cache, got %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		ro := Reader("cache-ro", "cache").At("cache-ro:6379")
		e, err := fakestest.Open(t.Context(), ro, New("cache").With("k", "2").With("l", "a"))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		client := redis.NewClient(&redis.Options{Addr: ro.Addresses()[0], MaxRetries: -1, Dialer: func(context.Context, string, string) (net.Conn, error) {
			return e.Backend("cache-ro").(cloud.Dialed).Dial(e), nil
		}})
		defer client.Close()
		refusesWrites(t, client)
		for _, op := range e.Operations() {
			if op.Service != "cache" || op.Request.Target != redisprobe.Replica {
				t.Errorf("got %+v", op)
			}
		}
	})
}

// refusesWrites: in every way, and a script only where it writes.
func refusesWrites(t *testing.T, r *redis.Client) {
	t.Helper()
	ctx := t.Context()
	_, inTx := r.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, "k"); return p.Set(ctx, "k", "3", 0).Err() })
	for what, err := range map[string]error{
		"SET": r.Set(ctx, "k", "3", 0).Err(), "BLPOP": r.BLPop(ctx, 0, "l").Err(), "FLUSHALL": r.FlushAll(ctx).Err(),
		"script": r.Eval(ctx, `return redis.call("SET", KEYS[1], "3")`, []string{"k"}).Err(), "transaction": inTx,
	} {
		if err == nil || !strings.Contains(err.Error(), "READONLY") && !strings.HasPrefix(err.Error(), "EXECABORT") {
			t.Errorf("%s on a replica: %v", what, err)
		}
	}
	if got, err := r.Eval(ctx, `return redis.call("GET", KEYS[1])`, []string{"k"}).Result(); got != "2" || err != nil {
		t.Errorf("a script that reads: %v, %v", got, err)
	}
}

// How much an answer may miss: the writes of the last minute, at most three,
// as far as one of them touches what is read; nothing on the primary.
func TestStaleness(t *testing.T) {
	run(t, New("cache"), func(t *testing.T, e *fakestest.Env, c *redis.Client) {
		ctx, b := t.Context(), e.Backend("").(cloud.Lags)
		got := map[string]int{}
		other := e.Another()
		other.Verdict = func(k *probe.Call) probe.Fate {
			got[k.Op.Method+" "+k.Op.Resource] = b.Staleness(k)
			return probe.Fate{}
		}
		e.Verdict = func(k *probe.Call) probe.Fate {
			if n := b.Staleness(k); n != 0 {
				t.Errorf("%s on the primary may miss %d", k.Op.Method, n)
			}
			return probe.Fate{}
		}
		r := Replica(other, "cache", nil)
		for _, key := range []string{"a", "b", "c", "d"} {
			c.Set(ctx, key, "1", 0)
		}
		c.Get(ctx, "a")
		look := func() {
			clear(got)
			for _, key := range []string{"a", "b", "c", "d"} {
				r.Get(ctx, key)
			}
			r.MGet(ctx, "a", "c")
			r.Ping(ctx)
			r.Scan(ctx, 0, "", 0)
			r.Set(ctx, "d", "2", 0)
		}
		look()
		want := "map[GET a:0 GET b:3 GET c:2 GET d:1 MGET a c:2 PING :0 SCAN :3 SET d:0]"
		if fmt.Sprint(got) != want {
			t.Errorf("got %v, wanted %s", got, want)
		}
		c.XAdd(ctx, &redis.XAddArgs{Stream: "s", Values: []string{"v", "1"}})
		for block, want := range map[time.Duration]int{-1: 1, time.Second: 0} {
			r.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", "0"}, Block: block})
			if got["XREAD s"] != want {
				t.Errorf("XREAD BLOCK %v may miss %d", block, got["XREAD s"])
			}
		}
		c.FlushAll(ctx)
		look()
		if got["GET a"] != 1 || got["GET b"] != 1 || got["GET c"] != 1 || got["GET d"] != 3 {
			t.Errorf("after FLUSHALL: %v", got)
		}
		time.Sleep(61 * time.Second)
		look()
		if got["GET d"] != 0 || got["SCAN "] != 0 {
			t.Errorf("a minute later: %v", got)
		}
	})
}
