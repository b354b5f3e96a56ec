package function

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
)

// live is how old an event may be when it comes so that time passes after it:
// one that is older is from a recording, in which it passes by events alone.
const live = 5 * time.Minute

// Tick tells the places that wait for it that time has passed: up to the newest
// event, and what has passed since that came. Then it tells what was found. It
// is to be called now and then, by a schedule.
func (f *Function) Tick(ctx context.Context) error {
	to, ok, err := f.passed(ctx)
	if err != nil {
		return err
	}
	for _, name := range f.order {
		for ok {
			n, err := f.pass(ctx, name, to)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
	}
	return f.publish(ctx)
}

// passed returns up to when time has passed.
func (f *Function) passed(ctx context.Context) (to time.Time, ok bool, err error) {
	to, came, ok, err := f.newest(ctx)
	if since := f.now().Sub(came); ok && since > 0 && came.Sub(to) <= live {
		to = to.Add(since)
	}
	return to, ok, err
}

// newest returns the time of the newest event, and when that came.
func (f *Function) newest(ctx context.Context) (newest, came time.Time, ok bool, err error) {
	text, err := f.Redis.Get(ctx, f.records.key("time")).Result()
	if errors.Is(err, redis.Nil) {
		return newest, came, false, nil
	}
	if err != nil {
		return newest, came, false, err
	}
	var ms, at int64
	if _, err := fmt.Sscanf(text, "%d %d", &ms, &at); err != nil {
		return newest, came, false, fmt.Errorf("the newest time is %q, wanted what a function has written", text)
	}
	return time.UnixMilli(ms).UTC(), time.UnixMilli(at).UTC(), true, nil
}

// pass ticks places of a property that are due, and returns how many.
func (f *Function) pass(ctx context.Context, property string, to time.Time) (int, error) {
	// A place is due at a fraction of a millisecond later than its score says.
	keys, err := f.Redis.ZRangeByScore(ctx, f.dueKey(property), &redis.ZRangeBy{
		Min: "-inf", Max: "(" + strconv.FormatInt(to.UnixMilli(), 10), Count: atOnce}).Result()
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	b := batch{now: f.now()}
	for _, key := range keys {
		b.give(property, key, monitor.Input{Tick: true, Event: event.Event{Time: to}})
	}
	return len(keys), f.judge(ctx, &b)
}

// Close settles what waits, as the end of a file does, and tells what was found;
// with end, nothing comes after what was sent, so that deadlines have passed and states that
// must not be the last are judged. What comes later is judged as if nobody had
// asked, and nothing is told twice. It reads every record that there is.
func (f *Function) Close(ctx context.Context, end bool) error {
	how := closed
	if end {
		how = declared
	}
	newest, _, ok, err := f.newest(ctx)
	if err != nil {
		return err
	}
	for _, name := range f.order {
		for cursor := uint64(0); ok; {
			var found []string // a key, and when it is due
			if found, cursor, err = f.Redis.ZScan(ctx, f.dueKey(name), cursor, "", atOnce).Result(); err != nil {
				return err
			}
			b := batch{now: f.now()}
			for i := 0; i < len(found); i += 2 {
				b.give(name, found[i], monitor.Input{Tick: true, Event: event.Event{Time: newest}})
				b.shares[b.at[found[i]]].ending = how
			}
			if err := f.judge(ctx, &b); err != nil {
				return err
			}
			if cursor == 0 {
				break
			}
		}
	}
	return f.publish(ctx)
}

// publish tells what is in the verdict log and not told. Each of its records is
// one violation.
func (f *Function) publish(ctx context.Context) error {
	if f.Tell == nil {
		return nil
	}
	cursor, err := stream.OpenCursor(ctx, f.cursor)
	if err != nil {
		return err
	}
	told := cursor.Told()
	err = f.each(ctx, uint64(told)+1, func(seq uint64, object []byte) error {
		if err := f.Tell(ctx, object); err != nil {
			return err
		}
		told = int(seq)
		return nil
	})
	if told > cursor.Told() {
		err = errors.Join(err, cursor.Advance(ctx, told))
	}
	return err
}

// each visits the violations from a number on.
func (f *Function) each(ctx context.Context, from uint64, visit func(seq uint64, object []byte) error) error {
	for {
		all, err := f.verdicts.Read(ctx, from, 1<<20)
		if err != nil || len(all) == 0 {
			return err
		}
		for _, r := range all {
			c, err := stream.DecodeCommit(r.Data)
			if err != nil {
				return err
			}
			for _, object := range c.Found {
				if err := visit(r.Seq, object); err != nil {
					return err
				}
			}
			from = r.Seq + 1
		}
	}
}
