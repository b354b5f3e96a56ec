package fakestest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// later starts what blocks, and gives it the time to do so.
func later(f func() (string, error)) <-chan string {
	done := make(chan string, 1)
	go func() {
		got, err := f()
		if err != nil {
			got = strings.TrimSpace(got + " " + err.Error())
		}
		done <- got
	}()
	time.Sleep(20 * ms)
	return done
}

// gets checks what comes of it within 100 ms.
func gets(what string, done <-chan string, wanted string) error {
	select {
	case got := <-done:
		return want(what, got, nil, wanted)
	case <-time.After(100 * ms):
		return fmt.Errorf("%s still waits, wanted %q", what, wanted)
	}
}

// still checks that it waits.
func still(what string, done <-chan string) error {
	select {
	case got := <-done:
		return fmt.Errorf("%s has %q, wanted it to wait", what, got)
	case <-time.After(20 * ms):
		return nil
	}
}

func pop(ctx context.Context, c *redis.Client, timeout time.Duration, keys ...string) func() (string, error) {
	return func() (string, error) {
		got, err := c.BLPop(ctx, timeout, keys...).Result()
		return strings.Join(got, " "), err
	}
}

func blockingPops(ctx context.Context, p pair) error {
	failed := []error{p.b.RPush(ctx, "two", "x", "y").Err(), gets("BLPOP of what is there", later(pop(ctx, p.a, time.Second, "one", "two")), "two x")}
	waits := later(pop(ctx, p.a, 0, "one", "three"))
	failed = append(failed, still("BLPOP", waits), p.b.RPush(ctx, "other", "x").Err(), p.b.RPush(ctx, "three", "1", "2").Err(), gets("BLPOP", waits, "three 1"))
	waits = later(func() (string, error) {
		got, err := p.a.BRPop(ctx, 0, "three").Result()
		return strings.Join(got, " "), err
	})
	failed = append(failed, gets("BRPOP", waits, "three 2"))
	n, err := p.b.Exists(ctx, "three").Result()
	failed = append(failed, want("what is left", n, err, 0))
	least := later(func() (string, error) {
		got, err := p.a.BZPopMin(ctx, 0, "z").Result()
		if err != nil {
			return "", err
		}
		return fmt.Sprint(got.Key, got.Member, got.Score), nil
	})
	failed = append(failed, still("BZPOPMIN", least), p.b.ZAdd(ctx, "z", redis.Z{Score: 2, Member: "b"}, redis.Z{Score: 1, Member: "a"}).Err(), gets("BZPOPMIN", least, "za1"))
	waits = later(pop(ctx, p.a, 0, "s"))
	failed = append(failed, p.b.Set(ctx, "s", "text", 0).Err(), still("BLPOP of a text that came", waits), p.b.Del(ctx, "s").Err(),
		p.b.LPush(ctx, "s", "1", "2").Err(), gets("BLPOP of two at once", waits, "s 2"))
	return errors.Join(failed...)
}

func blockingTimeouts(ctx context.Context, p pair) error {
	began := time.Now()
	_, err := pop(ctx, p.a, time.Second, "none")()
	took := time.Since(began)
	if !errors.Is(err, redis.Nil) || took < time.Second || took > 1500*ms {
		return fmt.Errorf("BLPOP for a second: %w after %v", orNil(err), took)
	}
	failed := []error{p.b.RPush(ctx, "none", "x").Err()}
	n, err := p.b.LLen(ctx, "none").Result()
	failed = append(failed, want("who gave up takes nothing", n, err, 1))
	began = time.Now()
	_, err = p.a.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", "$"}, Block: 50 * ms}).Result()
	if took := time.Since(began); !errors.Is(err, redis.Nil) || took < 50*ms || took > time.Second {
		failed = append(failed, fmt.Errorf("XREAD BLOCK 50: %w after %v", orNil(err), took))
	}
	return errors.Join(failed...)
}

func blockingOrder(ctx context.Context, p pair) error {
	var waits []<-chan string
	for i := range 6 {
		c := p.a
		if i%2 == 1 {
			c = p.b
		}
		waits = append(waits, later(pop(ctx, c, 0, "q")))
	}
	var failed []error
	for i := range waits[:3] {
		failed = append(failed, p.b.RPush(ctx, "q", i).Err(), gets(fmt.Sprint("waiter ", i), waits[i], fmt.Sprint("q ", i)))
	}
	failed = append(failed, p.b.RPush(ctx, "q", "3", "4", "5").Err())
	for i := 3; i < 6; i++ {
		failed = append(failed, gets(fmt.Sprint("waiter ", i), waits[i], fmt.Sprint("q ", i)))
	}
	return errors.Join(failed...)
}

func blockingMoves(ctx context.Context, p pair) error {
	move := later(func() (string, error) { return p.a.Do(ctx, "BRPOPLPUSH", "in", "out", 0).Text() })
	next := later(func() (string, error) { return p.b.BLMove(ctx, "out", "done", "RIGHT", "LEFT", 0).Result() })
	failed := []error{still("BRPOPLPUSH", move), p.a.RPush(ctx, "in", "1", "2").Err(), gets("BRPOPLPUSH", move, "2"), gets("BLMOVE of what it moved", next, "2")}
	all, err := p.a.LRange(ctx, "in", 0, -1).Result()
	failed = append(failed, wantList("in", all, err, "1"))
	all, err = p.a.LRange(ctx, "done", 0, -1).Result()
	return errors.Join(append(failed, wantList("done", all, err, "2"))...)
}

func wakers(ctx context.Context, p pair) error {
	waits := later(pop(ctx, p.a, 0, "q"))
	_, err := p.b.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.RPush(ctx, "q", "1")
		pipe.RPush(ctx, "q", "2")
		pipe.LPop(ctx, "q")
		return nil
	})
	failed := []error{err, gets("BLPOP after a transaction", waits, "q 2")}
	waits = later(pop(ctx, p.a, 0, "q"))
	failed = append(failed, p.b.Eval(ctx, `redis.call("RPUSH", KEYS[1], "3"); return redis.call("LPUSH", KEYS[1], "4")`, []string{"q"}).Err(),
		gets("BLPOP after a script", waits, "q 4"))
	waits = later(pop(ctx, p.a, 0, "r"))
	return errors.Join(append(failed, p.b.Rename(ctx, "q", "r").Err(), gets("BLPOP after RENAME", waits, "r 3"))...)
}

// told are messages without what differs between versions of the server.
func told(messages []redis.XMessage) string {
	var out []string
	for _, m := range messages {
		out = append(out, fmt.Sprint(m.ID, " ", m.Values))
	}
	return strings.Join(out, ", ")
}

func streamReaders(ctx context.Context, p pair) error {
	add := func(id, v string) error {
		return p.b.XAdd(ctx, &redis.XAddArgs{Stream: "s", ID: id, Values: []string{"v", v}}).Err()
	}
	read := func(from string) func() (string, error) {
		return func() (string, error) {
			got, err := p.a.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", from}, Block: 0}).Result()
			if err != nil {
				return "", err
			}
			return told(got[0].Messages), nil
		}
	}
	failed := []error{add("1-1", "a"), gets("XREAD of what is there", later(read("0")), "1-1 map[v:a]")}
	waits := later(read("$"))
	failed = append(failed, still("XREAD", waits), add("1-2", "b"), gets("XREAD of what is new", waits, "1-2 map[v:b]"),
		wantError("an id that is too small", add("1-2", "c"), "ERR The ID specified in XADD is equal or smaller than the target stream top item"))
	first, err := p.b.XAdd(ctx, &redis.XAddArgs{Stream: "s", Values: []string{"v", "d"}}).Result()
	second, err2 := p.b.XAdd(ctx, &redis.XAddArgs{Stream: "s", MaxLen: 2, Values: []string{"v", "e"}}).Result()
	all, err3 := p.a.XRange(ctx, "s", "-", "+").Result()
	if err := errors.Join(err, err2, err3); err != nil || len(all) != 2 || all[0].ID != first || all[1].ID != second || first == second {
		failed = append(failed, fmt.Errorf("%s and %s are %v, %w", first, second, all, orNil(err)))
	}
	return errors.Join(failed...)
}

func streamGroups(ctx context.Context, p pair) error {
	read := func(c *redis.Client, consumer, from string, block time.Duration) (string, error) {
		args := redis.XReadGroupArgs{Group: "g", Consumer: consumer, Streams: []string{"s", from}, Block: block}
		if from == ">" {
			args.Count = 1
		}
		got, err := c.XReadGroup(ctx, &args).Result()
		if err != nil {
			return "", err
		}
		var ids []string
		for _, m := range got[0].Messages {
			ids = append(ids, m.ID)
		}
		return strings.Join(ids, " "), nil
	}
	expect := func(consumer, from, wanted string) error {
		got, err := read(p.a, consumer, from, -1)
		return want(consumer+" reads "+from, got, err, wanted)
	}
	_, err := read(p.a, "a", ">", -1)
	failed := []error{wantError("no group", err, "NOGROUP"), p.a.XGroupCreateMkStream(ctx, "s", "g", "$").Err(),
		wantError("the group again", p.a.XGroupCreateMkStream(ctx, "s", "g", "$").Err(), "BUSYGROUP")}
	waits := later(func() (string, error) { return read(p.b, "b", ">", 0) })
	failed = append(failed, still("XREADGROUP", waits))
	for i := 1; i <= 3; i++ {
		failed = append(failed, p.a.XAdd(ctx, &redis.XAddArgs{Stream: "s", ID: fmt.Sprint(i, "-0"), Values: []string{"n", fmt.Sprint(i)}}).Err())
	}
	failed = append(failed, gets("XREADGROUP", waits, "1-0"), expect("a", ">", "2-0"), expect("b", ">", "3-0"), expect("a", ">", ""),
		expect("a", "0", "2-0"), expect("b", "0", "1-0 3-0"))
	n, err := p.a.XAck(ctx, "s", "g", "1-0", "2-0", "9-0").Result()
	failed = append(failed, want("XACK", n, err, 2), expect("a", "0", ""))
	pending, err := p.b.XPending(ctx, "s", "g").Result()
	if err != nil || pending.Count != 1 || pending.Consumers["b"] != 1 {
		failed = append(failed, fmt.Errorf("XPENDING: got %+v, %w", pending, orNil(err)))
	}
	claim := func(idle time.Duration) (string, error) {
		got, _, err := p.a.XAutoClaim(ctx, &redis.XAutoClaimArgs{Stream: "s", Group: "g", Consumer: "a", MinIdle: idle, Start: "0"}).Result()
		return told(got), err
	}
	early, err := claim(time.Minute)
	failed = append(failed, want("XAUTOCLAIM early", early, err, ""))
	time.Sleep(50 * ms)
	late, err := claim(50 * ms)
	return errors.Join(append(failed, want("XAUTOCLAIM", late, err, "3-0 map[n:3]"), expect("a", "0", "3-0"))...)
}

func messages(ctx context.Context, p pair) error {
	sub := p.a.Subscribe(ctx, "news")
	defer func() { _ = sub.Close() }()
	all := p.b.PSubscribe(ctx, "n*")
	defer func() { _ = all.Close() }()
	for _, s := range []*redis.PubSub{sub, all} {
		if _, err := s.Receive(ctx); err != nil {
			return err
		}
	}
	say := func(channel, text string, wanted int64) error {
		n, err := p.b.Publish(ctx, channel, text).Result()
		return want("subscribers of "+channel, n, err, wanted)
	}
	hear := func(s *redis.PubSub, wanted string) error {
		m, err := s.ReceiveTimeout(ctx, 200*ms)
		if err != nil {
			return fmt.Errorf("wanted %q: %w", wanted, err)
		}
		got, ok := m.(*redis.Message)
		if !ok || got.Channel+" "+got.Payload != wanted {
			return fmt.Errorf("heard %v, wanted %q", m, wanted)
		}
		return nil
	}
	failed := []error{say("other", "x", 0), say("news", "1", 2), say("news", "2", 2), say("next", "3", 1),
		hear(sub, "news 1"), hear(sub, "news 2"), hear(all, "news 1"), hear(all, "news 2"), hear(all, "next 3")}
	if err := sub.Unsubscribe(ctx, "news"); err != nil {
		return err
	}
	time.Sleep(20 * ms)
	return errors.Join(append(failed, say("news", "4", 1), hear(all, "news 4"))...)
}
