package fakestest

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

func pipelines(ctx context.Context, p pair) error {
	var got [4]*redis.IntCmd
	var list *redis.StringSliceCmd
	_, err := p.a.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		got[0] = pipe.RPush(ctx, "l", "1")
		got[1] = pipe.RPush(ctx, "l", "2")
		got[2] = pipe.Incr(ctx, "l")
		got[3] = pipe.RPush(ctx, "l", "3")
		list = pipe.LRange(ctx, "l", 0, -1)
		return nil
	})
	return errors.Join(wantError("the pipeline", err, "WRONGTYPE"), want("the first", got[0].Val(), got[0].Err(), 1),
		want("the second", got[1].Val(), got[1].Err(), 2), wantError("the third", got[2].Err(), "WRONGTYPE"),
		want("the fourth", got[3].Val(), got[3].Err(), 3), wantList("the list", list.Val(), list.Err(), "1", "2", "3"))
}

// transactions: nothing of one shows before EXEC; a command that fails within
// it stops no other.
func transactions(ctx context.Context, p pair) error {
	conn := p.a.Conn()
	defer func() { _ = conn.Close() }()
	say := func(wanted string, words ...any) error {
		got, err := conn.Do(ctx, words...).Result()
		return want(fmt.Sprint(words...), fmt.Sprint(got), err, wanted)
	}
	failed := []error{say("OK", "MULTI"), say("QUEUED", "SET", "a", "1"), say("QUEUED", "RPUSH", "a", "x"), say("QUEUED", "INCR", "a"),
		holds(ctx, p.b, "a", ""), p.b.Set(ctx, "b", "1", 0).Err(), say("QUEUED", "INCR", "b")}
	got, err := conn.Do(ctx, "EXEC").Slice()
	if err != nil || len(got) != 4 || fmt.Sprint(got[0]) != "OK" || fmt.Sprint(got[2], got[3]) != "2 2" {
		failed = append(failed, fmt.Errorf("EXEC: got %v, %w", got, orNil(err)))
	}
	failed = append(failed, holds(ctx, p.b, "a", "2"), holds(ctx, p.b, "b", "2"),
		say("OK", "MULTI"), say("QUEUED", "SET", "a", "9"), say("OK", "DISCARD"), holds(ctx, p.b, "a", "2"))
	cmds, err := p.a.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Incr(ctx, "a")
		pipe.Get(ctx, "a")
		return nil
	})
	if err != nil || len(cmds) != 2 || cmds[0].(*redis.IntCmd).Val() != 3 || cmds[1].(*redis.StringCmd).Val() != "3" {
		failed = append(failed, fmt.Errorf("TxPipelined: got %v, %w", cmds, orNil(err)))
	}
	return errors.Join(failed...)
}

// aborted: what is no command makes EXEC do nothing at all.
func aborted(ctx context.Context, p pair) error {
	conn := p.a.Conn()
	defer func() { _ = conn.Close() }()
	failed := []error{conn.Do(ctx, "MULTI").Err(), conn.Do(ctx, "SET", "a", "1").Err(), wantError("GET without a key", conn.Do(ctx, "GET").Err(), "ERR wrong number of arguments"),
		wantError("EXEC", conn.Do(ctx, "EXEC").Err(), "EXECABORT"), holds(ctx, p.b, "a", ""),
		wantError("EXEC without MULTI", conn.Do(ctx, "EXEC").Err(), "ERR EXEC without MULTI"),
		conn.Do(ctx, "MULTI").Err(), wantError("MULTI in MULTI", conn.Do(ctx, "MULTI").Err(), "ERR MULTI calls can not be nested"), conn.Do(ctx, "DISCARD").Err()}
	return errors.Join(failed...)
}

// watches: a change of any kind by another makes the transaction fail; none,
// or one to another key, does not; nor does one before WATCH.
func watches(ctx context.Context, p pair) error {
	try := func(key string, between func() error) error {
		return p.a.Watch(ctx, func(tx *redis.Tx) error {
			if err := between(); err != nil {
				return err
			}
			_, err := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error { return pipe.Set(ctx, "done", key, 0).Err() })
			return err
		}, key, "also")
	}
	changes := map[string]func(key string) error{
		"set":    func(key string) error { return p.b.Set(ctx, key, "2", 0).Err() },
		"equal":  func(key string) error { return p.b.Set(ctx, key, "1", 0).Err() },
		"delete": func(key string) error { return p.b.Del(ctx, key).Err() },
		"second": func(string) error { return p.b.Incr(ctx, "also").Err() },
		"expire": func(key string) error { return p.b.PExpire(ctx, key, 1000*ms).Err() },
		"script": func(key string) error {
			return p.b.Eval(ctx, `return redis.call("INCR", KEYS[1])`, []string{key}).Err()
		},
	}
	var failed []error
	for name, change := range changes {
		failed = append(failed, p.a.Set(ctx, name, "1", 0).Err())
		if err := try(name, func() error { return change(name) }); !errors.Is(err, redis.TxFailedErr) {
			failed = append(failed, fmt.Errorf("%s: got %w", name, orNil(err)))
		}
		failed = append(failed, holds(ctx, p.b, "done", ""))
	}
	failed = append(failed, try("same", func() error { return p.b.Set(ctx, "other", "1", 0).Err() }), holds(ctx, p.b, "done", "same"),
		try("read", func() error { return p.b.Exists(ctx, "read").Err() }), holds(ctx, p.b, "done", "read"))
	return errors.Join(failed...)
}

func scripts(ctx context.Context, p pair) error {
	eval := func(text string, keys []string, args ...any) string {
		got, err := p.a.Eval(ctx, text, keys, args...).Result()
		if err != nil {
			return "error " + err.Error()
		}
		return fmt.Sprint(got)
	}
	failed := []error{
		want("keys and arguments", eval(`redis.call("SET", KEYS[1], ARGV[1]); return redis.call("INCR", KEYS[1])`, []string{"n"}, 41), nil, "42"),
		want("a table", eval(`return {1, "two", false, {3}}`, nil), nil, "[1 two <nil> [3]]"),
		want("true and false", eval(`return {true, 1.9, redis.status_reply("FINE")}`, nil), nil, "[1 1 FINE]"),
		want("an absent key", eval(`return tostring(redis.call("GET", "none"))`, nil), nil, "false"),
		want("an error of its own", eval(`return redis.error_reply("MINE it is")`, nil), nil, "error MINE it is"),
		p.a.RPush(ctx, "l", "x").Err(),
		want("an error that is caught", eval(`local r = redis.pcall("INCR", KEYS[1]); return type(r) == "table" and r.err ~= nil`, []string{"l"}), nil, "1"),
		holds(ctx, p.b, "n", "42"),
	}
	// What it did before it failed stays.
	err := p.a.Eval(ctx, `redis.call("SET", KEYS[1], "1"); redis.call("INCR", KEYS[2]); redis.call("SET", KEYS[1], "2")`, []string{"half", "l"}).Err()
	if err == nil {
		failed = append(failed, errors.New("a script that fails does not say so"))
	}
	return errors.Join(append(failed, holds(ctx, p.b, "half", "1"))...)
}

func scriptHashes(ctx context.Context, p pair) error {
	s := redis.NewScript(`return redis.call("INCRBY", KEYS[1], ARGV[1])`)
	failed := []error{p.a.ScriptFlush(ctx).Err(), wantError("a script that is not known", s.EvalSha(ctx, p.a, []string{"n"}, 1).Err(), "NOSCRIPT")}
	for i := range 2 { // first it loads it
		n, err := s.Run(ctx, p.a, []string{"n"}, 2).Int()
		failed = append(failed, want("Run", n, err, 2*i+2))
	}
	n, err := s.EvalSha(ctx, p.b, []string{"n"}, 1).Int()
	failed = append(failed, want("by another client", n, err, 5))
	hash, err := p.b.ScriptLoad(ctx, `return 7`).Result()
	failed = append(failed, err)
	seven, err := p.a.EvalSha(ctx, hash, nil).Int()
	return errors.Join(append(failed, want("a script that was loaded", seven, err, 7))...)
}
