package fakestest_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/fakes/fakestest"
	fakeredis "github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/internal/redisserver"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

// The suite holds for a real Redis.
func TestRealRedis(t *testing.T) {
	addr := redisserver.Start(t, "--appendonly", "no")
	open := func() *redis.Client { return redis.NewClient(&redis.Options{Addr: addr}) }
	// Times are real here, and a machine that does much else is late: what is
	// wrong with the suite or the server is wrong every time.
	for range 5 {
		err := fakestest.Redis(t.Context(), open)
		if err == nil {
			return
		}
		t.Logf("again, in case it was the machine: %v", err)
	}
	t.Error("it fails every time")
}

// broken is a connection to a Redis that is broken on purpose: what the
// client says is changed on its way.
type broken struct {
	net.Conn
	change func(words []string) []string
	order  func(requests [][]string) // of what is written at once; may be nil
}

func (b *broken) Write(p []byte) (int, error) {
	var all [][]string
	for rest := p; len(rest) > 0; { // the client writes whole ones
		words, n, err := redisprobe.ParseRequest(rest)
		if err != nil || n == 0 {
			return 0, fmt.Errorf("%q is no request: %w", rest, err)
		}
		all, rest = append(all, words), rest[n:]
	}
	if b.order != nil {
		b.order(all)
	}
	var out []byte
	for _, words := range all {
		if b.change != nil {
			words = b.change(words)
		}
		out = fmt.Appendf(out, "*%d\r\n", len(words))
		for _, w := range words {
			out = fmt.Appendf(out, "$%d\r\n%s\r\n", len(w), w)
		}
	}
	if _, err := b.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// says makes another command of one.
func says(name string, as func(words []string) []string) func([]string) []string {
	return func(words []string) []string {
		if strings.EqualFold(words[0], name) {
			return as(words)
		}
		return words
	}
}

// named gives a command another name.
func named(as string) func([]string) []string {
	return func(words []string) []string { return append([]string{as}, words[1:]...) }
}

// script makes a script of a command, with its words as arguments.
func script(text string) func([]string) []string {
	return func(words []string) []string { return append([]string{"EVAL", text, "0"}, words...) }
}

// dropping drops words that are options, and so many that follow each.
func dropping(follow int, options ...string) func([]string) []string {
	return func(words []string) []string {
		var out []string
		for i := 0; i < len(words); i++ {
			if i > 1 && slices.Contains(options, strings.ToUpper(words[i])) {
				i += follow
				continue
			}
			out = append(out, words[i])
		}
		return out
	}
}

// replacing replaces a word.
func replacing(old, with string) func([]string) []string {
	return func(words []string) []string {
		out := slices.Clone(words)
		for i, w := range out[1:] {
			if strings.EqualFold(w, old) {
				out[i+1] = with
			}
		}
		return out
	}
}

// atOnce carries out what is queued at once, and says that it is queued.
func atOnce() func([]string) []string {
	queued := 0
	inside := false
	return func(words []string) []string {
		switch name := strings.ToUpper(words[0]); {
		case name == "MULTI":
			inside, queued = true, 0
			return []string{"UNWATCH"}
		case !inside:
		case name == "EXEC" || name == "DISCARD":
			inside = false
			return []string{"EVAL", "local t = {}; for i = 1, tonumber(ARGV[1]) do t[i] = 2 end; return t", "0", strconv.Itoa(queued)}
		default:
			queued++
			return append([]string{"EVAL", "redis.pcall(unpack(ARGV)); return redis.status_reply('QUEUED')", "0"}, words...)
		}
		return words
	}
}

// late lets the first command on a key come later than the next one.
func late(key string) func([]string) []string {
	var came atomic.Bool
	return func(words []string) []string {
		if words[1] == key && !came.Swap(true) {
			time.Sleep(30 * time.Millisecond)
		}
		return words
	}
}

var brokenRedis = []struct {
	name, notices string // the check that must notice it
	change        func(words []string) []string
	order         func(requests [][]string)
}{
	{name: "SET ignores expiry", notices: "keys expire:", change: says("SET", dropping(1, "PX", "EX"))},
	{name: "PEXPIRE is ignored", notices: "keys expire:", change: says("PEXPIRE", func(w []string) []string { return []string{"EXISTS", w[1]} })},
	{name: "PERSIST is ignored", notices: "what keeps", change: says("PERSIST", named("EXISTS"))},
	{name: "SET keeps the time to live", notices: "what keeps", change: says("SET", func(w []string) []string {
		if len(w) == 3 {
			return append(w, "KEEPTTL")
		}
		return w
	})},
	{name: "KEEPTTL is ignored", notices: "what keeps", change: says("SET", dropping(0, "KEEPTTL"))},
	{name: "NX is ignored", notices: "a lock", change: says("SET", dropping(0, "NX"))},
	{name: "XX is ignored", notices: "options of SET", change: says("SET", dropping(0, "XX"))},
	{name: "GETDEL does not delete", notices: "options of SET", change: says("GETDEL", named("GET"))},
	{name: "INCR does not store", notices: "strings:", change: says("INCR", script("return (redis.call('GET', ARGV[2]) or 0) + 1"))},
	{name: "lists are last in, first out", notices: "lists are", change: says("LPOP", named("RPOP"))},
	{name: "moves copy", notices: "lists are", change: says("RPOPLPUSH", script("local v = redis.call('LINDEX', ARGV[2], -1); redis.call('LPUSH', ARGV[3], v); return v"))},
	{name: "HSET replaces the hash", notices: "hashes:", change: says("HSET", script("redis.pcall('DEL', ARGV[2]); return redis.call(unpack(ARGV))"))},
	{name: "SPOP does not take", notices: "sets:", change: says("SPOP", named("SRANDMEMBER"))},
	{name: "sorted sets are reversed", notices: "sorted sets", change: says("ZRANGE", named("ZREVRANGE"))},
	{name: "types are not checked", notices: "wrong types", change: says("GET", script("local v = redis.pcall('GET', ARGV[2]); if type(v) == 'table' then return false end; return v"))},
	{name: "pipelines are reversed", notices: "pipelines", order: func(all [][]string) {
		if !strings.EqualFold(all[0][0], "MULTI") && !strings.EqualFold(all[0][0], "HELLO") {
			slices.Reverse(all)
		}
	}},
	{name: "WATCH is ignored", notices: "WATCH sees", change: says("WATCH", func([]string) []string { return []string{"UNWATCH"} })},
	{name: "WATCH sees one key alone", notices: "WATCH sees", change: says("WATCH", func(w []string) []string { return w[:2] })},
	{name: "EXEC is not atomic", notices: "transactions happen at once:", change: atOnce()},
	{name: "scripts stop before they write twice", notices: "scripts are atomic", change: says("EVAL", func(w []string) []string {
		out := slices.Clone(w)
		out[1], _, _ = strings.Cut(out[1], "; return redis.call")
		return out
	})},
	{name: "unknown hashes are fine", notices: "scripts are known", change: says("EVALSHA", func([]string) []string { return []string{"ECHO", "1"} })},
	{name: "BLPOP does not wait", notices: "blocking pops wait", change: says("BLPOP", script("return false"))},
	{name: "BLPOP takes from the end", notices: "blocking pops wait", change: says("BLPOP", named("BRPOP"))},
	{name: "BZPOPMIN takes the greatest", notices: "blocking pops wait", change: says("BZPOPMIN", named("BZPOPMAX"))},
	{name: "BLPOP waits for ever", notices: "blocking pops time out", change: says("BLPOP", func(w []string) []string { return append(slices.Clone(w[:len(w)-1]), "0") })},
	{name: "who waits first is passed over", notices: "who waits longest", change: says("BLPOP", late("q"))},
	{name: "BRPOPLPUSH does not wait", notices: "blocking moves", change: says("BRPOPLPUSH", func(w []string) []string { return []string{"RPOPLPUSH", w[1], w[2]} })},
	{name: "RENAME wakes nobody", notices: "transactions and scripts wake", change: says("RENAME", script("redis.call('RENAME', ARGV[2], 'elsewhere'); return redis.status_reply('OK')"))},
	{name: "what is no command is queued", notices: "a transaction that cannot", change: says("GET", func(w []string) []string { return append(w, "x")[:2] })},
	{name: "XREAD $ reads from the beginning", notices: "readers of a stream", change: says("XREAD", replacing("$", "0-0"))},
	{name: "MAXLEN is ignored", notices: "readers of a stream", change: says("XADD", func(w []string) []string {
		if strings.EqualFold(w[2], "MAXLEN") {
			return append(slices.Clone(w[:2]), w[4:]...)
		}
		return w
	})},
	{name: "every consumer reads all", notices: "groups share", change: says("XREADGROUP", func(w []string) []string {
		if w[len(w)-1] == ">" && slices.Contains(w, "count") {
			return []string{"XREAD", "STREAMS", w[len(w)-2], "0"}
		}
		return w
	})},
	{name: "XACK is ignored", notices: "groups share", change: says("XACK", func([]string) []string { return []string{"EVAL", "return 2", "0"} })},
	{name: "XAUTOCLAIM does not look at the time", notices: "groups share", change: says("XAUTOCLAIM", replacing("60000", "0"))},
	{name: "PUBLISH reaches nobody", notices: "messages reach", change: says("PUBLISH", func([]string) []string { return []string{"EVAL", "return 2", "0"} })},
	{name: "SCAN ignores MATCH", notices: "SCAN finds", change: says("SCAN", dropping(1, "MATCH"))},
	{name: "SCAN loses keys", notices: "SCAN finds", change: says("SCAN", replacing("key:*", "key:*1*"))},
}

// Each broken Redis is noticed, by the check that is for it; one that is not
// broken passes the same way.
func TestRedisNotices(t *testing.T) {
	check := func(t *testing.T, change func([]string) []string, order func([][]string)) (err error) {
		synctest.Test(t, func(t *testing.T) {
			e, openErr := fakestest.Open(t.Context(), fakeredis.New("redis"))
			if openErr != nil {
				t.Fatal(openErr)
			}
			defer e.Close()
			err = fakestest.Redis(t.Context(), func() *redis.Client {
				sound := fakeredis.Client(e, "redis", nil).Options()
				return redis.NewClient(&redis.Options{Addr: sound.Addr, MaxRetries: -1, Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
					conn, err := sound.Dialer(ctx, network, addr)
					return &broken{Conn: conn, change: change, order: order}, err
				}})
			})
		})
		return err
	}
	if err := check(t, nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range brokenRedis {
		t.Run(c.name, func(t *testing.T) {
			err := check(t, c.change, c.order)
			if err == nil {
				t.Fatal("nothing was noticed")
			}
			if !strings.Contains("\n"+err.Error(), "\n"+c.notices) {
				t.Errorf("%q did not notice it, but\n%v", c.notices, err)
			}
		})
	}
}
