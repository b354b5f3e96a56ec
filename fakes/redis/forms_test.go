package redis_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/fakes/fakestest"
	fakeredis "github.com/wtsim/wtsim/fakes/redis"
)

// commander is a client, or one connection of it.
type commander interface {
	Do(ctx context.Context, args ...any) *redis.Cmd
}

// say says a command, "”" in it is an empty word.
func say(ctx context.Context, c commander, words string) string {
	var args []any
	for _, w := range strings.Fields(words) {
		args = append(args, strings.ReplaceAll(strings.ReplaceAll(w, "''", ""), "_", " "))
	}
	v, err := c.Do(ctx, args...).Result()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(v)
}

// check says commands and compares what each is answered; in a line, "=>" stands
// between the two. What is expected is what redis-server 7.0.15 answers.
func check(t *testing.T, c commander, lines string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		words, want, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if words == "" {
			continue
		}
		if got := say(t.Context(), c, words); ok && got != want || !ok && got != "OK" {
			t.Errorf("%s: got %s, wanted %s", words, got, want)
		}
	}
}

// with runs a test with a Redis of its own.
func with(t *testing.T, do func(t *testing.T, e *fakestest.Env, c *redis.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, err := fakestest.Open(t.Context(), fakeredis.New("redis"))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		do(t, e, fakeredis.Client(e, "redis", nil))
	})
}

// Redis looks at a scan's options where there is what to scan, only.
func TestScanOptions(t *testing.T) {
	with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
		check(t, c, `
			HSCAN none 0 COUNT 0 => [0 []]
			SSCAN none 0 COUNT -1 => [0 []]
			ZSCAN none 0 MATCH * COUNT x => [0 []]
			HSCAN none x COUNT 0 => ERR invalid cursor
			SET s v
			ZSCAN s 0 COUNT 0 => WRONGTYPE Operation against a key holding the wrong kind of value
			SADD e a => 1
			SSCAN e 0 COUNT 0 => ERR syntax error
			SSCAN e 0 COUNT 9 => [0 [a]]`)
	})
}

// What changes nothing of what is watched is no conflict; what does, is.
func TestWatchedKeysThatDoNotChange(t *testing.T) {
	for _, x := range []struct {
		by       string
		conflict bool
	}{
		{"SDIFFSTORE new a a", false}, {"SINTERSTORE new a none", false}, {"SUNIONSTORE new none", false},
		{"ZINTERSTORE new 2 z none", false}, {"ZUNIONSTORE new 1 none", false}, {"ZRANGESTORE new z 5 9", false},
		{"SDIFFSTORE old a a", true}, {"SINTERSTORE old a none", true}, {"ZINTERSTORE old 2 z none", true}, {"ZRANGESTORE old z 5 9", true},
		{"SDIFFSTORE old a none", true}, {"SUNIONSTORE new a", true},
		{"SWAPDB 0 0", false}, {"SWAPDB 1 2", false}, {"SWAPDB 0 1", true}, {"FLUSHALL", true}, {"FLUSHDB", true}, {"SETRANGE new 5 ''", false},
	} {
		with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
			check(t, c, "SADD old x => 1\nSADD a 1 2 => 2\nZADD z 1 m => 1")
			if got := conflicts(t, c, "WATCH old new", x.by); got != x.conflict {
				t.Errorf("%s: a conflict: %v, wanted %v", x.by, got, x.conflict)
			}
		})
	}
}

// conflicts watches on one connection, says something on another, and reports
// whether a transaction of the first does not happen.
func conflicts(t *testing.T, c *redis.Client, watch string, by ...string) bool {
	conn := c.Conn()
	defer func() { _ = conn.Close() }()
	check(t, conn, watch+" => OK")
	for _, words := range by {
		if got := say(t.Context(), c, words); strings.Contains(got, "ERR") {
			t.Errorf("%s: got %s", words, got)
		}
	}
	check(t, conn, "MULTI => OK\nPING => QUEUED")
	switch got := say(t.Context(), conn, "EXEC"); got {
	case "redis: nil":
		return true
	case "[PONG]":
		return false
	default:
		t.Errorf("EXEC: got %s", got)
		return false
	}
}

// Databases that change places bring no count of changes with them.
func TestWatchAfterSwap(t *testing.T) {
	with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
		check(t, c, "SET k v => OK\nDEL k => 1\nSET k v => OK\nDEL k => 1")
		conn := c.Conn()
		check(t, conn, "SELECT 1 => OK")
		if conflicts(t, c, "WATCH none k", "SWAPDB 0 1", "SET other v") {
			t.Error("a key that was in neither database is taken as changed")
		}
		_ = conn.Close()
	})
}

// Bounds of pending entries may be outside of the range.
func TestPendingBounds(t *testing.T) {
	with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
		check(t, c, `
			XADD s 1-1 f v => 1-1
			XADD s 1-2 f v => 1-2
			XADD s 2-0 f v => 2-0
			XGROUP CREATE s g 0
			XREADGROUP GROUP g c STREAMS s > => [[s [[1-1 [f v]] [1-2 [f v]] [2-0 [f v]]]]]
			XPENDING s g (1-1 + 1 => [[1-2 c 0 1]]
			XPENDING s g IDLE 0 - (1-2 9 c => [[1-1 c 0 1]]
			XPENDING s g (1-2 (2-0 9 => []
			XPENDING s g (1 (2 1 => [[1-1 c 0 1]]
			XPENDING s g - (2-0 2 => [[1-1 c 0 1] [1-2 c 0 1]]
			XPENDING s g (- + 9 => ERR Invalid stream ID specified as stream command argument
			XPENDING s g - (0-0 9 => ERR invalid end ID for the interval
			XPENDING s g (18446744073709551615-18446744073709551615 + 9 => ERR invalid start ID for the interval
			XPENDING s no (1-1 + 9 => NOGROUP No such key 's' or consumer group 'no'
			XAUTOCLAIM s g d 0 (1-2 => [0-0 [[2-0 [f v]]] []]`)
	})
}

// A script does not wait.
func TestScriptsDoNotBlock(t *testing.T) {
	with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
		check(t, c, `
			XADD s 1-1 f v => 1-1
			XGROUP CREATE s BLOCK 0
			EVAL return_redis.pcall('XREAD','BLOCK','0','STREAMS','s','0') 0 => ERR XREAD command is not allowed with BLOCK option from scripts
			EVAL return_redis.pcall('XREADGROUP','GROUP','BLOCK','c','BLOCK','0','STREAMS','s','>') 0 => ERR XREADGROUP command is not allowed with BLOCK option from scripts
			EVAL return_#redis.call('XREADGROUP','GROUP','BLOCK','c','STREAMS','s','>') 0 => 1`)
	})
}

// What is in several at once counts once.
func TestCountOfSeveral(t *testing.T) {
	with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
		check(t, c, `
			PFADD a 1 2 3 => 1
			PFADD b 3 4 => 1
			PFCOUNT a b => 4
			PFCOUNT a a none => 3
			PFCOUNT none none => 0
			PFCOUNT a => 3
			SET s v
			PFCOUNT a s => WRONGTYPE Key is not a valid HyperLogLog string value.
			DBSIZE => 3`)
	})
}
