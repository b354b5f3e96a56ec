package redisprobe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// rig is a real client and a server in process, with a tap between.
type rig struct {
	tap    *probetest.Tap
	mini   *miniredis.Miniredis
	client *redis.Client
}

// withRedis runs f in a bubble, for both versions of the protocol. options
// may be nil. Nothing may be left behind.
func withRedis(t *testing.T, options func(*redis.Options), f func(t *testing.T, r *rig)) {
	t.Helper()
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &rig{tap: &probetest.Tap{Fates: map[string][]probe.Fate{}}, mini: miniredis.NewMiniRedis()}
				r.mini.ClockTTL(true)
				o := redis.Options{Addr: "127.0.0.1:6379", MinRetryBackoff: -1, MaxRetryBackoff: -1, Protocol: protocol}
				if options != nil {
					options(&o)
				}
				o.Dialer = Dialer(r.tap, "redis", func(context.Context, string, string) (net.Conn, error) { return r.mini.Dial() })
				r.client = redis.NewClient(&o)
				defer r.mini.Close()
				defer func() { _ = r.client.Close() }()
				f(t, r)
			})
		})
	}
}

func (r *rig) wantOps(t *testing.T, want ...string) {
	t.Helper()
	if got := r.tap.Ops(); !slices.Equal(got, want) {
		t.Errorf("operations\n  %q, wanted\n  %q", got, want)
	}
	r.tap.Reset()
}

// Each command is one operation; setting the connection up is none; the
// answer, an error and nil included, reaches the caller as ever.
func TestCommands(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		ctx := t.Context()
		if err := r.client.Set(ctx, "k", "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
		if v, err := r.client.Get(ctx, "k").Result(); v != "v" || err != nil {
			t.Errorf("got %q, %v", v, err)
		}
		if err := r.client.Get(ctx, "absent").Err(); !errors.Is(err, redis.Nil) {
			t.Errorf("absent: %v", err)
		}
		if err := r.client.Incr(ctx, "k").Err(); err == nil || !strings.Contains(err.Error(), "not an integer") {
			t.Errorf("INCR of text: %v", err)
		}
		statuses := []string{"OK", `"v"`, "(nil)", "ERR value is not an integer or out of range"}
		for i, op := range r.tap.Left {
			if op.Service != "redis" || op.Result.Status != statuses[i] || op.Result.OK != (i < 3) || !r.tap.Calls[i].Timed {
				t.Errorf("%s: %+v", op.Method, op.Result)
			}
		}
		r.wantOps(t, "SET k", "GET k", "GET absent", "INCR k")
	})
}

// The commands of a pipeline are one operation each; MULTI to EXEC is one, and
// one that a watched key stopped was not accepted.
func TestPipelines(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		ctx := t.Context()
		p := func(p redis.Pipeliner) error {
			p.Set(ctx, "a", "1", 0)
			p.Incr(ctx, "a")
			return nil
		}
		if _, err := r.client.Pipelined(ctx, p); err != nil {
			t.Fatal(err)
		}
		r.wantOps(t, "SET a", "INCR a")
		cmds, err := r.client.TxPipelined(ctx, p)
		if err != nil || cmds[1].(*redis.IntCmd).Val() != 2 {
			t.Fatal(cmds, err)
		}
		r.wantOps(t, "MULTI SET INCR EXEC a")
		err = r.client.Watch(ctx, func(tx *redis.Tx) error {
			r.client.Set(ctx, "w", "other", 0)
			_, err := tx.TxPipelined(ctx, p)
			return err
		}, "w")
		if last := r.tap.Left[len(r.tap.Left)-1]; !errors.Is(err, redis.TxFailedErr) || last.Result.OK || last.Result.Status != "(nil)" {
			t.Errorf("%v, %+v", err, last.Result)
		}
		r.wantOps(t, "WATCH w", "SET w", "MULTI SET INCR EXEC a w")
	})
}

// A transaction that is sent word by word is answered word by word.
func TestInteractiveTransaction(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		ctx := t.Context()
		conn := r.client.Conn()
		defer func() { _ = conn.Close() }()
		for _, c := range []struct{ do, want string }{{"multi", "OK"}, {"incr n", "QUEUED"}, {"exec", "[1]"}} {
			var args []any
			for _, w := range strings.Fields(c.do) {
				args = append(args, w)
			}
			if got, err := conn.Do(ctx, args...).Result(); fmt.Sprint(got) != c.want || err != nil {
				t.Errorf("%s: %v, %v", c.do, got, err)
			}
		}
		r.wantOps(t, "MULTI INCR EXEC n")
	})
}

// A script that the server does not know is two operations, as the client
// makes it; keys are the script's.
func TestScript(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		script := redis.NewScript(`return redis.call("INCR", KEYS[1])`)
		for want := range 2 {
			if n, err := script.Run(t.Context(), r.client, []string{"n"}).Int(); n != want+1 || err != nil {
				t.Fatal(n, err)
			}
		}
		r.wantOps(t, "EVALSHA n", "EVAL n", "EVALSHA n")
	})
}

// A blocking command lets others run: it is let through, and answered when
// another connection pushes, or at its own time limit.
func TestBlocking(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		ctx := t.Context()
		var got []string
		var wg sync.WaitGroup
		wg.Go(func() { got, _ = r.client.BLPop(ctx, time.Hour, "jobs").Result() })
		synctest.Wait()
		time.Sleep(time.Minute) // past the client's usual read timeout
		r.client.RPush(ctx, "jobs", "j-1")
		wg.Wait()
		if !slices.Equal(got, []string{"jobs", "j-1"}) {
			t.Errorf("got %q", got)
		}
		r.wantOps(t, "BLPOP jobs", "RPUSH jobs")
		began := time.Now()
		if err := r.client.BLPop(ctx, 5*time.Second, "jobs").Err(); !errors.Is(err, redis.Nil) || time.Since(began) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// Values beyond every buffer, and pipelines of a thousand commands, pass over
// a pipe that holds nothing.
func TestLarge(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		ctx := t.Context()
		big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
		cmds, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range 1000 {
				p.Set(ctx, fmt.Sprint("k", i), i, 0)
			}
			for i := range 3 {
				p.Set(ctx, fmt.Sprint("big", i), big, 0)
				p.Get(ctx, fmt.Sprint("big", i))
			}
			return nil
		})
		if err != nil || len(cmds) != 1006 || cmds[1005].(*redis.StringCmd).Val() != big || len(r.tap.Ops()) != 1006 {
			t.Errorf("%d commands, %v, %d operations", len(cmds), err, len(r.tap.Ops()))
		}
		r.tap.Reset()
		_, err = r.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			for i := range 1000 {
				p.Set(ctx, fmt.Sprint("k", i%10), big[:4096], 0)
			}
			return nil
		})
		if err != nil || len(r.tap.Ops()) != 1 {
			t.Errorf("%v, %d operations", err, len(r.tap.Ops()))
		}
	})
}

// Concurrent callers have connections of their own: each waits for its own
// answer.
func TestPool(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		gate := make(chan struct{})
		r.tap.Before = func(*probe.Call) { <-gate }
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				v := fmt.Sprint(i)
				if got, err := r.client.Eval(t.Context(), "return ARGV[1]", nil, v).Text(); got != v || err != nil {
					t.Errorf("%s: got %s, %v", v, got, err)
				}
			})
		}
		synctest.Wait()
		if n := len(r.tap.Ops()); n != 5 {
			t.Errorf("%d operations wait, wanted 5", n)
		}
		for range 5 {
			gate <- struct{}{}
			synctest.Wait()
		}
		wg.Wait()
	})
}

// A request that comes byte by byte is one operation; what is no request
// breaks the connection with an error that says so, and does not hang.
func TestRaw(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		conn, err := r.client.Options().Dialer(t.Context(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		for _, b := range []byte("*0\r\n" + encode("SET", "k", "a\r\nb") + encode("GET", "k")) {
			if n, err := conn.Write([]byte{b}); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
		want := "+OK\r\n$4\r\na\r\nb\r\n"
		got := make([]byte, len(want))
		if _, err := io.ReadFull(conn, got); string(got) != want || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		r.wantOps(t, "SET k", "GET k")
		if _, err := conn.Write([]byte("PING\r\n")); !errors.Is(err, errRequest) {
			t.Errorf("inline command: %v", err)
		}
		if _, err := conn.Read(got); !errors.Is(err, errRequest) {
			t.Errorf("then: %v", err)
		}
	})
}

// What cannot be told as operations is refused with words, and does not hang.
func TestUnsupported(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		for request, want := range map[string]string{
			encode("CLIENT", "REPLY", "OFF"):          "redis: CLIENT REPLY OFF is not supported: every request must have its answer",
			encode("SUBSCRIBE", "a") + encode("PING"): "redis: SUBSCRIBE in a pipeline is not supported, wanted it in a request of its own",
		} {
			conn, err := r.client.Options().Dialer(t.Context(), "tcp", "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err = conn.Write([]byte(request)); err == nil {
				_, err = conn.Read(make([]byte, 10))
			}
			if err == nil || err.Error() != want {
				t.Errorf("got %v, wanted %s", err, want)
			}
			_ = conn.Close()
		}
	})
}

// A subscription is an operation, and messages then reach the subscriber,
// whether or not it reads meanwhile; the publisher never waits for it.
func TestSubscribe(t *testing.T) {
	withRedis(t, nil, func(t *testing.T, r *rig) {
		ctx := t.Context()
		sub := r.client.Subscribe(ctx, "news")
		defer func() { _ = sub.Close() }()
		if _, err := sub.Receive(ctx); err != nil {
			t.Fatal(err)
		}
		for i := range 300 {
			if err := r.client.Publish(ctx, "news", strings.Repeat("x", 1000)+fmt.Sprint(i)).Err(); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 300 {
			m, err := sub.ReceiveMessage(ctx)
			if err != nil || !strings.HasSuffix(m.Payload, fmt.Sprint("x", i)) {
				t.Fatal(m, err)
			}
		}
		if _, err := sub.ReceiveTimeout(ctx, time.Second); err == nil || !err.(net.Error).Timeout() {
			t.Errorf("with nothing to receive: %v", err)
		}
		if ops := r.tap.Ops(); ops[0] != "SUBSCRIBE news" || len(ops) != 301 {
			t.Errorf("%d operations, %q", len(ops), ops[0])
		}
	})
}

// old is a connection to a replica that is told how old its answers shall be.
type old struct {
	net.Conn
	missing []int
	gone    error
}

func (o *old) ReadStale(missing int) { o.missing = append(o.missing, missing) }
func (o *old) Gone() error           { return o.gone }

// The fate of a stale read reaches the connection before the request does; operations
// on a replica are marked. A connection that has been reset fails before the
// tap.
func TestReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := miniredis.NewMiniRedis()
		defer server.Close()
		tap := &probetest.Tap{Fates: map[string][]probe.Fate{"GET": {{}, {Action: probe.Stale, With: "2"}, {}}}}
		var conns []*old
		client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Dialer: ReplicaDialer(tap, "cache", func(context.Context, string, string) (net.Conn, error) {
			conn, err := server.Dial()
			conns = append(conns, &old{Conn: conn})
			return conns[len(conns)-1], err
		})})
		defer func() { _ = client.Close() }()
		for range 3 {
			client.Get(t.Context(), "k")
		}
		if len(conns) != 1 || !slices.Equal(conns[0].missing, []int{2}) {
			t.Fatalf("%d connections, the first %v", len(conns), conns[0].missing)
		}
		conns[0].gone = probe.ErrReset("read")
		if err := client.Get(t.Context(), "k").Err(); err != redis.Nil || len(conns) != 2 {
			t.Errorf("after a reset: %v, %d connections", err, len(conns))
		}
		for _, op := range tap.Left {
			if op.Service != "cache" || op.Request.Target != Replica {
				t.Errorf("got %+v", op)
			}
		}
		if len(tap.Left) != 4 || len(tap.Calls) != 4 {
			t.Errorf("%d operations of %d calls", len(tap.Left), len(tap.Calls))
		}
	})
}

// What a command does, and to which keys.
func TestAccess(t *testing.T) {
	for _, c := range []struct {
		words  string
		access event.Access
		keys   string
	}{
		{"get a", reads, "a"}, {"SET a 1", writes, "a"}, {"SET a 1 NX", both, "a"}, {"MGET a b", reads, "a b"}, {"HELLO 3", 0, "3"},
		{"SELECT 1", 0, "1"}, {"XREADGROUP GROUP g c STREAMS s t > >", both, "s t"}, {"WHATEVER a", both, "a"},
	} {
		words := strings.Fields(c.words)
		if access := Access(words); access != c.access {
			t.Errorf("%s: access %v, wanted %v", c.words, access, c.access)
		}
		if keys := strings.Join(Keys(words), " "); c.access != 0 && keys != c.keys {
			t.Errorf("%s: keys %q, wanted %q", c.words, keys, c.keys)
		}
	}
}
