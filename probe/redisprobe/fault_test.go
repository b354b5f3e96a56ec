package redisprobe

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// A call that is refused has no effect, and the client's own retry comes as a
// second operation.
func TestRefuse(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		r.tap.Fates["INCR"] = []probe.Fate{{Action: probe.Refuse, With: "reset"}}
		if n, err := r.client.Incr(t.Context(), "n").Result(); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		r.wantOps(t, "INCR n", "INCR n")
	})
}

// The field's favourite: the answer of INCR is lost, the client sends it
// again, and it counts twice.
func TestLoseReset(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		r.tap.Fates["INCR"] = []probe.Fate{{Action: probe.Lose, With: "reset"}}
		if n, err := r.client.Incr(t.Context(), "n").Result(); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if r.tap.Left[0].Result.Status != "1" {
			t.Errorf("the lost answer is %+v", r.tap.Left[0].Result)
		}
		r.wantOps(t, "INCR n", "INCR n")
	})
}

// Where the answer is lost without a trace, the client waits for its read
// timeout, which is virtual, and may then try again.
func TestLoseTimeout(t *testing.T) {
	for _, retries := range []int{-1, 3} {
		options := func(o *redis.Options) { o.ReadTimeout, o.MaxRetries = 7*time.Second, retries }
		withRedis(t, options, func(t *testing.T, r *rig) {
			r.tap.Fates["INCR"] = []probe.Fate{{Action: probe.Lose, With: "timeout"}}
			began := time.Now()
			n, err := r.client.Incr(t.Context(), "n").Result()
			if took := time.Since(began).Round(time.Microsecond); took != 7*time.Second {
				t.Errorf("took %v", took)
			}
			if retries < 0 {
				var timeout net.Error
				if !errors.As(err, &timeout) || !timeout.Timeout() {
					t.Errorf("%v", err)
				}
				r.wantOps(t, "INCR n")
				return
			}
			if n != 2 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			r.wantOps(t, "INCR n", "INCR n")
		})
	}
}

// Without retries the caller sees what became of the call, and the client
// works on over a new connection.
func TestNoRetries(t *testing.T) {
	withRedis(t, func(o *redis.Options) { o.MaxRetries = -1 }, func(t *testing.T, r *rig) {
		for _, v := range []probe.Fate{{Action: probe.Refuse, With: "reset"}, {Action: probe.Lose, With: "reset"}, {Action: probe.Cut}} {
			r.tap.Fates["INCR"] = []probe.Fate{v}
			if err := r.client.Incr(t.Context(), "n").Err(); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%v: %v", v, err)
			}
		}
		r.tap.Fates["INCR"] = []probe.Fate{{Action: probe.GaveUp}}
		if err := r.client.Incr(t.Context(), "n").Err(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v", err)
		}
		if n, err := r.client.Incr(t.Context(), "n").Result(); n != 2 || err != nil {
			t.Errorf("%d, %v: only what was lost had an effect", n, err)
		}
	})
}

// An instance that has died while its call was under way does not see the
// answer.
func TestDead(t *testing.T) {
	withRedis(t, func(o *redis.Options) { o.MaxRetries = -1 }, func(t *testing.T, r *rig) {
		r.tap.Dead = true
		if err := r.client.Incr(t.Context(), "n").Err(); !errors.Is(err, probetest.ErrDead) {
			t.Errorf("%v", err)
		}
		if n, _ := r.mini.Get("n"); n != "1" {
			t.Errorf("n is %q", n)
		}
	})
}

// A fault in the middle of a pipeline leaves what came before it done, and
// what comes after it not even tried; the client tries the whole again.
func TestPipelineFault(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		r.tap.Fates["INCRBY"] = []probe.Fate{{Action: probe.Lose, With: "reset"}}
		_, err := r.client.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			p.Incr(t.Context(), "a")
			p.IncrBy(t.Context(), "b", 10)
			p.Incr(t.Context(), "c")
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		r.wantOps(t, "INCR a", "INCRBY b", "INCR a", "INCRBY b", "INCR c")
		for key, want := range map[string]string{"a": "2", "b": "20", "c": "1"} {
			if got, _ := r.mini.Get(key); got != want {
				t.Errorf("%s is %s, wanted %s", key, got, want)
			}
		}
	})
}

// A call that is held stands for a caller that does not run: however long, it
// does not time out by itself, nor does a connection that was long in hand.
func TestHeld(t *testing.T) {
	withRedis(t, func(o *redis.Options) { o.MaxRetries, o.ReadTimeout = -1, 3*time.Second }, func(t *testing.T, r *rig) {
		ctx := t.Context()
		r.tap.Before = func(c *probe.Call) { time.Sleep(time.Hour) }
		if n, err := r.client.Incr(ctx, "n").Result(); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		err := r.client.Watch(ctx, func(tx *redis.Tx) error {
			time.Sleep(time.Hour) // the deadline of WATCH is long past
			_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Incr(ctx, "n").Err() })
			return err
		}, "n")
		if err != nil {
			t.Error(err)
		}
		r.tap.Fates["INCR"] = []probe.Fate{{Action: probe.Lose, With: "timeout"}}
		began := time.Now()
		if err := r.client.Incr(ctx, "n").Err(); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began).Round(time.Microsecond) != time.Hour+3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// To close the client gives up what waits at the tap, without effect.
func TestCloseWhileHeld(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		var gaveUp bool
		r.tap.Before = func(c *probe.Call) { <-c.GiveUp; gaveUp = true }
		r.tap.Fates["INCR"] = []probe.Fate{{Action: probe.GaveUp}}
		done := make(chan error)
		go func() { done <- r.client.Incr(t.Context(), "n").Err() }()
		synctest.Wait()
		_ = r.client.Close()
		if err := <-done; err == nil || !gaveUp || r.mini.Exists("n") {
			t.Errorf("%v, gave up %v", err, gaveUp)
		}
	})
}

// A call of which nothing more is heard ends with its connection, deadline or
// not.
func TestSilentWithoutDeadline(t *testing.T) {
	withRedis(t, func(o *redis.Options) { o.ReadTimeout = -1 }, func(t *testing.T, r *rig) {
		r.tap.Fates["INCR"] = []probe.Fate{{Action: probe.Lose, With: "timeout"}}
		done := make(chan error)
		go func() { done <- r.client.Incr(t.Context(), "n").Err() }()
		synctest.Wait()
		if r.tap.Calls[0].Timed {
			t.Error("a call without a deadline is timed")
		}
		_ = r.client.Close()
		if err := <-done; err == nil {
			t.Error("no error")
		}
	})
}

// A context's deadline is the call's where the client is told to heed it.
func TestContextDeadline(t *testing.T) {
	withRedis(t, func(o *redis.Options) { o.ContextTimeoutEnabled = true }, func(t *testing.T, r *rig) {
		r.tap.Fates["INCR"] = []probe.Fate{{Action: probe.Lose, With: "timeout"}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := r.client.Incr(ctx, "n").Err(); err == nil || time.Since(began).Round(time.Microsecond) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// A subscription that fails is tried again by the client, on a new
// connection; what is published before that is lost.
func TestSubscribeFault(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		r.tap.Fates["SUBSCRIBE"] = []probe.Fate{{Action: probe.Refuse, With: "reset"}, {Action: probe.Lose, With: "reset"}}
		sub := r.client.Subscribe(t.Context(), "news")
		defer func() { _ = sub.Close() }()
		messages := sub.Channel()
		time.Sleep(time.Minute)
		if n := r.client.Publish(t.Context(), "news", "hello").Val(); n != 1 {
			t.Fatalf("%d subscribers after %q", n, r.tap.Ops())
		}
		if m := <-messages; m.Payload != "hello" {
			t.Errorf("got %v", m)
		}
		if got := strings.Join(r.tap.Ops(), ","); got != "SUBSCRIBE news,SUBSCRIBE news,SUBSCRIBE news,PUBLISH news" {
			t.Errorf("got %s", got)
		}
	})
}

// Answers are waited for by one goroutine while another sends, as clients
// with one connection for all do.
func TestDuplex(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		conn, err := r.client.Options().Dialer(t.Context(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan string)
		go func() {
			b := make([]byte, 64)
			for {
				n, err := conn.Read(b)
				if err != nil {
					got <- err.Error()
					return
				}
				got <- string(b[:n])
			}
		}()
		synctest.Wait()
		for range 3 {
			_, _ = conn.Write([]byte(encode("PING")))
			if s := <-got; s != "+PONG\r\n" {
				t.Errorf("got %q", s)
			}
		}
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		if s := <-got; !strings.Contains(s, "timeout") {
			t.Errorf("got %q", s)
		}
		_ = conn.Close()
	})
}
