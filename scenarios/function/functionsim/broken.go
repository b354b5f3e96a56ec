package functionsim

import (
	"context"
	"slices"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// What monitor/function sees of Redis, without a fact that it rests on. All that
// it does with records are MGET and a script; see commit.lua for its words.
const (
	firstKey, keysEach = 3, 2
	firstArg, argsEach = 2, 6
)

// Where the words of a record stand.
const (
	argBefore = iota
	argHead
	argRecord
	_ // when it is due
	_ // its counts
	argFound
)

// script is what a client runs scripts by.
type script func(ctx context.Context, name string, keys []string, args ...any) *goredis.Cmd

// scripted changes the words of the script that writes records.
type scripted struct {
	goredis.Cmdable
	change func(ctx context.Context, run script, name string, keys []string, args []any) *goredis.Cmd
}

// EvalSha is the first way in which a client runs a script.
func (c scripted) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *goredis.Cmd {
	return c.with(ctx, c.Cmdable.EvalSha, sha, keys, args)
}

// Eval is the second, where the server does not know it.
func (c scripted) Eval(ctx context.Context, text string, keys []string, args ...any) *goredis.Cmd {
	return c.with(ctx, c.Cmdable.Eval, text, keys, args)
}

func (c scripted) with(ctx context.Context, run script, name string, keys []string, args []any) *goredis.Cmd {
	if len(keys) <= firstKey {
		return run(ctx, name, keys, args...)
	}
	return c.change(ctx, run, name, slices.Clone(keys), slices.Clone(args))
}

// eachRecord visits where the words of each record begin.
func eachRecord(args []any, visit func(at int)) {
	for at := firstArg; at < len(args); at += argsEach + args[at+argFound].(int) {
		visit(at)
	}
}

// blindly writes over whatever is there: the head that is there when it writes
// stands for the one that was read.
func blindly(c goredis.Cmdable) goredis.Cmdable {
	return scripted{c, func(ctx context.Context, run script, name string, keys []string, args []any) *goredis.Cmd {
		var records []string
		for i := firstKey; i < len(keys); i += keysEach {
			records = append(records, keys[i])
		}
		all, err := c.MGet(ctx, records...).Result()
		if err != nil {
			return failed(ctx, err)
		}
		n := 0
		eachRecord(args, func(at int) {
			value, _ := all[n].(string)
			args[at+argBefore], _, _ = strings.Cut(value, "\n")
			n++
		})
		return run(ctx, name, keys, args...)
	}}
}

// stateFirst writes the records, and then what was found.
func stateFirst(c goredis.Cmdable) goredis.Cmdable {
	return scripted{c, func(ctx context.Context, run script, name string, keys []string, args []any) *goredis.Cmd {
		var found []any
		without := args[:firstArg:firstArg]
		eachRecord(args, func(at int) {
			own := at + argsEach
			found = append(found, args[own:own+args[at+argFound].(int)]...)
			without = append(append(without, args[at:at+argFound]...), 0)
		})
		written := run(ctx, name, keys, without...)
		if written.Err() != nil {
			return written
		}
		for _, commit := range found {
			if err := c.XAdd(ctx, &goredis.XAddArgs{Stream: keys[0], Values: []any{"commit", commit}}).Err(); err != nil {
				return failed(ctx, err)
			}
		}
		return written
	}}
}

// forgetfully leaves out of each record what an end has told: the line after its
// head.
func forgetfully(c goredis.Cmdable) goredis.Cmdable {
	return scripted{c, func(ctx context.Context, run script, name string, keys []string, args []any) *goredis.Cmd {
		eachRecord(args, func(at int) {
			head, rest, _ := strings.Cut(args[at+argRecord].(string), "\n")
			_, state, _ := strings.Cut(rest, "\n")
			args[at+argRecord] = head + "\n{}\n" + state
		})
		return run(ctx, name, keys, args...)
	}}
}

// withoutWriter leaves of each head its number.
func withoutWriter(c goredis.Cmdable) goredis.Cmdable {
	return scripted{c, func(ctx context.Context, run script, name string, keys []string, args []any) *goredis.Cmd {
		eachRecord(args, func(at int) {
			head := args[at+argHead].(string)
			number, _, _ := strings.Cut(head, "-")
			number += "-"
			args[at+argHead], args[at+argRecord] = number, number+strings.TrimPrefix(args[at+argRecord].(string), head)
		})
		return run(ctx, name, keys, args...)
	}}
}

// withoutProperty leaves the property out of the keys: a record is of the
// property that has written it last, and another begins anew.
func withoutProperty(c goredis.Cmdable) goredis.Cmdable {
	return oneKey{scripted{c, func(ctx context.Context, run script, name string, keys []string, args []any) *goredis.Cmd {
		i := firstKey
		eachRecord(args, func(at int) {
			head, state, _ := strings.Cut(args[at+argRecord].(string), "\n")
			args[at+argRecord] = head + "\n" + propertyOf(keys[i+1]) + "\n" + state
			keys[i] = keyOfValues(keys[i])
			i += keysEach
		})
		return run(ctx, name, keys, args...)
	}}}
}

type oneKey struct{ scripted }

// MGet reads records, as if those of other properties were empty.
func (c oneKey) MGet(ctx context.Context, keys ...string) *goredis.SliceCmd {
	all := slices.Clone(keys)
	for i := range all {
		all[i] = keyOfValues(all[i])
	}
	read := c.scripted.MGet(ctx, all...)
	values := slices.Clone(read.Val())
	for i := range values {
		if value, ok := values[i].(string); ok {
			head, rest, _ := strings.Cut(value, "\n")
			property, state, _ := strings.Cut(rest, "\n")
			if own := propertyOf(keys[i]); own != noProperty && own != property {
				state = ""
			}
			values[i] = head + "\n" + state
		}
	}
	read.SetVal(values)
	return read
}

// propertyOf is the middle of prefix/property/values.
func propertyOf(key string) string {
	_, rest, _ := strings.Cut(key, "/")
	property, _, _ := strings.Cut(rest, "/")
	return property
}

// noProperty stands where the property was. Who ticks has the key from what
// waits, and takes the record as it is.
const noProperty = "-"

// keyOfValues is prefix/-/values.
func keyOfValues(key string) string {
	prefix, rest, _ := strings.Cut(key, "/")
	_, values, _ := strings.Cut(rest, "/")
	return prefix + "/" + noProperty + "/" + values
}

func failed(ctx context.Context, err error) *goredis.Cmd {
	cmd := goredis.NewCmd(ctx)
	cmd.SetErr(err)
	return cmd
}
