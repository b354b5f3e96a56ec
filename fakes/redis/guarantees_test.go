package redis

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/probe"
)

// lacking runs f in a bubble, with a Redis without one of its guarantees.
func lacking(t *testing.T, guarantee string, f func(t *testing.T, e *fakestest.Env, c *redis.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, err := fakestest.Open(t.Context(), New("redis").With("left", "2").Without(guarantee))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		f(t, e, Client(e, "redis", nil))
	})
}

// What writes only where nothing is writes always, and answers as if nothing
// had been there; in a transaction and after a failover too.
func TestWithoutSetIfAbsent(t *testing.T) {
	lacking(t, setIfAbsent, func(t *testing.T, e *fakestest.Env, c *redis.Client) {
		ctx := t.Context()
		for _, value := range []string{"1", "2"} {
			for name, won := range map[string]bool{
				"SET NX": c.SetNX(ctx, "a", value, time.Minute).Val(), "SETNX": c.SetNX(ctx, "b", value, 0).Val(),
				"HSETNX": c.HSetNX(ctx, "h", "f", value).Val(), "MSETNX": c.MSetNX(ctx, "c", value, "d", value).Val(),
				"SADD": c.SAdd(ctx, "s", "x", "y").Val() == 2,
			} {
				if !won {
					t.Errorf("%s of %s does not win", name, value)
				}
			}
			cmds, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.SetNX(ctx, "b", value, 0)
				p.HSetNX(ctx, "h", "f", value)
				p.SAdd(ctx, "s", "x")
				return nil
			})
			if err != nil || !cmds[0].(*redis.BoolCmd).Val() || !cmds[1].(*redis.BoolCmd).Val() || cmds[2].(*redis.IntCmd).Val() != 1 {
				t.Errorf("got %v, %v", cmds, err)
			}
		}
		if ttl := c.TTL(ctx, "a").Val(); ttl != time.Minute {
			t.Errorf("the time to live is %v", ttl)
		}
		if got, want := fakestest.Contents(e.Backend("")), `a=2,b=2,c=2,d=2,h={"f":"2"},left=2,s=["x","y"]`; got != want {
			t.Errorf("got %s, wanted %s", got, want)
		}
		if op := e.Operations()[1]; !slices.Contains([]string{"SET", "SETNX", "HSETNX", "MSETNX", "SADD"}, op.Method) {
			t.Errorf("the operation shows %s", op.Method)
		}
		e.Backend("").(*Backend).FailOver(0)
		if got := c.Get(ctx, "b").Val(); got != "2" {
			t.Errorf("after a failover there is %q", got)
		}
	})
}

// EXEC happens although what was watched has changed.
func TestWithoutWatch(t *testing.T) {
	lacking(t, watches, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
		ctx := t.Context()
		err := c.Watch(ctx, func(tx *redis.Tx) error {
			c.Set(ctx, "left", "7", 0)
			_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "left", "1", 0).Err() })
			return err
		}, "left")
		if got := c.Get(ctx, "left").Val(); err != nil || got != "1" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// Keys never expire, and say so to whoever would wait for it; commands that
// look at the time to live are answered as ever.
func TestWithoutExpiry(t *testing.T) {
	lacking(t, expiry, func(t *testing.T, e *fakestest.Env, c *redis.Client) {
		ctx := t.Context()
		c.Set(ctx, "a", "1", time.Second)
		if ttl := c.TTL(ctx, "a").Val(); ttl != time.Second {
			t.Errorf("the time to live is %v", ttl)
		}
		time.Sleep(time.Hour)
		e.Backend("").(*Backend).FailOver(0)
		c.Ping(ctx) // a connection that was reset
		if got := c.Get(ctx, "a").Val(); got != "1" || e.Backend("").(cloud.Expirer).Expires("a") != 0 {
			t.Errorf("got %q, which expires at %d", got, e.Backend("").(cloud.Expirer).Expires("a"))
		}
	})
}

// A transaction is an operation for each of its commands. What comes between
// sees what was done so far; what was watched is looked at when it begins.
func TestWithoutTransactions(t *testing.T) {
	lacking(t, transactions, func(t *testing.T, e *fakestest.Env, c *redis.Client) {
		ctx := t.Context()
		other, between := Client(e.Another(), "redis", nil), ""
		e.Verdict = func(k *probe.Call) probe.Fate {
			if strings.HasPrefix(k.Op.Method, "MULTI ") && strings.HasSuffix(k.Op.Method, "EXEC") {
				between = other.Get(ctx, "left").Val()
			}
			return probe.Fate{}
		}
		take := func() ([]redis.Cmder, error) {
			return c.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Decr(ctx, "left")
				p.SetNX(ctx, "taken", "yes", 0)
				p.SAdd(ctx, "who", "a", "b")
				return nil
			})
		}
		cmds, err := take()
		if err != nil || cmds[0].(*redis.IntCmd).Val() != 1 || !cmds[1].(*redis.BoolCmd).Val() || cmds[2].(*redis.IntCmd).Val() != 2 || between != "1" {
			t.Errorf("got %v, %v; %q between", cmds, err, between)
		}
		want := []string{"MULTI DECR left", "MULTI SET taken", "MULTI DECR SET SADD EXEC left taken who"}
		if got := e.Entered(); !slices.Equal(got, want) {
			t.Errorf("got %q, wanted %q", got, want)
		}

		// What is reset on the way has been done in part; the real client does
		// not repeat a transaction by itself.
		resets := 1
		e.Verdict = func(k *probe.Call) probe.Fate {
			if resets > 0 && k.Op.Method == "MULTI SET" {
				resets--
				return probe.Fate{Action: probe.Refuse, With: "reset"}
			}
			return probe.Fate{}
		}
		if cmds, err = take(); !errors.Is(err, syscall.ECONNRESET) || c.Get(ctx, "left").Val() != "0" {
			t.Errorf("got %v, %v", cmds, err)
		}

		err = c.Watch(ctx, func(tx *redis.Tx) error {
			other.Set(ctx, "left", "7", 0)
			_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Set(ctx, "left", "1", 0)
				p.Set(ctx, "taken", "no", 0)
				return nil
			})
			return err
		}, "left")
		if got := c.MGet(ctx, "left", "taken").Val(); !errors.Is(err, redis.TxFailedErr) || got[0] != "7" || got[1] != "yes" {
			t.Errorf("what was watched has changed: %v, %v", got, err)
		}
		if err := c.Watch(ctx, func(tx *redis.Tx) error { _, err := take(); return err }, "left"); err != nil {
			t.Error(err)
		}
	})
}

// A script writes after others have come between; one that only reads, or is
// not known, is as ever.
func TestWithoutScripts(t *testing.T) {
	lacking(t, scripts, func(t *testing.T, e *fakestest.Env, c *redis.Client) {
		ctx := t.Context()
		other := Client(e.Another(), "redis", nil)
		e.Verdict = func(k *probe.Call) probe.Fate {
			if k.Op.Method == "EVAL" {
				other.Set(ctx, "left", "9", 0)
			}
			return probe.Fate{}
		}
		script := redis.NewScript(`redis.call("SET", KEYS[1], redis.call("GET", KEYS[1]) - ARGV[1]) redis.call("RPUSH", "log", "x") return "took " .. ARGV[1]`)
		if got, err := script.Run(ctx, c, []string{"left"}, 1).Result(); got != "took 1" || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
		if got := c.Get(ctx, "left").Val(); got != "1" {
			t.Errorf("%s are left, wanted 1: the script has read 2", got)
		}
		if got, err := c.Eval(ctx, `return redis.call("GET", KEYS[1])`, []string{"left"}).Result(); got != "9" || err != nil {
			t.Errorf("one that only reads got %v, %v", got, err)
		}
		want := []string{"EVALSHA reads left", "EVALSHA left", "EVAL reads left", "EVAL left", "GET left", "EVAL reads left", "EVAL left"}
		if got := e.Entered(); !slices.Equal(got, want) {
			t.Errorf("got %q, wanted %q", got, want)
		}
		e.Backend("").(*Backend).FailOver(0)
		if got := fakestest.Contents(e.Backend("")); got != `left=9,log=["x"]` {
			t.Errorf("after a failover there is %s", got)
		}
	})
}

// An instance that dies between the parts of a transaction leaves some of it
// done.
func TestWithoutTransactionsDeath(t *testing.T) {
	lacking(t, transactions, func(t *testing.T, e *fakestest.Env, c *redis.Client) {
		e.Verdict = func(k *probe.Call) probe.Fate {
			if strings.HasSuffix(k.Op.Method, "EXEC") {
				return probe.Fate{Action: probe.Cut}
			}
			return probe.Fate{}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, "left", "1", 0)
			p.Set(ctx, "taken", "yes", 0)
			return nil
		})
		if got := fakestest.Contents(e.Backend("")); err == nil || got != "left=1" {
			t.Errorf("got %s, %v", got, err)
		}
	})
}
