package redis_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// What rueidis says first, if nothing else is asked for: a Redis that is no cluster
// says so, and no key is tracked unless that is asked for.
func TestFirstWords(t *testing.T) {
	with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
		check(t, c, `
			CLIENT TRACKING ON OPTIN => OK
			CLIENT TRACKING OFF => OK
			CLIENT TRACKING FOO OPTIN => ERR syntax error
			CLUSTER SHARDS => ERR This instance has cluster support disabled
			CLUSTER SLOTS => ERR This instance has cluster support disabled
			CLUSTER NOSUCH => ERR unknown subcommand 'NOSUCH'. Try CLUSTER HELP.
			READONLY => ERR This instance has cluster support disabled`)
	})
}

// A score that is added to keeps to GT and LT (redis.io/commands/zadd).
func TestScoresOnlyRise(t *testing.T) {
	with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
		check(t, c, `
			ZADD board 10 ann => 1
			ZADD board GT INCR 5 ann => 15
			ZADD board GT INCR -5 ann => redis: nil
			ZADD board LT INCR 0 ann => redis: nil
			ZADD board LT INCR -1 ann => 14
			ZADD board GT INCR -3 bob => -3
			ZADD board XX GT INCR 3 eve => redis: nil
			ZSCORE board ann => 14`)
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
		{"SMOVE old old x", false}, {"SETBIT bits 1 1", false}, {"SETBIT bits 1 0", true}, {"SETBIT bits 99 0", true}, {"SETBIT new 1 0", true},
		{"XTRIM x MAXLEN 1", true}, {"XTRIM x MAXLEN 9", false},
	} {
		with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
			check(t, c, "SADD old x => 1\nSADD a 1 2 => 2\nZADD z 1 m => 1\nSETBIT bits 1 1 => 0\nXADD x 1-1 f v => 1-1\nXADD x 1-2 f v => 1-2")
			if got := conflicts(t, c, "WATCH old new bits x", x.by); got != x.conflict {
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

// Places are found as Redis finds them.
func TestPlaces(t *testing.T) {
	with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
		check(t, c, `
			GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania => 2
			GEOADD g NX 1 1 Palermo 12.5 41.9 Rome => 1
			GEOADD g XX CH 12.5 41.9 Rome 1 1 none => 0
			GEOADD g CH 12.6 41.9 Rome => 1
			GEOADD g NX XX 1 1 a => ERR syntax error
			GEOADD g 181 1 a => ERR invalid longitude,latitude pair 181.000000,1.000000
			GEOADD g 12.5 41.9 Rome => 0
			ZSCORE g Palermo => 3.479099956230698e+15
			GEODIST g Palermo Catania => 166274.1516
			GEOHASH g Palermo none => [sqc8b49rny0 <nil>]
			GEORADIUS g 15 37 200 km WITHDIST WITHHASH ASC => [[Catania 56.4413 3479447370796909] [Palermo 190.4424 3479099956230698]]
			GEORADIUS g 15 37 900 km COUNT 1 => [Catania]
			GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km DESC WITHDIST => [[Palermo 190.4424] [Catania 56.4413]]
			GEOSEARCH g FROMMEMBER Palermo BYRADIUS 200 km ASC => [Palermo Catania]
			GEOSEARCH none FROMMEMBER Palermo BYRADIUS 200 km => []
			GEOSEARCH g FROMLONLAT 15 37 BYBOX -1 2 km => ERR height or width cannot be negative
			GEORADIUS g 15 37 200 km STORE d => 2
			GEORADIUSBYMEMBER d Catania 1 km => [Catania]
			GEORADIUSBYMEMBER g Rome 1 km STOREDIST d => 1
			ZSCORE d Rome => 0
			GEORADIUS none 15 37 200 km STORE d => 0
			EXISTS d => 0`)
		if conflicts(t, c, "WATCH g d", "GEORADIUS g 15 37 1 km STORE d", "GEORADIUS g 15 37 900 km") {
			t.Error("a search that changes nothing is taken as a change")
		}
	})
}

// XINFO STREAM counts what was ever added, also under another name.
func TestStreamInfo(t *testing.T) {
	with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
		check(t, c, `
			XADD s 1-1 f v => 1-1
			XADD s 1-2 f v => 1-2
			XADD s 2-0 f v => 2-0
			XGROUP CREATE s g 0
			XDEL s 1-1 9-9 => 1
			RENAME s x
			XTRIM x MAXLEN -1 => ERR The MAXLEN argument must be >= 0.
			XINFO STREAM s => ERR no such key`)
		got, err := c.XInfoStream(t.Context(), "x").Result()
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprintf("%+v", *got); !strings.Contains(text, "Length:2 RadixTreeKeys:1 RadixTreeNodes:2 Groups:1 LastGeneratedID:2-0 MaxDeletedEntryID:1-1 EntriesAdded:3") ||
			got.FirstEntry.ID != "1-2" || got.LastEntry.ID != "2-0" || got.RecordedFirstEntryID != "1-2" {
			t.Errorf("got %s", text)
		}
		check(t, c, "DEL x => 1\nXADD x 1-1 f v => 1-1")
		if got := c.XInfoStream(t.Context(), "x").Val(); got.EntriesAdded != 1 || got.MaxDeletedEntryID != "0-0" {
			t.Errorf("of a new stream: got %+v", *got)
		}
	})
}

// A string goes where DUMP and RESTORE carry it.
func TestDumpAndRestore(t *testing.T) {
	with(t, func(t *testing.T, e *fakestest.Env, c *redis.Client) {
		check(t, c, "SET s v PX 5000 => OK")
		ctx := t.Context()
		d, err := c.Dump(ctx, "s").Result()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Restore(ctx, "s", 0, d).Err(); err == nil || err.Error() != "BUSYKEY Target key name already exists." {
			t.Errorf("RESTORE where there is one: got %v", err)
		}
		if err := c.Restore(ctx, "to", 0, d).Err(); err != nil {
			t.Error(err)
		}
		if err := c.RestoreReplace(ctx, "s", 0, d).Err(); err != nil {
			t.Error(err)
		}
		check(t, c, "GET to => v\nGET s => v\nPTTL s => -1\nDUMP none => redis: nil")
	})
}

// TIME says since when an entry is pending, FORCE that it is, even if it was
// delivered to nobody.
func TestClaimOptions(t *testing.T) {
	with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
		check(t, c, `
			XADD s 1-1 f v => 1-1
			XADD s 1-2 f v => 1-2
			XGROUP CREATE s g 0
			XCLAIM s g a 0 1-1 => []
			XCLAIM s g a 0 1-1 FORCE => [[1-1 [f v]]]
			XCLAIM s g a 0 1-2 FORCE JUSTID => [1-2]
			XCLAIM s g a 0 9-9 FORCE => []
			XPENDING s g - + 9 => [[1-1 a 0 2] [1-2 a 0 1]]`)
		since := time.Now().Add(-time.Minute).UnixMilli()
		check(t, c, fmt.Sprintf("XCLAIM s g b 0 1-1 TIME %d => [[1-1 [f v]]]", since))
		check(t, c, `
			XPENDING s g IDLE 60000 - + 9 => [[1-1 b 60000 3]]
			XCLAIM s g c 60001 1-1 => []
			XCLAIM s g c 60000 1-1 TIME x => ERR Invalid TIME option argument for XCLAIM`)
	})
}

// Whoever waits for a group learns that it, or the stream, is gone.
func TestGroupDestroyedWhileReading(t *testing.T) {
	for by, want := range map[string]string{
		"XGROUP DESTROY s g": "NOGROUP the consumer group this client was blocked on no longer exists", "DEL s": "UNBLOCKED the stream key no longer exists",
	} {
		with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
			check(t, c, "XGROUP CREATE s g $ MKSTREAM")
			done := make(chan string)
			go func() { done <- say(t.Context(), c, "XREADGROUP GROUP g a BLOCK 0 STREAMS s >") }()
			synctest.Wait()
			check(t, c, by+" => 1")
			select {
			case got := <-done:
				if got != want {
					t.Errorf("%s: got %s", by, got)
				}
			case <-time.After(time.Second):
				t.Errorf("%s: it waits on", by)
			}
		})
	}
}

// What rueidis does, in RESP3: a blocking command beside others, a script,
// a transaction, a subscription and pipelines, each by the same client.
func TestOneClientInRESP3(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := fakestest.Open(t.Context(), fakeredis.New("redis"))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		c, ctx := fakeredis.Client(e, "redis", &redis.Options{Protocol: 3}), t.Context()
		popped := make(chan string)
		go func() { popped <- say(ctx, c, "BLPOP q 10") }()
		synctest.Wait()
		check(t, c, "RPUSH q x => 1")
		if got := <-popped; got != "[q x]" {
			t.Errorf("BLPOP: got %s", got)
		}
		once := redis.NewScript(`if redis.call('SADD', KEYS[1], ARGV[1]) == 1 then return redis.call('INCR', KEYS[2]) end return redis.call('GET', KEYS[2])`)
		for i, want := range []string{"1", "1", "2"} {
			got, err := once.Run(ctx, c, []string{"seen", "hits"}, []string{"/a", "/a", "/b"}[i]).Result()
			if fmt.Sprint(got) != want || err != nil {
				t.Errorf("the script: got %v, %v, wanted %s", got, err, want)
			}
		}
		sub := c.Subscribe(ctx, "ch")
		if _, err := sub.Receive(ctx); err != nil {
			t.Error(err)
		}
		check(t, c, "PUBLISH ch hi => 1")
		if m, err := sub.ReceiveMessage(ctx); err != nil || m.Payload != "hi" {
			t.Errorf("got %v, %v", m, err)
		}
		_ = sub.Close()
		check(t, c, "PUBLISH ch hi => 0")
		err = c.Watch(ctx, func(tx *redis.Tx) error {
			all, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Incr(ctx, "n").Err() })
			if len(all) != 1 || all[0].(*redis.IntCmd).Val() != 1 {
				t.Errorf("EXEC: got %v", all)
			}
			return err
		}, "n")
		if err != nil {
			t.Error(err)
		}
		all, err := c.Pipelined(ctx, func(p redis.Pipeliner) error { p.Incr(ctx, "n"); return p.Get(ctx, "n").Err() })
		if err != nil || fmt.Sprint(all) != "[incr n: 2 get n: 2]" {
			t.Errorf("got %v, %v", all, err)
		}
	})
}

// Two workers take over what a dead one has left: of each entry one gets it, and
// the dead one goes when nothing of it is pending (watermill-redisstream 24).
func TestTakeOver(t *testing.T) {
	with(t, func(t *testing.T, _ *fakestest.Env, c *redis.Client) {
		check(t, c, `
			XGROUP CREATE s g 0 MKSTREAM
			XADD s 1-1 o 1 => 1-1
			XADD s 1-2 o 2 => 1-2
			XREADGROUP GROUP g dead STREAMS s > => [[s [[1-1 [o 1]] [1-2 [o 2]]]]]`)
		time.Sleep(30 * time.Second)
		ctx, idle := t.Context(), 30*time.Second
		drop := redis.NewScript(`for _, c in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], 'g')) do
	if c[2] == ARGV[1] and c[4] == 0 then return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], 'g', ARGV[1]) end
end return 0`)
		for _, id := range []string{"1-1", "1-2"} {
			left, err := c.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: "s", Group: "g", Idle: idle, Start: "-", End: "+", Count: 1}).Result()
			if err != nil || len(left) != 1 || left[0].ID != id || left[0].Consumer != "dead" {
				t.Fatalf("what is left: got %v, %v", left, err)
			}
			got := 0
			for _, me := range []string{"a", "b"} {
				ms, err := c.XClaim(ctx, &redis.XClaimArgs{Stream: "s", Group: "g", Consumer: me, MinIdle: idle, Messages: []string{id}}).Result()
				if got += len(ms); err != nil {
					t.Error(err)
				}
			}
			if got != 1 {
				t.Errorf("%s is claimed %d times", id, got)
			}
			check(t, c, "XACK s g "+id+" => 1")
			if n, err := drop.Run(ctx, c, []string{"s"}, "dead").Int(); err != nil || n != 0 {
				t.Errorf("DELCONSUMER: got %d, %v", n, err)
			}
		}
		if names, err := c.XInfoConsumers(ctx, "s", "g").Result(); err != nil || len(names) > 2 {
			t.Errorf("the consumers are %v, %v", names, err)
		}
	})
}
