package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strconv"
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

// state is everything that is stored, with when it expires and what groups
// know, a line each.
func state(ctx context.Context, b *Backend, c *redis.Client) map[string]string {
	mini := b.Miniredis()
	elsewhere, _ := mini.DB(1).Get("elsewhere")
	out := map[string]string{"elsewhere": elsewhere}
	for _, key := range mini.Keys() {
		text := value(mini, key)
		if ttl := mini.TTL(key); ttl > 0 {
			text += " until " + time.Now().Add(ttl).String()
		}
		if strings.HasPrefix(key, "x") {
			pending, err := c.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: key, Group: "g", Start: "-", End: "+", Count: 99}).Result()
			for i := range pending {
				pending[i].Idle = 0
			}
			text += fmt.Sprint(pending, err)
		}
		out[key] = text
	}
	return out
}

// act does something at random; it writes, or does not, or fails.
func act(ctx context.Context, r *rand.Rand, c *redis.Client) {
	key := func(kind string) string { return kind + strconv.Itoa(r.Intn(2)) }
	n := strconv.Itoa(r.Intn(5))
	script := redis.NewScript(`redis.call("INCRBY", KEYS[1], ARGV[1]); if ARGV[1] == "3" then return redis.call("HSET", KEYS[1], "a", "b") end
		redis.call("SADD", KEYS[2], redis.call("GET", KEYS[1])); return redis.call("SPOP", KEYS[2])`)
	all := []func(){
		func() { c.Set(ctx, key("n"), n, 0) },
		func() { c.Set(ctx, key("n"), n, time.Duration(1+r.Intn(60))*50*ms) },
		func() { c.SetNX(ctx, key("n"), n, 1500*ms) },
		func() { c.SetArgs(ctx, key("n"), n, redis.SetArgs{Get: true}) },
		func() { c.Incr(ctx, key("n")) },
		func() { c.Del(ctx, key("n"), key("l")) },
		func() { c.PExpire(ctx, key("l"), 1200*ms) },
		func() { c.Persist(ctx, key("l")) },
		func() { c.Rename(ctx, key("n"), key("n")) },
		func() { c.RPush(ctx, key("l"), n, n+"x") },
		func() { c.LPop(ctx, key("l")) },
		func() { c.BLPop(ctx, time.Second, key("l"), "l9") },
		func() { c.LMove(ctx, key("l"), key("l"), "LEFT", "RIGHT") },
		func() { c.HSet(ctx, key("h"), n, n); c.HDel(ctx, key("h"), n+"x") },
		func() { c.SAdd(ctx, key("s"), n, n+"x", n+"y") },
		func() { c.SPop(ctx, key("s")) },
		func() { c.SRandMember(ctx, key("s")) },
		func() { c.ZAdd(ctx, key("z"), redis.Z{Score: float64(r.Intn(9)), Member: n}) },
		func() { c.ZPopMin(ctx, key("z")) },
		func() { c.XAdd(ctx, &redis.XAddArgs{Stream: key("x"), Values: []string{"v", n}}) },
		func() { c.XGroupCreateMkStream(ctx, key("x"), "g", "0") },
		func() {
			c.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "g", Consumer: "c", Streams: []string{key("x"), ">"}, Count: 1, Block: ms})
		},
		func() { script.Run(ctx, c, []string{key("n"), key("s")}, n) },
		func() { c.Eval(ctx, `return redis.call("GET", KEYS[1])`, []string{key("n")}) },
		func() {
			_, _ = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Incr(ctx, key("n"))
				p.SPop(ctx, key("s"))
				p.Set(ctx, "tx", n, 900*ms)
				return nil
			})
		},
		func() { // it fails
			_ = c.Watch(ctx, func(tx *redis.Tx) error {
				c.Incr(ctx, "n0")
				_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "watched", n, 0).Err() })
				return err
			}, "n0")
		},
		func() { c.Get(ctx, key("n")); c.Publish(ctx, "news", n) },
		func() {
			other := c.Conn()
			defer func() { _ = other.Close() }()
			other.Select(ctx, 1)
			other.Set(ctx, "elsewhere", n, 0)
			other.Select(ctx, 0)
			other.Move(ctx, key("n"), 1)
		},
		func() { time.Sleep(time.Duration(r.Intn(20)) * 50 * ms) },
	}
	all[r.Intn(len(all))]()
	time.Sleep(10 * time.Microsecond)
}

const ms = time.Millisecond

// Whatever has been done, a failover that loses n writes leaves what was there
// before them, and its times: what would have expired by now has. What it
// leaves goes on as it would have.
func TestFailOverRestores(t *testing.T) {
	for seed := range int64(150) {
		run(t, New("cache").Replicated().With("n0", "7"), func(t *testing.T, e *fakestest.Env, c *redis.Client) {
			r := rand.New(rand.NewSource(seed))
			b := e.Backend("").(*Backend)
			for range 2 { // what a failover leaves can fail over too
				var before []map[string]string // each write
				began := b.writes()
				for range 40 {
					was, n := state(t.Context(), b, c), b.writes()
					act(t.Context(), r, c)
					for ; n < b.writes(); n++ { // two writes at once: the state between them is not known
						before = append(before, was)
						was = nil
					}
				}
				if b.writes()-began < 4 {
					return
				}
				lost := min(r.Intn(most+1), b.Losable())
				want := state(t.Context(), b, c)
				if lost > 0 {
					want = before[len(before)-lost]
				}
				b.FailOver(lost)
				if want == nil {
					continue
				}
				expire(want)
				if got := state(t.Context(), b, c); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("seed %d, %d lost: got\n%v, wanted\n%v", seed, lost, got, want)
				}
			}
		})
	}
}

// writes counts them.
func (b *Backend) writes() int {
	n := 0
	for _, e := range b.journal {
		if e.counts {
			n++
		}
	}
	return n
}

// expire drops what has expired since.
func expire(state map[string]string) {
	for key, text := range state {
		if _, at, ok := strings.Cut(text, " until "); ok {
			at, _, _ = strings.Cut(at, " m=")
			until, err := time.Parse("2006-01-02 15:04:05.999999999 -0700 MST", at)
			if err != nil {
				panic(err)
			}
			if !until.After(time.Now()) {
				delete(state, key)
			}
		}
	}
}

// What can be lost: at most three, of the last minute, and only what changed
// something; a transaction or a script is one.
func TestLosable(t *testing.T) {
	run(t, New("cache").Replicated().With("seed", "1"), func(t *testing.T, e *fakestest.Env, c *redis.Client) {
		ctx, b := t.Context(), e.Backend("").(cloud.FailsOver)
		want := func(what string, n int) {
			t.Helper()
			if got := b.Losable(); got != n {
				t.Errorf("%s: %d can be lost, wanted %d", what, got, n)
			}
		}
		want("at the start", 0)
		c.Get(ctx, "seed")
		c.Del(ctx, "none")
		c.SetNX(ctx, "seed", "2", 0)
		c.Incr(ctx, "seed").Val()
		want("one INCR", 1)
		c.HSet(ctx, "seed", "a", "b")
		c.LPop(ctx, "none")
		c.Publish(ctx, "news", "x")
		c.Eval(ctx, `return redis.call("GET", "seed")`, nil)
		want("what changes nothing", 1)
		_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, "a", "1", 0)
			return p.Set(ctx, "b", "1", 0).Err()
		})
		if err != nil {
			t.Error(err)
		}
		want("a transaction", 2)
		c.Eval(ctx, `redis.call("SET", "c", 1); return redis.call("SET", "d", 1)`, nil)
		want("a script", 3)
		c.Set(ctx, "e", "1", 0)
		want("at most", 3)
		b.FailOver(2)
		if got := fakestest.Contents(b); got != "a=1,b=1,seed=2" {
			t.Errorf("two are lost, left is %s", got)
		}
		want("after the failover", 2)
		time.Sleep(61 * time.Second)
		want("a minute later", 0)
		b.FailOver(0)
		if got := fakestest.Contents(b); got != "a=1,b=1,seed=2" {
			t.Errorf("none is lost, left is %s", got)
		}
	})
}

// A failover resets every connection: a client's next command goes out on a
// new one, without an operation for the old; who waits or is subscribed comes
// back; scripts are loaded again.
func TestFailOverConnections(t *testing.T) {
	run(t, New("cache").Replicated(), func(t *testing.T, e *fakestest.Env, c *redis.Client) {
		ctx, b := t.Context(), e.Backend("").(*Backend)
		script := redis.NewScript(`return redis.call("INCR", KEYS[1])`)
		if n, err := script.Run(ctx, c, []string{"n"}).Int(); n != 1 || err != nil {
			t.Error(n, err)
		}
		waits := make(chan string, 1)
		go func() {
			got, err := c.BLPop(ctx, 0, "q").Result()
			waits <- fmt.Sprint(got, " ", err)
		}()
		sub := c.Subscribe(ctx, "news")
		defer func() { _ = sub.Close() }()
		heard := sub.Channel()
		synctest.Wait()
		held := c.Conn() // its connection is not the pool's to replace
		defer func() { _ = held.Close() }()
		if err := held.Ping(ctx).Err(); err != nil {
			t.Error(err)
		}
		before := len(e.Entered())
		b.FailOver(0)
		if err := held.Ping(ctx).Err(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a connection that was reset: %v", err)
		}
		if got := e.Entered()[before:]; slices.Contains(got, "PING") {
			t.Errorf("operations after the failover: %q", got)
		}
		if n, err := script.Run(ctx, c, []string{"n"}).Int(); n != 2 || err != nil {
			t.Error(n, err)
		}
		time.Sleep(time.Second)
		c.RPush(ctx, "q", "x")
		c.Publish(ctx, "news", "again")
		if got := <-waits; got != "[q x] <nil>" {
			t.Errorf("who waited got %s", got)
		}
		if m := <-heard; m.Payload != "again" {
			t.Errorf("the subscriber got %v", m)
		}
	})
}

// A call that waits at the tap while Redis fails over does not happen; it is
// told as reset, and the client's retry is another operation.
func TestFailOverMeanwhile(t *testing.T) {
	run(t, New("cache").Replicated(), func(t *testing.T, e *fakestest.Env, c *redis.Client) {
		ctx, b := t.Context(), e.Backend("").(*Backend)
		for _, key := range []string{"a", "b"} {
			c.Set(ctx, key, "1", 0)
		}
		once := true
		e.Verdict = func(*probe.Call) probe.Fate {
			if once {
				once = false
				b.FailOver(1)
			}
			return probe.Fate{}
		}
		if n, err := c.Incr(ctx, "a").Result(); n != 2 || err != nil {
			t.Error(n, err)
		}
		ops := e.Operations()
		if reset, again := ops[len(ops)-2], ops[len(ops)-1]; reset.Result.Status != "reset" || reset.Result.OK || again.Result.Status != "2" {
			t.Errorf("got %+v, then %+v", reset.Result, again.Result)
		}
		if got := fakestest.Contents(b); got != "a=2" {
			t.Errorf("got %s", got)
		}
	})
}
