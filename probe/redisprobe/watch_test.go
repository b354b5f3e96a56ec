package redisprobe

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// observed is a connection with somebody who looks on.
type observed struct {
	net.Conn
	by *Watcher
}

func (o observed) Write(b []byte) (int, error) {
	o.by.Wrote(b)
	return o.Conn.Write(b)
}

func (o observed) Read(b []byte) (int, error) {
	n, err := o.Conn.Read(b)
	o.by.Read(b[:n])
	return n, err
}

// passive is a tap that only looks on.
type passive struct{ probetest.Tap }

func (*passive) Passive() bool { return true }

// Leave remembers the operation, of which a passive tap has nothing afterwards.
func (p *passive) Leave(c *probe.Call) error {
	kept := *c
	kept.Op.Request.Words, kept.Op.Result.Body = slices.Clone(c.Op.Request.Words), bytes.Clone(c.Op.Result.Body)
	return p.Tap.Leave(&kept)
}

// workload is what a client does on a connection: commands, a pipeline,
// transactions, errors, what is long, and what is pushed.
func workload(ctx context.Context, c *redis.Client) {
	c.Set(ctx, "a", strings.Repeat("x", 1<<20), 0)
	c.Get(ctx, "a")
	c.Incr(ctx, "a")
	c.Get(ctx, "nothing")
	_, _ = c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range 50 {
			p.HSet(ctx, "h", fmt.Sprint(i), i)
		}
		p.HGetAll(ctx, "h")
		return nil
	})
	_, _ = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "b", 1, 0)
		p.Incr(ctx, "b")
		return nil
	})
	_ = c.Watch(ctx, func(tx *redis.Tx) error {
		c.Set(ctx, "b", "other", 0)
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "b", 2, 0).Err() })
		return err
	}, "b")
	c.Eval(ctx, "return {1, {2, 'three'}}", []string{"b"})
}

// Whoever looks on at a connection tells the same operations, with the same
// results in the same order, as a dialer that carries it; in RESP2 and RESP3.
func TestWatch(t *testing.T) {
	for _, protocol := range []int{2, 3} {
		told := func(dialer func(tap probe.Tap, dial Dial) Dial) string {
			tap := &passive{}
			c := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), Protocol: protocol, PoolSize: 2, DisableIdentity: true,
				Dialer: dialer(tap, (&net.Dialer{}).DialContext)})
			defer func() { _ = c.Close() }()
			workload(t.Context(), c)
			var out strings.Builder
			for _, op := range tap.Left {
				fmt.Fprintf(&out, "%s %s %v %+v\n", op.Method, op.Resource, op.Request.Words, op.Result)
			}
			return out.String()
		}
		carried := told(func(tap probe.Tap, dial Dial) Dial { return Dialer(tap, "redis", dial) })
		seen := told(func(tap probe.Tap, dial Dial) Dial {
			return func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := dial(ctx, network, addr)
				return observed{conn, Watch(tap, "redis", func(err error) { t.Error(err) })}, err
			}
		})
		if seen != carried || strings.Count(seen, "\n") < 60 {
			t.Errorf("RESP%d: %d operations are seen, and %d carried:\n%.3000s\n\n%.3000s", protocol, strings.Count(seen, "\n"), strings.Count(carried, "\n"), seen, carried)
		}
	}
}

// What is no Redis is let be without a word; what stops being understood is told
// once, and not looked at any more.
func TestWatchOthers(t *testing.T) {
	ok := "+OK\r\n"
	cases := []struct {
		name           string
		wrote, read    []string
		wantOps        string
		wantLost, over bool
	}{
		{"HTTP", []string{"GET / HTTP/1.1\r\n\r\n"}, []string{"HTTP/1.1 200 OK\r\n"}, "", false, true},
		{"TLS", []string{"\x16\x03\x01\x00"}, []string{"\x16"}, "", false, true},
		{"one command", []string{encode("SET", "k", "v")}, []string{ok}, "SET OK", false, false},
		{"in pieces", []string{encode("SET", "k", "v")[:9], encode("SET", "k", "v")[9:]}, []string{"+", "OK\r", "\n"}, "SET OK", false, false},
		{"garbage later", []string{encode("SET", "k", "v"), "PING\r\n"}, []string{ok}, "", true, true},
		{"no reply", []string{encode("SET", "k", "v")}, []string{"HTTP/1.1 400 Bad Request\r\n"}, "", true, true},
		{"an answer to nothing", []string{encode("SET", "k", "v")}, []string{ok, ok}, "SET OK", true, true},
		{"a push", []string{encode("SET", "k", "v")}, []string{">2\r\n+a\r\n", "+b\r\n" + ok, ">1\r\n$3\r\nabc\r\n"}, "SET OK", false, false},
		{"an attribute", []string{encode("GET", "k")}, []string{"|1\r\n+ttl\r\n:3\r\n*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n", ok[:0]}, "GET (2 elements)", false, false},
		{"RESP2 subscription", []string{encode("SUBSCRIBE", "c"), "anything"}, []string{"*3\r\n"}, "SUBSCRIBE (subscribed)", false, true},
	}
	for _, c := range cases {
		tap, lost := &passive{}, 0
		w := Watch(tap, "redis", func(error) { lost++ })
		for _, b := range c.wrote {
			w.Wrote([]byte(b))
		}
		for _, b := range c.read {
			w.Read([]byte(b))
		}
		var ops []string
		for _, op := range tap.Left {
			ops = append(ops, op.Method+" "+op.Result.Status)
		}
		if got := strings.Join(ops, ", "); got != c.wantOps || (lost == 1) != c.wantLost || w.over.Load() != c.over {
			t.Errorf("%s: %q, lost %d, over %v", c.name, got, lost, w.over.Load())
		}
	}
}

// The scanner finds the replies that the reader of a carried connection finds,
// wherever the bytes are cut.
func TestScan(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var all bytes.Buffer
		for range 1 + r.IntN(4) {
			all.WriteString(anyReply(r, 3))
		}
		var want, got []string
		for in := bufio.NewReader(bytes.NewReader(all.Bytes())); ; {
			var out bytes.Buffer
			start, err := readReply(in, &out)
			if err != nil {
				break
			}
			want = append(want, out.String()[start:])
		}
		s := &replyScanner{}
		for b := all.Bytes(); len(b) > 0; {
			n := 1 + r.IntN(len(b))
			s.add(b[:n])
			b = b[n:]
			for reply, err := s.next(); reply != nil || err != nil; reply, err = s.next() {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(reply))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: got %q, wanted %q", all.String(), got, want)
		}
	}
}

// anyReply is a reply of every kind.
func anyReply(r *rand.Rand, depth int) string {
	kinds := []string{"+OK\r\n", "-ERR no\r\n", ":7\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "(12345678901234567890\r\n", "$-1\r\n", "*-1\r\n", "$0\r\n\r\n", "$4\r\na\r\nb\r\n",
		"=7\r\ntxt:abc\r\n", "!3\r\nERR\r\n", "*0\r\n"}
	n := r.IntN(len(kinds) + 4)
	if n < len(kinds) || depth == 0 {
		return kinds[n%len(kinds)]
	}
	parts := r.IntN(3)
	head := fmt.Sprintf("%c%d\r\n", "*~%|"[n-len(kinds)], parts)
	if n >= len(kinds)+2 {
		parts *= 2
	}
	if n == len(kinds)+3 {
		parts++ // what the attribute is of
	}
	for range parts {
		head += anyReply(r, depth-1)
	}
	return head
}

// A command that is looked on at costs what this says: on a connection of memory.
func BenchmarkWatch(b *testing.B) {
	r := probetest.Recorder(new([]event.Event))
	request, reply := []byte(encode("SET", "k", "v")), []byte("+OK\r\n")
	w := Watch(r, "redis", func(error) {})
	b.ReportAllocs()
	for b.Loop() {
		w.Wrote(request)
		w.Read(reply)
	}
}
