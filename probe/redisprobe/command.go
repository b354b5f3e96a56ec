package redisprobe

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
)

const (
	reads  = event.Reads
	writes = event.Writes
	both   = event.Reads | event.Writes
)

// command says how a command touches which of its words. Keys are told as
// Redis itself tells them (COMMAND): the first and last word that is a key
// (from the end where negative) and the step between; or, where counted is
// set, that word says how many keys follow it.
type command struct {
	access            event.Access
	first, last, step int
	counted           int
}

// unknown commands read and write their first argument.
var unknown = command{access: both, first: 1, last: 1, step: 1}

var commands = func() map[string]command {
	m := map[string]command{}
	for _, c := range []struct {
		command
		names string
	}{
		{command{reads, 1, 1, 1, 0}, `GET STRLEN GETRANGE SUBSTR GETBIT BITCOUNT BITPOS BITFIELD_RO TTL PTTL EXPIRETIME
			PEXPIRETIME TYPE DUMP KEYS HGET HMGET HGETALL HEXISTS HKEYS HVALS HLEN HSTRLEN HSCAN HRANDFIELD HTTL HPTTL
			LRANGE LLEN LINDEX LPOS SMEMBERS SISMEMBER SMISMEMBER SCARD SRANDMEMBER SSCAN
			ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZRANGEBYLEX ZREVRANGEBYLEX ZSCORE ZMSCORE ZCARD ZRANK
			ZREVRANK ZCOUNT ZLEXCOUNT ZRANDMEMBER ZSCAN XLEN XRANGE XREVRANGE XPENDING
			GEOPOS GEODIST GEOHASH GEOSEARCH GEORADIUS_RO GEORADIUSBYMEMBER_RO SORT_RO`},
		{command{reads, 1, -1, 1, 0}, `MGET EXISTS WATCH SINTER SUNION SDIFF PFCOUNT SUBSCRIBE PSUBSCRIBE SSUBSCRIBE`},
		{command{reads, 2, 2, 1, 0}, `OBJECT MEMORY XINFO`},
		{command{reads, 0, 0, 0, 0}, `PING ECHO TIME SCAN DBSIZE RANDOMKEY SCRIPT PUBSUB WAIT MONITOR`},
		{command{reads, 0, 0, 0, 1}, `ZUNION ZINTER ZDIFF ZINTERCARD SINTERCARD`},
		{command{reads, 0, 0, 0, 2}, `EVAL_RO EVALSHA_RO FCALL_RO`},
		{command{writes, 1, 1, 1, 0}, `SET SETEX PSETEX HMSET PUBLISH SPUBLISH`},
		{command{writes, 1, -1, 2, 0}, `MSET`},
		{command{writes, 0, 0, 0, 0}, `FLUSHALL FLUSHDB`},
		{command{both, 1, -1, 2, 0}, `MSETNX`},
		{unknown, `APPEND INCR INCRBY INCRBYFLOAT DECR DECRBY GETDEL GETEX GETSET SETNX SETBIT SETRANGE EXPIRE EXPIREAT PEXPIRE
			PEXPIREAT PERSIST HSET HSETNX HDEL HINCRBY HINCRBYFLOAT LPUSH LPUSHX RPUSH RPUSHX LPOP RPOP LREM LSET LTRIM LINSERT
			SADD SREM SPOP ZADD ZREM ZINCRBY ZPOPMIN ZPOPMAX ZREMRANGEBYSCORE ZREMRANGEBYRANK PFADD XADD XACK XDEL XTRIM GEOADD`},
		{command{both, 1, -1, 1, 0}, `DEL UNLINK TOUCH SINTERSTORE SUNIONSTORE SDIFFSTORE PFMERGE`},
		{command{both, 1, -2, 1, 0}, `BLPOP BRPOP BZPOPMIN BZPOPMAX`},
		{command{both, 1, 2, 1, 0}, `RENAME RENAMENX COPY SMOVE RPOPLPUSH LMOVE BRPOPLPUSH BLMOVE ZRANGESTORE GEOSEARCHSTORE`},
		{command{both, 2, -1, 1, 0}, `BITOP`},
		{command{both, 2, 2, 1, 0}, `XGROUP`},
		{command{both, 1, 1, 1, 2}, `ZUNIONSTORE ZINTERSTORE ZDIFFSTORE`},
		{command{both, 0, 0, 0, 1}, `LMPOP ZMPOP`},
		{command{both, 0, 0, 0, 2}, `EVAL EVALSHA FCALL BLMPOP BZMPOP`},
		{command{both, 0, 0, 0, 0}, `MULTI EXEC DISCARD FUNCTION SWAPDB`},
	} {
		for _, name := range strings.Fields(c.names) {
			m[name] = c.command
		}
	}
	return m
}()

func commandName(words []string) string {
	if len(words) == 0 {
		return ""
	}
	if name, ok := inLower[words[0]]; ok { // as clients write them
		return name
	}
	return strings.ToUpper(words[0])
}

// inLower are the commands' names by how they are written in lower case.
var inLower = func() map[string]string {
	m := map[string]string{}
	for name := range commands { //wtsim:order a map again
		m[strings.ToLower(name)] = name
	}
	return m
}()

// isSetup reports whether a command belongs to setting a connection up.
func isSetup(name string) bool {
	switch name {
	case "HELLO", "AUTH", "CLIENT", "SELECT", "READONLY", "READWRITE", "COMMAND", "INFO", "QUIT", "UNWATCH", "RESET":
		return true
	}
	return false
}

// isSubscription reports whether what follows on the connection is pushed by
// the server, not asked for.
func isSubscription(name string) bool {
	switch name {
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR":
		return true
	}
	return false
}

// isUnsubscription reports whether a command takes a subscription back.
func isUnsubscription(name string) bool {
	return name == "UNSUBSCRIBE" || name == "PUNSUBSCRIBE" || name == "SUNSUBSCRIBE"
}

// Access tells whether a command reads, writes, or does both, which is
// what is said of one that is not known. Commands that set a connection up do
// neither.
func Access(words []string) event.Access {
	name := commandName(words)
	if isSetup(name) {
		return 0
	}
	return commandAccess(name, words)
}

// Keys returns the keys among a command's words, as far as the command
// itself tells them.
func Keys(words []string) []string { return commandKeys(commandName(words), words) }

func describeCommand(words []string) event.Operation {
	name := commandName(words)
	op := event.Operation{Method: name, Access: commandAccess(name, words), Fails: fails, Request: event.Payload{Words: words}}
	if keys := commandKeys(name, words); len(keys) == 1 {
		op.Resource = keys[0]
	} else {
		op.Resource = strings.Join(keys, " ")
	}
	return op
}

// fails: what a client sees of a Redis that does not answer is its
// connection.
var fails = []string{"reset"}

// describeTransaction tells MULTI to EXEC as one operation. What was watched
// decides whether it happens: the operation reads that.
func describeTransaction(group [][]string, watched []string) event.Operation {
	op := event.Operation{Method: commandName(group[len(group)-1]), Fails: fails}
	if op.Method == "DISCARD" { // none of it happens
		return op
	}
	var names, keys []string
	for _, words := range group[1 : len(group)-1] {
		name := commandName(words)
		op.Access |= commandAccess(name, words)
		names = append(names, name)
		keys = appendNew(keys, commandKeys(name, words)...)
		op.Request.Words = append(append(op.Request.Words, words...), ";")
	}
	op.Method = strings.Join(append(append([]string{"MULTI"}, names...), "EXEC"), " ")
	if len(watched) > 0 {
		op.Access |= reads
		keys = appendNew(keys, watched...)
	}
	op.Resource = strings.Join(keys, " ")
	return op
}

func appendNew(list []string, more ...string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// commandKeys returns the keys among a command's words.
func commandKeys(name string, words []string) []string {
	switch name {
	case "XREAD", "XREADGROUP":
		return streamKeys(words)
	case "SORT", "GEORADIUS", "GEORADIUSBYMEMBER":
		return storeKeys(words)
	}
	c, ok := commands[name]
	if !ok {
		c = unknown
	}
	var keys []string
	if c.first > 0 {
		keys = keysBetween(words, c)
	}
	if c.counted > 0 {
		keys = append(keys, countedKeys(words, c.counted)...)
	}
	return keys
}

func keysBetween(words []string, c command) []string {
	last := c.last
	if last < 0 {
		last += len(words)
	}
	last = min(last, len(words)-1)
	if last < c.first {
		return nil
	}
	if c.step == 1 {
		return words[c.first : last+1 : last+1]
	}
	var keys []string
	for i := c.first; i <= last; i += c.step {
		keys = append(keys, words[i])
	}
	return keys
}

func countedKeys(words []string, at int) []string {
	if at >= len(words) {
		return nil
	}
	n, err := strconv.Atoi(words[at])
	if err != nil || n < 0 || n > len(words)-at-1 {
		return nil
	}
	return words[at+1 : at+1+n]
}

// streamKeys are the first half of what follows STREAMS.
func streamKeys(words []string) []string {
	for i, w := range words {
		if strings.EqualFold(w, "STREAMS") {
			rest := words[i+1:]
			return rest[:len(rest)/2]
		}
	}
	return nil
}

// storeKeys are the first argument and what follows STORE or STOREDIST.
func storeKeys(words []string) []string {
	keys := keysBetween(words, unknown)
	for i := 2; i+1 < len(words); i++ {
		if w := strings.ToUpper(words[i]); w == "STORE" || w == "STOREDIST" {
			return append(slices.Clip(keys), words[i+1])
		}
	}
	return keys
}

// commandAccess tells reads from writes; what is not known does both.
func commandAccess(name string, words []string) event.Access {
	c, ok := commands[name]
	switch {
	case name == "XREAD":
		return reads
	case !ok:
		return both
	case name == "SET" && len(words) > 3 && slices.ContainsFunc(words[3:], isCondition):
		return both
	}
	return c.access
}

// isCondition reports whether an option makes SET depend on, or tell, what
// the key held.
func isCondition(option string) bool {
	switch strings.ToUpper(option) {
	case "NX", "XX", "GET", "IFEQ", "IFNE", "IFDEQ", "IFDNE":
		return true
	}
	return false
}
