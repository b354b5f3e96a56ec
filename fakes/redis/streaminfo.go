package redis

import (
	"slices"
	"strconv"
	"strings"
)

// streamFacts are what miniredis does not know of a stream.
type streamFacts struct {
	added   int
	deleted string // the greatest ID that was deleted
}

// streamAt is where a stream is.
type streamAt struct {
	db  int
	key string
}

// negative refuses to trim to less than nothing.
func negative(words []string) string {
	for i, w := range words[:len(words)-1] {
		if i < 2 || !strings.EqualFold(w, "MAXLEN") {
			continue
		}
		n := words[i+1]
		if (n == "~" || n == "=") && i+2 < len(words) {
			n = words[i+2]
		}
		if v, err := strconv.Atoi(n); err == nil && v < 0 {
			return errorReply("ERR The MAXLEN argument must be >= 0.")
		}
		return ""
	}
	return ""
}

func xtrim(_ *front, _ *session, words []string) string { return negative(words) }

// xadd counts what is added.
func xadd(f *front, s *session, words []string) string {
	if refusal := negative(words); refusal != "" {
		return refusal
	}
	at := streamAt{s.db, words[1]}
	none := f.ask(s, "EXISTS", words[1]) == ":0\r\n"
	if none {
		delete(f.streams, at)
	}
	reply := f.ask(s, words...)
	if reply[0] == '-' && none { // miniredis leaves an empty one
		f.ask(s, "DEL", words[1])
	}
	if reply[0] == '$' && !isNil([]byte(reply)) {
		f.facts(at).added++
	}
	return reply
}

// xdel notes the greatest that is deleted.
func xdel(f *front, s *session, words []string) string {
	most := ""
	for _, w := range words[2:] {
		if id, ok := streamID(w); ok && later(id, most) && parseValue(f.ask(s, "XRANGE", words[1], id, id)).parts != nil {
			most = id
		}
	}
	reply := f.ask(s, words...)
	if facts := f.facts(streamAt{s.db, words[1]}); reply[0] == ':' && later(most, facts.deleted) {
		facts.deleted = most
	}
	return reply
}

// later reports whether an ID is greater than another; "" is less than all.
func later(a, b string) bool {
	if a == "" || b == "" {
		return a != ""
	}
	pad := func(id string) string {
		ms, seq, _ := strings.Cut(id, "-")
		return strings.Repeat("0", 20-len(ms)) + ms + strings.Repeat("0", 20-len(seq)) + seq
	}
	return pad(a) > pad(b)
}

func (f *front) facts(at streamAt) *streamFacts {
	if f.streams[at] == nil {
		f.streams[at] = &streamFacts{}
	}
	return f.streams[at]
}

// moved has what is known of a stream go with it, when it gets another name or
// place.
func moved(f *front, s *session, words []string) string {
	if words[0] == "COPY" || words[0] == "SWAPDB" || words[0] == "MOVE" {
		if refusal := selectDB(f, s, words); refusal != "" {
			return refusal
		}
	}
	reply := f.ask(s, words...)
	if reply[0] == '-' || reply == ":0\r\n" {
		return reply
	}
	if words[0] == "SWAPDB" {
		a, _ := strconv.Atoi(words[1])
		b, _ := strconv.Atoi(words[2])
		out := map[streamAt]*streamFacts{}
		for at, facts := range f.streams { //wtsim:order a map is built
			switch at.db {
			case a:
				at.db = b
			case b:
				at.db = a
			}
			out[at] = facts
		}
		f.streams = out
		return reply
	}
	from, to := streamAt{s.db, words[1]}, streamAt{s.db, words[2]}
	if words[0] == "MOVE" {
		to.key = words[1]
		to.db, _ = strconv.Atoi(words[2])
	}
	for i, w := range words {
		if i > 2 && i+1 < len(words) && strings.EqualFold(w, "DB") {
			to.db, _ = strconv.Atoi(words[i+1])
		}
	}
	facts := *f.facts(from)
	if words[0] != "COPY" && from != to {
		delete(f.streams, from)
	}
	f.streams[to] = &facts
	return reply
}

// xinfo does XINFO STREAM, without FULL.
func xinfo(f *front, s *session, words []string) string {
	if !strings.EqualFold(words[1], "STREAM") || len(words) != 3 {
		return ""
	}
	own := f.plain(s)
	short := parseValue(f.ask(own, words...))
	if short.kind == '-' {
		return errorReply(short.text)
	}
	key, facts := words[2], f.facts(streamAt{s.db, words[2]})
	ends := func(command, from, to string) (id, entry string) {
		v := parseValue(f.ask(own, command, key, from, to, "COUNT", "1"))
		if len(v.parts) == 0 {
			return "0-0", f.null(s, "$-1\r\n")
		}
		id, fields := v.parts[0].parts[0].text, []string(nil)
		for _, p := range v.parts[0].parts[1].parts {
			fields = append(fields, bulk(p.text))
		}
		return id, array(bulk(id), array(fields...))
	}
	first, firstEntry := ends("XRANGE", "-", "+")
	_, lastEntry := ends("XREVRANGE", "+", "-")
	n, _ := strconv.Atoi(short.parts[1].text)
	nodes := (n + 99) / 100 // stream-node-max-entries
	groups := len(parseValue(f.ask(own, "XINFO", "GROUPS", key)).parts)
	deleted := facts.deleted
	if deleted == "" {
		deleted = "0-0"
	}
	out := []string{bulk("length"), integer(n), bulk("radix-tree-keys"), integer(nodes), bulk("radix-tree-nodes"), integer(nodes + 1),
		bulk("last-generated-id"), bulk(short.parts[3].text), bulk("max-deleted-entry-id"), bulk(deleted), bulk("entries-added"), integer(facts.added),
		bulk("recorded-first-entry-id"), bulk(first), bulk("groups"), integer(groups), bulk("first-entry"), firstEntry, bulk("last-entry"), lastEntry}
	if s.peer.Resp3 {
		return "%" + strconv.Itoa(len(out)/2) + "\r\n" + strings.Join(slices.Clip(out), "")
	}
	return array(out...)
}

// dump marks the string that miniredis gives, so that RESTORE knows it; what is
// no string, neither has.
func dump(f *front, s *session, words []string) string {
	v := parseValue(f.ask(s, "GET", words[1]))
	switch v.kind {
	case '-':
		return errorReply(f.lack("DUMP of what is no string"))
	case '_':
		return f.null(s, "$-1\r\n")
	}
	return bulk(dumped + v.text)
}

// restore stores what DUMP gave.
func restore(f *front, s *session, words []string) string {
	replace, until := false, "PX"
	for i := 4; i < len(words); i++ {
		switch w := strings.ToUpper(words[i]); {
		case w == "REPLACE":
			replace = true
		case w == "ABSTTL":
			until = "PXAT"
		case (w == "IDLETIME" || w == "FREQ") && i+1 < len(words):
			return errorReply(f.lack("RESTORE with IDLETIME or FREQ"))
		default:
			return syntaxError
		}
	}
	if !replace && f.ask(s, "EXISTS", words[1]) != ":0\r\n" {
		return errorReply("BUSYKEY Target key name already exists.")
	}
	ttl, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil {
		return notInteger
	} else if ttl < 0 {
		return errorReply("ERR Invalid TTL value, must be >= 0")
	}
	value, ok := strings.CutPrefix(words[3], dumped)
	if !ok {
		return errorReply(f.lack("RESTORE of what was not dumped here"))
	}
	set := []string{"SET", words[1], value}
	if ttl > 0 {
		set = append(set, until, words[2])
	}
	if f.ask(s, "DEL", words[1]); until == "PXAT" && ttl > 0 && ttl <= f.now() {
		return "+OK\r\n"
	}
	return f.ask(s, set...)
}

// dumped is what a string begins with that DUMP has given.
const dumped = "wtsim's DUMP of a string: "

// now is the time in milliseconds.
func (f *front) now() int64 {
	v := parseValue(f.ask(&session{peer: f.plain(&session{}).peer}, "TIME"))
	if len(v.parts) < 2 {
		return 0
	}
	sec, _ := strconv.ParseInt(v.parts[0].text, 10, 64)
	us, _ := strconv.ParseInt(v.parts[1].text, 10, 64)
	return sec*1000 + us/1000
}
