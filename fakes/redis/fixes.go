package redis

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// fixes are the commands that miniredis has otherwise than Redis, or not at all.
// One returns "" where what miniredis does is right.
var fixes map[string]func(f *front, s *session, words []string) string

func init() { // they come back to the front
	fixes = map[string]func(f *front, s *session, words []string) string{
		"EVAL": eval, "EVALSHA": eval, "EVAL_RO": eval, "EVALSHA_RO": eval, "SCRIPT": scriptCommand,
		"SUBSCRIBE": subscribe, "PSUBSCRIBE": subscribe, "SSUBSCRIBE": subscribe,
		"UNSUBSCRIBE": unsubscribe, "PUNSUBSCRIBE": unsubscribe, "SUNSUBSCRIBE": unsubscribe,
		"PUBLISH": publish, "SPUBLISH": publish, "PUBSUB": pubsub, "PING": ping,
		"CLUSTER": noCluster, "READONLY": noCluster, "READWRITE": noCluster, "ASKING": noCluster,
		"ZADD": zadd, "XCLAIM": claim, "XAUTOCLAIM": autoclaim, "XLEN": xlen,
		"SET": set, "TYPE": typeOf, "SELECT": selectDB, "SWAPDB": moved, "MOVE": moved, "COPY": moved, "RENAME": moved, "RENAMENX": moved,
		"FLUSHALL": flush, "FLUSHDB": flush, "SUBSTR": substr, "BITPOS": bitpos, "BLMPOP": blmpop, "ZPOPMIN": popNone, "ZPOPMAX": popNone,
		"SINTERSTORE": store, "SUNIONSTORE": store, "SDIFFSTORE": store, "ZINTERSTORE": store, "ZUNIONSTORE": store,
		"INCRBYFLOAT": byFloat, "HINCRBYFLOAT": byFloat, "SSCAN": scan, "HSCAN": scan, "ZSCAN": scan, "SCAN": scan,
		"ZRANGESTORE": rangeStore, "ZINTERCARD": intersected, "ZDIFF": difference, "CLIENT": client1,
		"HELLO": hello, "PFCOUNT": pfcount, "SETRANGE": setRange, "SETBIT": setBit, "SMOVE": smove, "XPENDING": xpending, "XADD": xadd, "XTRIM": xtrim, "XDEL": xdel, "XINFO": xinfo, "DUMP": dump, "RESTORE": restore,
		"GEOADD": geoadd, "GEODIST": geodist, "GEOPOS": geopos, "GEOHASH": geopos, "GEOSEARCH": geosearch, "GEOSEARCHSTORE": geosearch,
		"GEORADIUS": geosearch, "GEORADIUS_RO": geosearch, "GEORADIUSBYMEMBER": geosearch, "GEORADIUSBYMEMBER_RO": geosearch,
	}
	// a transaction's are done before
	for _, name := range []string{"MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "RESET"} {
		ours[name] = true
	}
}

var ours = map[string]bool{}

// missing are the subcommands that are neither here nor in miniredis.
var missing = map[string]bool{
	"OBJECT|ENCODING": true, "OBJECT|FREQ": true, "OBJECT|REFCOUNT": true, "XGROUP|SETID": true, "COMMAND|COUNT": true, "COMMAND|LIST": true,
	"COMMAND|INFO": true, "COMMAND|GETKEYS": true, "COMMAND|GETKEYSANDFLAGS": true, "SCRIPT|KILL": true, "SCRIPT|DEBUG": true, "MEMORY|DOCTOR": true,
	"MEMORY|STATS": true, "MEMORY|MALLOC-STATS": true, "MEMORY|PURGE": true, "CLIENT|LIST": true, "CLIENT|INFO": true, "CLIENT|PAUSE": true, "CLIENT|UNPAUSE": true,
	"CLIENT|KILL": true, "CLIENT|CACHING": true, "CLIENT|TRACKINGINFO": true, "CLIENT|UNBLOCK": true, "CLIENT|NO-EVICT": true, "CLIENT|GETREDIR": true,
}

// missingForm names a form of a command that is neither here nor in miniredis;
// "" if there is none.
func missingForm(name string, words []string) string {
	has := func(option string) bool {
		return slices.ContainsFunc(words[1:], func(w string) bool { return strings.EqualFold(w, option) })
	}
	switch name {
	case "XGROUP|CREATE":
		if has("ENTRIESREAD") {
			return "XGROUP CREATE ... ENTRIESREAD"
		}
	case "XINFO|STREAM":
		if len(words) > 3 {
			return "XINFO STREAM ... FULL"
		}
	case "XINFO|GROUPS":
		return ""
	case "XCLAIM":
		if has("LASTID") {
			return "XCLAIM ... LASTID"
		}
	case "CLIENT|TRACKING":
		if !has("OFF") && !has("OPTIN") {
			return "CLIENT TRACKING without OPTIN"
		}
	case "BITCOUNT":
		if has("BYTE") || has("BIT") {
			return "BITCOUNT with BYTE or BIT"
		}
	}
	return ""
}

const (
	syntaxError  = "-ERR syntax error\r\n"
	notInteger   = "-ERR value is not an integer or out of range\r\n"
	dbOutOfRange = "-ERR DB index is out of range\r\n"
	databases    = 16
)

func ping(_ *front, s *session, words []string) string {
	switch {
	case len(words) > 2:
		return errorReply("ERR wrong number of arguments for 'ping' command")
	case s.subscribed() && !s.peer.Resp3:
		return array(bulk("pong"), bulk(strings.Join(words[1:], "")))
	case len(words) == 2:
		return bulk(words[1])
	}
	return "+PONG\r\n"
}

// noCluster is what a Redis says that is none. Clients of clusters ask, and go on
// with the one server that there is (rueidis).
func noCluster(*front, *session, []string) string {
	return errorReply("ERR This instance has cluster support disabled")
}

// hello keeps the protocol if its version is none.
func hello(f *front, s *session, words []string) string {
	reply := f.ask(s, words...)
	if reply[0] != '-' && len(words) > 1 {
		s.peer.Resp3 = words[1] == "3"
	}
	return reply
}

// client1 answers CLIENT ID, and CLIENT TRACKING where no key is tracked before
// CLIENT CACHING asks for it, which is refused.
func client1(f *front, s *session, words []string) string {
	switch strings.ToUpper(words[1]) {
	case "ID":
		return integer(1)
	case "TRACKING":
		return tracking(words[2:])
	}
	return ""
}

func tracking(words []string) string {
	if w := strings.ToUpper(words[0]); w != "ON" && w != "OFF" {
		return syntaxError
	}
	for _, w := range words[1:] {
		if w = strings.ToUpper(w); w != "OPTIN" && w != "NOLOOP" {
			return syntaxError
		}
	}
	return "+OK\r\n"
}

// set refuses options that exclude each other.
func set(_ *front, _ *session, words []string) string {
	given := map[string]int{}
	for i := 3; i < len(words); i++ {
		switch w := strings.ToUpper(words[i]); w {
		case "EX", "PX", "EXAT", "PXAT":
			given["TTL"]++
			i++
		case "KEEPTTL":
			given["TTL"]++
		case "NX", "XX":
			given[w]++
		}
	}
	if given["TTL"] > 1 || given["NX"] > 0 && given["XX"] > 0 {
		return syntaxError
	}
	return ""
}

func typeOf(f *front, s *session, words []string) string {
	return strings.Replace(f.ask(s, words...), "+hll", "+string", 1)
}

// selectDB refuses databases that there are not.
func selectDB(_ *front, _ *session, words []string) string {
	numbers := words[1:]
	switch words[0] {
	case "MOVE":
		numbers = words[2:]
	case "COPY":
		numbers = nil
		for i, w := range words {
			if strings.EqualFold(w, "DB") && i > 2 && i+1 < len(words) {
				numbers = words[i+1 : i+2]
			}
		}
	}
	for _, w := range numbers {
		n, err := strconv.Atoi(w)
		switch {
		case err != nil && words[0] == "SWAPDB":
			return errorReply("ERR invalid " + map[bool]string{true: "first", false: "second"}[w == numbers[0]] + " DB index")
		case err != nil:
			return notInteger
		case n < 0 || n >= databases:
			return dbOutOfRange
		}
	}
	return ""
}

func flush(f *front, s *session, words []string) string {
	if len(words) == 2 && strings.EqualFold(words[1], "SYNC") {
		return f.ask(s, words[0])
	}
	return ""
}

func substr(f *front, s *session, words []string) string {
	return f.ask(s, append([]string{"GETRANGE"}, words[1:]...)...)
}

func bitpos(_ *front, _ *session, words []string) string {
	if n, err := strconv.Atoi(words[2]); err != nil {
		return notInteger
	} else if n != 0 && n != 1 {
		return errorReply("ERR The bit argument must be 1 or 0.")
	}
	return ""
}

// popNone answers a ZPOPMIN of none.
func popNone(f *front, s *session, words []string) string {
	if len(words) == 3 && words[2] == "0" {
		if reply := f.ask(s, "ZCARD", words[1]); reply[0] == '-' {
			return reply
		}
		return "*0\r\n"
	}
	return ""
}

// zadd is none where INCR with GT would not raise the score, or with LT not lower it.
func zadd(f *front, s *session, words []string) string {
	at, has := 2, map[string]bool{}
	for ; at < len(words); at++ {
		w := strings.ToUpper(words[at])
		if !slices.Contains([]string{"NX", "XX", "GT", "LT", "CH", "INCR"}, w) {
			break
		}
		has[w] = true
	}
	if !has["INCR"] || has["GT"] == has["LT"] || has["NX"] || len(words) != at+2 {
		return ""
	}
	is := parseValue(f.ask(s, "ZSCORE", words[1], words[at+1]))
	old, missing := strconv.ParseFloat(is.text, 64)
	by, err := strconv.ParseFloat(words[at], 64)
	if becomes := old + by; missing != nil || err != nil || math.IsNaN(becomes) || has["GT"] && becomes > old || has["LT"] && becomes < old {
		return ""
	}
	return f.null(s, "$-1\r\n")
}

// store removes the empty set that miniredis stores.
func store(f *front, s *session, words []string) string {
	reply := f.ask(s, words...)
	if reply == ":0\r\n" {
		f.ask(s, "DEL", words[1])
	}
	return reply
}

// byFloat refuses what is not finite.
func byFloat(f *front, s *session, words []string) string {
	by, err := strconv.ParseFloat(words[len(words)-1], 64)
	if err == nil && math.IsInf(by, 0) {
		if words[0] == "HINCRBYFLOAT" {
			return errorReply("ERR value is NaN or Infinity")
		}
		return errorReply("ERR increment would produce NaN or Infinity")
	}
	return ""
}

// scan refuses a count of none, but of what is not there: there Redis does not
// look at the options.
func scan(f *front, s *session, words []string) string {
	if words[0] != "SCAN" {
		if first := f.ask(s, words[:3]...); first[0] == '-' || f.ask(s, "EXISTS", words[1]) == ":0\r\n" {
			return first
		}
	}
	for i, w := range words[:len(words)-1] {
		if n, err := strconv.Atoi(words[i+1]); i > 1 && strings.EqualFold(w, "COUNT") && err == nil && n < 1 {
			return syntaxError
		}
	}
	return ""
}

// pfcount counts what is in any of several; miniredis adds the counts up.
func pfcount(f *front, s *session, words []string) string {
	if len(words) == 2 {
		return ""
	}
	const together = "\x00wtsim PFCOUNT" // for this moment only
	defer f.ask(s, "DEL", together)
	if reply := f.ask(s, append([]string{"PFMERGE", together}, words[1:]...)...); reply[0] == '-' {
		return reply
	}
	return f.ask(s, "PFCOUNT", together)
}

// setRange of nothing stores nothing.
func setRange(f *front, s *session, words []string) string {
	if n, err := strconv.Atoi(words[2]); err != nil || n < 0 || words[3] != "" {
		return ""
	}
	return f.ask(s, "STRLEN", words[1])
}

// setBit to what it is changes nothing.
func setBit(f *front, s *session, words []string) string {
	at, err := strconv.Atoi(words[2])
	if err != nil || at < 0 || words[3] != "0" && words[3] != "1" {
		return ""
	}
	size, _ := strconv.Atoi(parseValue(f.ask(s, "STRLEN", words[1])).text)
	if is := f.ask(s, "GETBIT", words[1], words[2]); at/8 < size && is == ":"+words[3]+"\r\n" {
		return is
	}
	return ""
}

// smove to where it is changes nothing.
func smove(f *front, s *session, words []string) string {
	if words[1] == words[2] {
		return f.ask(s, "SISMEMBER", words[1], words[3])
	}
	return ""
}

// blmpop is LMPOP where it does not wait; where it does, the connection sees to
// that.
func blmpop(f *front, s *session, words []string) string {
	t, err := strconv.ParseFloat(words[1], 64)
	switch {
	case err != nil || math.IsNaN(t) || math.IsInf(t, 0):
		return errorReply("ERR timeout is not a float or out of range")
	case t < 0:
		return errorReply("ERR timeout is negative")
	}
	return f.ask(s, append([]string{"LMPOP"}, words[2:]...)...)
}

// rangeStore is ZRANGE, stored.
func rangeStore(f *front, s *session, words []string) string {
	own := &session{peer: s.peer, db: s.db}
	was := s.peer.Resp3
	s.peer.Resp3 = false
	defer func() { s.peer.Resp3 = was }()
	args := append([]string{"ZRANGE"}, words[2:]...)
	if !slices.ContainsFunc(args, func(w string) bool { return strings.EqualFold(w, "BYLEX") }) {
		args = append(args, "WITHSCORES")
	}
	found := parseValue(f.ask(own, args...))
	if found.kind == '-' {
		return errorReply(found.text)
	}
	var add []string
	for i := 0; i < len(found.parts); i++ {
		member := found.parts[i].text
		score := parseValue(f.ask(own, "ZSCORE", words[2], member)).text
		add = append(add, score, member)
		if args[len(args)-1] == "WITHSCORES" {
			i++
		}
	}
	f.ask(own, "DEL", words[1])
	if len(add) > 0 {
		f.ask(own, append([]string{"ZADD", words[1]}, add...)...)
	}
	return integer(len(add) / 2)
}

// intersected is how many there are of ZINTER.
func intersected(f *front, s *session, words []string) string {
	n, err := strconv.Atoi(words[1])
	if err != nil {
		return ""
	}
	limit, rest := 0, []string(nil)
	if n > 0 && len(words) > 2+n {
		rest = words[2+n:]
	}
	if len(rest) == 2 && strings.EqualFold(rest[0], "LIMIT") {
		if limit, err = strconv.Atoi(rest[1]); err != nil {
			return notInteger
		} else if limit < 0 {
			return errorReply("ERR LIMIT can't be negative")
		}
	} else if len(rest) > 0 {
		return syntaxError
	}
	found := parseValue(f.ask(s, append([]string{"ZINTER"}, words[1:len(words)-len(rest)]...)...))
	if found.kind == '-' {
		return errorReply(strings.Replace(found.text, "zinter", "zintercard", 1))
	}
	if n := len(found.parts); limit == 0 || n < limit {
		return integer(n)
	}
	return integer(limit)
}

// difference is what the first of some sorted sets has alone.
func difference(f *front, s *session, words []string) string {
	n, err := strconv.Atoi(words[1])
	if err != nil || n < 1 || 2+n > len(words) {
		return ""
	}
	scores := len(words) == 3+n && strings.EqualFold(words[2+n], "WITHSCORES")
	if len(words) > 2+n && !scores {
		return syntaxError
	}
	first := f.ask(s, "ZRANGE", words[2], "0", "-1")
	var out []string
	for _, m := range parseValue(first).parts {
		alone := true
		for _, key := range words[3 : 2+n] {
			alone = alone && parseValue(f.ask(s, "ZSCORE", key, m.text)).kind == '_'
		}
		if !alone {
			continue
		}
		one := []string{bulk(m.text)}
		if scores {
			one = append(one, f.ask(s, "ZSCORE", words[2], m.text))
		}
		if scores && s.peer.Resp3 {
			one = []string{array(one...)}
		}
		out = append(out, one...)
	}
	for _, key := range words[2 : 2+n] {
		if reply := f.ask(s, "ZCARD", key); reply[0] == '-' {
			return reply
		}
	}
	return array(out...)
}
