package redis

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
)

// The guarantees that can be taken away.
const (
	setIfAbsent  = "redis/set-if-absent"
	watches      = "redis/watch"
	transactions = "redis/transactions"
	scripts      = "redis/scripts"
	expiry       = "redis/expiry"
)

// Guarantees lists what [Service.Without] can take away.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{{
		Name:    setIfAbsent,
		Without: "SET NX, SETNX, HSETNX, MSETNX and SADD always write, and answer that nothing was there (in scripts they are as ever)",
		Source:  "https://redis.io/docs/latest/commands/set/",
		Used:    cloud.Asks(anyCommand(isSetIfAbsent)),
	}, {
		Name:    watches,
		Without: "EXEC happens although what was watched has changed",
		Source:  "https://redis.io/docs/latest/develop/using-commands/transactions/",
		Used:    cloud.Asks(func(op *event.Operation) bool { return op.Method == "WATCH" }),
	}, {
		Name:    transactions,
		Without: "the commands between MULTI and EXEC happen one by one: others come between, and some may happen alone",
		Source:  "https://redis.io/docs/latest/develop/using-commands/transactions/",
		Used:    cloud.Asks(func(op *event.Operation) bool { return strings.HasPrefix(op.Method, "MULTI ") }),
	}, {
		Name:    scripts,
		Without: "what a script writes happens after what it reads: others come between",
		Source:  "https://redis.io/docs/latest/develop/programmability/",
		Used:    cloud.Asks(func(op *event.Operation) bool { return isScript(op.Method) }),
	}, {
		Name:    expiry,
		Without: "keys never expire",
		Source:  "https://redis.io/docs/latest/commands/expire/",
		Used:    cloud.Asks(anyCommand(setsExpiry)),
	}}
}

// Without returns the service without one of its guarantees.
func (s *Service) Without(guarantee string) cloud.Service {
	out := *s
	out.without = append(slices.Clip(s.without), guarantee)
	return &out
}

func (b *Backend) lacks(guarantee string) bool { return slices.Contains(b.without, guarantee) }

// anyCommand asks about each command of an operation.
func anyCommand(is func(name string, words []string) bool) func(*event.Operation) bool {
	return func(op *event.Operation) bool {
		if !strings.HasPrefix(op.Method, "MULTI ") {
			return is(op.Method, op.Request.Words)
		}
		for rest := op.Request.Words; ; {
			end := slices.Index(rest, ";")
			if end <= 0 {
				return false
			}
			if is(strings.ToUpper(rest[0]), rest[:end]) {
				return true
			}
			rest = rest[end+1:]
		}
	}
}

func isSetIfAbsent(name string, words []string) bool {
	switch name {
	case "SETNX", "HSETNX", "MSETNX", "SADD":
		return true
	}
	return name == "SET" && hasOption(words, "NX")
}

// setsExpiry also holds for scripts, which do not show what they do.
func setsExpiry(name string, words []string) bool {
	switch name {
	case "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "SETEX", "PSETEX", "GETEX", "HEXPIRE", "HPEXPIRE", "HSETEX":
		return true
	}
	return isScript(name) || name == "SET" && hasOption(words, "EX", "PX", "EXAT", "PXAT")
}

// hasOption reports whether a SET has one of these options.
func hasOption(words []string, options ...string) bool {
	return len(words) > 3 && slices.ContainsFunc(words[3:], func(w string) bool { return slices.Contains(options, strings.ToUpper(w)) })
}

// always is a command that writes only what is absent as one that writes
// always, with the same answer.
func always(words []string) []string {
	script := func(text string, keys int) []string {
		return append([]string{"EVAL", text, strconv.Itoa(keys)}, words[1:]...)
	}
	name := strings.ToUpper(words[0])
	switch {
	case !isSetIfAbsent(name, words):
	case name == "SET":
		options := slices.DeleteFunc(slices.Clone(words[3:]), func(w string) bool { return strings.EqualFold(w, "NX") })
		return append(slices.Clip(words[:3]), options...)
	case name == "SETNX" && len(words) == 3:
		return script("redis.call('SET', KEYS[1], ARGV[1]) return 1", 1)
	case name == "HSETNX" && len(words) == 4:
		return script("redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) return 1", 1)
	case name == "MSETNX" && len(words)%2 == 1 && len(words) > 1:
		return script("redis.call('MSET', unpack(ARGV)) return 1", 0)
	case name == "SADD" && len(words) > 2:
		return script("redis.call('SADD', KEYS[1], unpack(ARGV)) return #ARGV", 1)
	}
	return words // what is wrong with it is told by the server
}
