package function

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/monitor/stream"
)

// log is a log in a stream of Redis, under ids N-0; it implements stream.Log.
type log struct {
	redis redis.Cmdable
	key   string
}

// Log returns the log at a key. Its newest record is not forgotten: the next one
// has its number from it.
func Log(client redis.Cmdable, key string) stream.Log { return log{client, key} }

// field is where a record's data are.
const field = "commit"

var appendScript = redis.NewScript(`
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local last = newest and tonumber(string.match(newest[1], '^%d+')) or 0
if ARGV[2] ~= '' and tonumber(ARGV[2]) ~= last then
	return 0
end
redis.call('XADD', KEYS[1], (last + 1) .. '-0', '` + field + `', ARGV[1])
return last + 1`)

// Append is for stream.Log.
func (l log) Append(ctx context.Context, data []byte) (uint64, error) {
	return appendScript.Run(ctx, l.redis, []string{l.key}, data, "").Uint64()
}

// AppendIf is for stream.Log.
func (l log) AppendIf(ctx context.Context, data []byte, last uint64) (uint64, error) {
	seq, err := appendScript.Run(ctx, l.redis, []string{l.key}, data, last).Uint64()
	if err == nil && seq == 0 {
		err = stream.ErrConflict
	}
	return seq, err
}

// readAtOnce is how many records are read at once.
const readAtOnce = 256

// Read is for stream.Log.
func (l log) Read(ctx context.Context, from uint64, bytes int) (out []stream.Record, err error) {
	all, err := l.redis.XRangeN(ctx, l.key, strconv.FormatUint(from, 10), "+", readAtOnce).Result()
	for _, m := range all {
		r, err := recordOf(m)
		if err != nil {
			return nil, err
		}
		if bytes -= len(r.Data); len(out) > 0 && bytes < 0 {
			break
		}
		out = append(out, r)
	}
	return out, err
}

// Last is for stream.Log.
func (l log) Last(ctx context.Context) (r stream.Record, ok bool, err error) {
	all, err := l.redis.XRevRangeN(ctx, l.key, "+", "-", 1).Result()
	if err != nil || len(all) == 0 {
		return r, false, err
	}
	r, err = recordOf(all[0])
	return r, err == nil, err
}

// Forget is for stream.Log.
func (l log) Forget(ctx context.Context, before uint64) error {
	last, ok, err := l.Last(ctx)
	if err != nil || !ok {
		return err
	}
	return l.redis.XTrimMinID(ctx, l.key, strconv.FormatUint(min(before, last.Seq), 10)).Err()
}

func recordOf(m redis.XMessage) (r stream.Record, err error) {
	number, _, _ := strings.Cut(m.ID, "-")
	seq, err := strconv.ParseUint(number, 10, 64)
	text, ok := m.Values[field].(string)
	if err != nil || !ok {
		return r, fmt.Errorf("a record %q of a log is not one that a function has written", m.ID)
	}
	return stream.Record{Seq: seq, Data: []byte(text)}, nil
}
