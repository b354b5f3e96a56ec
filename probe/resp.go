package probe

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// parseRequest reads one request (an array of bulk strings) from the front
// of b, and returns its words and length; length 0 if it is not whole yet.
func parseRequest(b []byte) (words []string, length int) {
	n, at, ok := header(b, 0, '*')
	if !ok {
		return nil, 0
	}
	words = make([]string, 0, n)
	for range n {
		size, from, ok := header(b, at, '$')
		if !ok || from+size+2 > len(b) {
			return nil, 0
		}
		words = append(words, string(b[from:from+size]))
		at = from + size + 2
	}
	return words, at
}

// header reads "<mark><number>\r\n" at an offset.
func header(b []byte, at int, mark byte) (n, next int, ok bool) {
	if at >= len(b) || b[at] != mark {
		return 0, 0, false
	}
	end := bytes.Index(b[at:], []byte("\r\n"))
	if end < 0 {
		return 0, 0, false
	}
	n, err := strconv.Atoi(string(b[at+1 : at+end]))
	return n, at + end + 2, err == nil && n >= 0
}

// readReply reads one reply, RESP2 or RESP3, whole.
func readReply(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 {
		return nil, fmt.Errorf("redis: reply %q is too short", line)
	}
	n, _ := strconv.Atoi(string(bytes.TrimSpace(line[1:])))
	parts := 0
	switch line[0] {
	case '$', '=', '!':
		if n < 0 {
			return line, nil
		}
		body := make([]byte, n+2)
		_, err := io.ReadFull(r, body)
		return append(line, body...), err
	case '*', '~':
		parts = n
	case '%':
		parts = 2 * n
	case '|': // attributes, then the reply that they belong to
		parts = 2*n + 1
	case '>': // a push message stands before the reply
		parts = n + 1
	}
	for range max(parts, 0) {
		part, err := readReply(r)
		if err != nil {
			return nil, err
		}
		line = append(line, part...)
	}
	return line, nil
}

// describeReply tells a reply for people and rules: the text of a string or
// number, the error, or the number of elements.
func describeReply(reply []byte) event.Result {
	head, rest, _ := strings.Cut(string(reply), "\r\n")
	value := head[1:]
	switch {
	case head[0] == '-' || head[0] == '!':
		return event.Result{Status: value, Body: reply}
	case value == "-1" && (head[0] == '$' || head[0] == '*') || head[0] == '_':
		return event.Result{Status: "(nil)", OK: true, Body: []byte("(nil)")}
	case head[0] == '$' || head[0] == '=':
		text := strings.TrimSuffix(rest, "\r\n")
		return event.Result{Status: abbreviate(text), OK: true, Body: []byte(text)}
	case strings.IndexByte("*~%>", head[0]) >= 0:
		return event.Result{Status: "(" + value + " elements)", OK: true, Body: reply}
	}
	return event.Result{Status: value, OK: true, Body: []byte(value)}
}

func abbreviate(s string) string {
	const most = 40
	s = strconv.Quote(s)
	if len(s) > most {
		return s[:most-4] + `..."`
	}
	return s
}

func commandName(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return strings.ToUpper(words[0])
}

// isSetup reports whether a command belongs to setting a connection up.
func isSetup(name string) bool {
	switch name {
	case "", "HELLO", "AUTH", "CLIENT", "SELECT", "READONLY", "READWRITE", "COMMAND", "INFO", "QUIT", "UNWATCH":
		return true
	}
	return false
}

func describeCommand(words []string) event.Operation {
	name := commandName(words)
	return event.Operation{
		Method: name, Resource: strings.Join(commandKeys(name, words[1:]), " "),
		Access:  commandAccess(name, words),
		Fails:   []string{"reset"},
		Request: event.Payload{Words: words},
	}
}

// describeTransaction tells MULTI ... EXEC as one operation.
func describeTransaction(group [][]string) event.Operation {
	op := event.Operation{Method: commandName(group[len(group)-1]), Access: 0, Fails: []string{"reset"}}
	var names, keys []string
	for _, words := range group[1 : len(group)-1] {
		one := describeCommand(words)
		op.Access |= one.Access
		names = append(names, one.Method)
		for _, k := range strings.Fields(one.Resource) {
			keys = appendNew(keys, k)
		}
		op.Request.Words = append(append(op.Request.Words, words...), ";")
	}
	if op.Method == "EXEC" {
		op.Method = "MULTI " + strings.Join(names, " ") + " EXEC"
	}
	op.Resource = strings.Join(keys, " ")
	return op
}

func appendNew(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}

// commandKeys returns the keys among a command's arguments.
func commandKeys(name string, args []string) []string {
	switch name {
	case "PING", "ECHO", "TIME", "MULTI", "EXEC", "DISCARD", "SCRIPT", "DBSIZE", "FLUSHALL", "FLUSHDB", "WAIT", "SCAN", "RANDOMKEY":
		return nil
	case "DEL", "UNLINK", "EXISTS", "TOUCH", "MGET", "WATCH", "SINTER", "SUNION", "SDIFF", "PFCOUNT", "RENAME", "RENAMENX":
		return args
	case "MSET", "MSETNX":
		return everyOther(args)
	case "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO":
		if len(args) > 1 {
			if n, err := strconv.Atoi(args[1]); err == nil && n >= 0 && 2+n <= len(args) {
				return args[2 : 2+n]
			}
		}
		return nil
	case "BLPOP", "BRPOP", "BZPOPMIN", "BZPOPMAX":
		return args[:max(0, len(args)-1)]
	}
	return args[:min(1, len(args))]
}

func everyOther(args []string) []string {
	var keys []string
	for i := 0; i < len(args); i += 2 {
		keys = append(keys, args[i])
	}
	return keys
}

// commandAccess tells reads from writes; what is not known does both.
func commandAccess(name string, words []string) event.Access {
	switch name {
	case "SET":
		for _, w := range words[min(3, len(words)):] {
			switch strings.ToUpper(w) {
			case "NX", "XX", "GET", "IFEQ", "IFNE":
				return event.Reads | event.Writes
			}
		}
		return event.Writes
	case "GET", "MGET", "EXISTS", "TTL", "PTTL", "TYPE", "STRLEN", "GETRANGE", "KEYS", "SCAN", "DBSIZE",
		"HGET", "HMGET", "HGETALL", "HEXISTS", "HKEYS", "HVALS", "HLEN", "HSCAN",
		"LRANGE", "LLEN", "LINDEX", "SMEMBERS", "SISMEMBER", "SMISMEMBER", "SCARD", "SINTER", "SUNION", "SDIFF",
		"ZRANGE", "ZSCORE", "ZCARD", "ZRANK", "ZCOUNT", "ZRANGEBYSCORE", "ZREVRANGE", "XRANGE", "XLEN", "XREAD",
		"PING", "ECHO", "TIME", "WATCH", "PFCOUNT", "BITCOUNT", "GETBIT", "EVAL_RO", "EVALSHA_RO":
		return event.Reads
	case "MSET", "SETEX", "PSETEX", "HMSET", "FLUSHALL", "FLUSHDB":
		return event.Writes
	}
	return event.Reads | event.Writes
}
