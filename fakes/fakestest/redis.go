package fakestest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis checks what a handler may rely on of Redis, through its real client.
// open returns another client of the same server, as another function instance
// has one; what the server holds is removed. Times are short and in
// milliseconds, so that it does in virtual time and on a real server. The
// error names every check that fails.
func Redis(ctx context.Context, open func() *redis.Client) error {
	var failed []error
	for _, c := range redisChecks {
		if err := checkRedis(ctx, open, c.check); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(failed...)
}

// pair are two instances' clients.
type pair struct{ a, b *redis.Client }

func checkRedis(ctx context.Context, open func() *redis.Client, check func(context.Context, pair) error) error {
	p := pair{open(), open()}
	defer func() { _ = p.a.Close() }()
	defer func() { _ = p.b.Close() }()
	if err := p.a.FlushAll(ctx).Err(); err != nil {
		return err
	}
	return check(ctx, p)
}

var redisChecks = []struct {
	name  string
	check func(context.Context, pair) error
}{
	{"strings", stringsCheck},
	{"options of SET", setOptions},
	{"keys expire", expiry},
	{"what keeps and what ends a time to live", expiryKept},
	{"a lock that expired is not its holder's", lock},
	{"lists are first in, first out", lists},
	{"hashes", hashes},
	{"sets", sets},
	{"sorted sets are in order", sortedSets},
	{"wrong types are refused", wrongType},
	{"pipelines keep their order", pipelines},
	{"transactions happen at once", transactions},
	{"a transaction that cannot happen does not", aborted},
	{"WATCH sees changes", watches},
	{"scripts are atomic", scripts},
	{"scripts are known by their hash", scriptHashes},
	{"blocking pops wait", blockingPops},
	{"blocking pops time out", blockingTimeouts},
	{"who waits longest is served first", blockingOrder},
	{"blocking moves wait", blockingMoves},
	{"transactions and scripts wake who waits", wakers},
	{"readers of a stream wait", streamReaders},
	{"groups share a stream", streamGroups},
	{"messages reach subscribers", messages},
	{"SCAN finds all", scans},
}

// want checks a command's result.
func want[T comparable](what string, got T, err error, wanted T) error {
	if err != nil && !errors.Is(err, redis.Nil) || got != wanted {
		return fmt.Errorf("%s is %v, %w, wanted %v", what, got, orNil(err), wanted)
	}
	return nil
}

func wantList(what string, got []string, err error, wanted ...string) error {
	if err != nil || !slices.Equal(got, wanted) {
		return fmt.Errorf("%s is %q, %w, wanted %q", what, got, orNil(err), wanted)
	}
	return nil
}

// wantError checks that an error begins so.
func wantError(what string, err error, prefix string) error {
	if err == nil || !strings.HasPrefix(err.Error(), prefix) {
		return fmt.Errorf("%s: got %w, wanted %s", what, orNil(err), prefix)
	}
	return nil
}

// holds checks what a key holds; empty stands for no key.
func holds(ctx context.Context, c *redis.Client, key, wanted string) error {
	got, err := c.Get(ctx, key).Result()
	return want(key, got, err, wanted)
}

const ms = time.Millisecond

func stringsCheck(ctx context.Context, p pair) error {
	n, err := p.a.IncrBy(ctx, "n", 41).Result()
	failed := []error{want("INCRBY", n, err, 41)}
	n, err = p.b.Incr(ctx, "n").Result()
	failed = append(failed, want("INCR of another client", n, err, 42), holds(ctx, p.a, "n", "42"))
	n, err = p.a.Append(ctx, "s", "hello").Result()
	failed = append(failed, want("APPEND", n, err, 5))
	part, err := p.a.GetRange(ctx, "s", 1, -2).Result()
	failed = append(failed, want("GETRANGE", part, err, "ell"))
	f, err := p.a.IncrByFloat(ctx, "f", 1.5).Result()
	failed = append(failed, want("INCRBYFLOAT", f, err, 1.5))
	all, err := p.b.MGet(ctx, "n", "none", "s").Result()
	failed = append(failed, want("MGET", fmt.Sprint(all), err, "[42 <nil> hello]"))
	n, err = p.a.Del(ctx, "n", "none", "s").Result()
	failed = append(failed, want("DEL", n, err, 2), holds(ctx, p.b, "n", ""),
		p.a.Set(ctx, "text", "x", 0).Err(), wantError("INCR of a text", p.a.Incr(ctx, "text").Err(), "ERR value is not an integer or out of range"))
	return errors.Join(failed...)
}

func setOptions(ctx context.Context, p pair) error {
	set := func(o redis.SetArgs) string {
		s, err := p.a.SetArgs(ctx, "k", "v", o).Result()
		return fmt.Sprint(s, " ", err)
	}
	failed := []error{want("SET XX of none", set(redis.SetArgs{Mode: "XX"}), nil, " redis: nil"),
		want("SET NX", set(redis.SetArgs{Mode: "NX"}), nil, "OK <nil>"), want("SET NX again", set(redis.SetArgs{Mode: "NX"}), nil, " redis: nil"),
		want("SET XX", set(redis.SetArgs{Mode: "XX"}), nil, "OK <nil>"), want("SET GET", set(redis.SetArgs{Get: true}), nil, "v <nil>")}
	old, err := p.a.GetDel(ctx, "k").Result()
	failed = append(failed, want("GETDEL", old, err, "v"), holds(ctx, p.a, "k", ""), want("SET GET of none", set(redis.SetArgs{Get: true}), nil, " redis: nil"),
		holds(ctx, p.a, "k", "v"))
	ok, err := p.a.SetNX(ctx, "k", "w", 0).Result()
	failed = append(failed, want("SETNX", ok, err, false), holds(ctx, p.a, "k", "v"))
	return errors.Join(failed...)
}

func expiry(ctx context.Context, p pair) error {
	failed := []error{p.a.Set(ctx, "k", "v", 200*ms).Err(), p.a.RPush(ctx, "l", "x").Err(), p.a.PExpire(ctx, "l", 200*ms).Err()}
	time.Sleep(100 * ms)
	left, err := p.b.PTTL(ctx, "k").Result()
	if err != nil || left <= 0 || left > 100*ms {
		failed = append(failed, fmt.Errorf("after 100 ms of 200 PTTL is %v, %w", left, orNil(err)))
	}
	failed = append(failed, holds(ctx, p.b, "k", "v"))
	time.Sleep(101 * ms)
	n, err := p.b.Exists(ctx, "k", "l").Result()
	failed = append(failed, want("EXISTS after 201 ms", n, err, 0), holds(ctx, p.b, "k", ""))
	left, err = p.b.PTTL(ctx, "k").Result()
	failed = append(failed, want("PTTL of none", left, err, -2))
	n, err = p.a.RPush(ctx, "l", "y").Result()
	failed = append(failed, want("RPUSH after expiry", n, err, 1))
	left, err = p.b.PTTL(ctx, "l").Result()
	failed = append(failed, want("PTTL of the new one", left, err, -1))
	return errors.Join(failed...)
}

func expiryKept(ctx context.Context, p pair) error {
	for _, key := range []string{"set", "keep", "incr", "persist", "rename"} {
		if err := p.a.Set(ctx, key, "1", 100*ms).Err(); err != nil {
			return err
		}
	}
	failed := []error{p.a.Set(ctx, "set", "2", 0).Err(), p.a.Set(ctx, "keep", "2", redis.KeepTTL).Err(), p.a.Incr(ctx, "incr").Err(),
		p.a.Persist(ctx, "persist").Err(), p.a.Rename(ctx, "rename", "renamed").Err()}
	set, err := p.a.Expire(ctx, "none", time.Second).Result()
	failed = append(failed, want("EXPIRE of none", set, err, false))
	time.Sleep(101 * ms)
	for key, wanted := range map[string]string{"set": "2", "keep": "", "incr": "", "persist": "1", "renamed": ""} {
		failed = append(failed, holds(ctx, p.b, key, wanted))
	}
	return errors.Join(failed...)
}

func lock(ctx context.Context, p pair) error {
	take := func(c *redis.Client, who string, wanted bool) error {
		ok, err := c.SetNX(ctx, "lock", who, 100*ms).Result()
		return want("taken by "+who, ok, err, wanted)
	}
	free := redis.NewScript(`if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) else return 0 end`)
	failed := []error{take(p.a, "a", true), take(p.b, "b", false)}
	time.Sleep(101 * ms)
	failed = append(failed, take(p.b, "b", true))
	n, err := free.Run(ctx, p.a, []string{"lock"}, "a").Int()
	failed = append(failed, want("freed by who held it", n, err, 0), holds(ctx, p.a, "lock", "b"))
	n, err = free.Run(ctx, p.b, []string{"lock"}, "b").Int()
	return errors.Join(append(failed, want("freed", n, err, 1), holds(ctx, p.a, "lock", ""))...)
}

func lists(ctx context.Context, p pair) error {
	failed := []error{p.a.RPush(ctx, "q", "1", "2", "3", "4").Err()}
	for _, wanted := range []string{"1", "2"} {
		got, err := p.b.LPop(ctx, "q").Result()
		failed = append(failed, want("LPOP", got, err, wanted))
	}
	failed = append(failed, p.a.LPush(ctx, "q", "a", "b").Err())
	all, err := p.a.LRange(ctx, "q", 0, -1).Result()
	failed = append(failed, wantList("LRANGE", all, err, "b", "a", "3", "4"))
	got, err := p.a.LMove(ctx, "q", "done", "RIGHT", "LEFT").Result()
	failed = append(failed, want("LMOVE", got, err, "4"))
	got, err = p.a.Do(ctx, "RPOPLPUSH", "q", "done").Text() // not only go-redis speaks to it
	failed = append(failed, want("RPOPLPUSH", got, err, "3"))
	all, err = p.a.LRange(ctx, "done", 0, -1).Result()
	failed = append(failed, wantList("done", all, err, "3", "4"))
	n, err := p.a.LLen(ctx, "q").Result()
	failed = append(failed, want("LLEN", n, err, 2), p.a.LTrim(ctx, "q", 1, 0).Err())
	n, err = p.a.Exists(ctx, "q").Result()
	failed = append(failed, want("an empty list", n, err, 0))
	got, err = p.a.LPop(ctx, "q").Result()
	return errors.Join(append(failed, want("LPOP of none", got, err, ""))...)
}

func hashes(ctx context.Context, p pair) error {
	n, err := p.a.HSet(ctx, "h", "a", "1", "b", "2").Result()
	failed := []error{want("HSET", n, err, 2)}
	n, err = p.b.HSet(ctx, "h", "b", "3").Result()
	failed = append(failed, want("HSET again", n, err, 0))
	n, err = p.a.HIncrBy(ctx, "h", "a", 9).Result()
	failed = append(failed, want("HINCRBY", n, err, 10))
	ok, err := p.a.HSetNX(ctx, "h", "a", "x").Result()
	failed = append(failed, want("HSETNX", ok, err, false))
	all, err := p.b.HGetAll(ctx, "h").Result()
	failed = append(failed, want("HGETALL", fmt.Sprint(all), err, "map[a:10 b:3]"))
	n, err = p.a.HDel(ctx, "h", "a", "b", "c").Result()
	failed = append(failed, want("HDEL", n, err, 2))
	n, err = p.a.Exists(ctx, "h").Result()
	return errors.Join(append(failed, want("an empty hash", n, err, 0))...)
}

func sets(ctx context.Context, p pair) error {
	n, err := p.a.SAdd(ctx, "s", "a", "b", "a").Result()
	failed := []error{want("SADD", n, err, 2)}
	n, err = p.b.SAdd(ctx, "s", "b", "c").Result()
	failed = append(failed, want("SADD again", n, err, 1), p.a.SAdd(ctx, "t", "c", "d").Err())
	both, err := p.a.SInter(ctx, "s", "t").Result()
	failed = append(failed, wantList("SINTER", both, err, "c"))
	popped, err := p.a.SPop(ctx, "s").Result()
	in, err2 := p.b.SIsMember(ctx, "s", popped).Result()
	n, err3 := p.b.SCard(ctx, "s").Result()
	return errors.Join(append(failed, err, want("SPOP's member", in, err2, false), want("SCARD", n, err3, 2))...)
}

func sortedSets(ctx context.Context, p pair) error {
	add := func(o redis.ZAddArgs) int64 { n, _ := p.a.ZAddArgs(ctx, "z", o).Result(); return n }
	z := func(score float64, member string) redis.Z { return redis.Z{Score: score, Member: member} }
	failed := []error{want("ZADD", add(redis.ZAddArgs{Members: []redis.Z{z(2, "c"), z(1, "b"), z(1, "a"), z(10, "d")}}), nil, 4),
		want("ZADD GT CH", add(redis.ZAddArgs{GT: true, Ch: true, Members: []redis.Z{z(0, "d"), z(3, "c")}}), nil, 1),
		want("ZADD NX", add(redis.ZAddArgs{NX: true, Members: []redis.Z{z(0, "d")}}), nil, 0)}
	all, err := p.b.ZRange(ctx, "z", 0, -1).Result()
	failed = append(failed, wantList("ZRANGE", all, err, "a", "b", "c", "d"))
	some, err := p.b.Do(ctx, "ZRANGEBYSCORE", "z", "(1", "10").StringSlice()
	failed = append(failed, wantList("ZRANGEBYSCORE", some, err, "c", "d"))
	rank, err := p.b.ZRank(ctx, "z", "c").Result()
	failed = append(failed, want("ZRANK", rank, err, 2))
	least, err := p.b.ZPopMin(ctx, "z").Result()
	failed = append(failed, want("ZPOPMIN", fmt.Sprint(least), err, "[{1 a}]"))
	n, err := p.b.ZRemRangeByScore(ctx, "z", "-inf", "3").Result()
	return errors.Join(append(failed, want("ZREMRANGEBYSCORE", n, err, 2))...)
}

func wrongType(ctx context.Context, p pair) error {
	failed := []error{p.a.RPush(ctx, "l", "x").Err()}
	for what, err := range map[string]error{
		"GET": p.a.Get(ctx, "l").Err(), "INCR": p.a.Incr(ctx, "l").Err(), "HSET": p.a.HSet(ctx, "l", "a", "b").Err(), "SADD": p.a.SAdd(ctx, "l", "x").Err(),
		"ZADD": p.a.ZAdd(ctx, "l", redis.Z{}).Err(), "XADD": p.a.XAdd(ctx, &redis.XAddArgs{Stream: "l", Values: []string{"a", "b"}}).Err(),
	} {
		failed = append(failed, wantError(what, err, "WRONGTYPE Operation against a key holding the wrong kind of value"))
	}
	all, err := p.a.LRange(ctx, "l", 0, -1).Result()
	return errors.Join(append(failed, wantList("the list", all, err, "x"), p.a.Set(ctx, "l", "y", 0).Err(), holds(ctx, p.a, "l", "y"))...)
}

func scans(ctx context.Context, p pair) error {
	wanted := map[string]bool{}
	for i := range 60 {
		key := fmt.Sprint("key:", i)
		wanted[key] = true
		if err := p.a.Set(ctx, key, i, 0).Err(); err != nil {
			return err
		}
	}
	failed := []error{p.a.RPush(ctx, "other", "x").Err()}
	keys := p.b.Scan(ctx, 0, "key:*", 7).Iterator()
	for keys.Next(ctx) {
		if !strings.HasPrefix(keys.Val(), "key:") {
			failed = append(failed, fmt.Errorf("SCAN MATCH key:* finds %q", keys.Val()))
		}
		delete(wanted, keys.Val())
	}
	if len(wanted) > 0 {
		failed = append(failed, fmt.Errorf("SCAN does not find %d keys of 60", len(wanted)))
	}
	return errors.Join(append(failed, keys.Err())...)
}
