package redis

import (
	"fmt"
	"slices"
	"strings"
)

// subscriptions are a connection's, in the order in which they were made.
type subscriptions struct {
	channels, patterns, shards []string
}

func (s *subscriptions) subscribed() bool {
	return len(s.channels)+len(s.patterns)+len(s.shards) > 0
}

// whileSubscribed are the commands of a connection that has subscribed, in
// RESP2.
var whileSubscribed = map[string]bool{
	"SUBSCRIBE": true, "PSUBSCRIBE": true, "SSUBSCRIBE": true, "UNSUBSCRIBE": true, "PUNSUBSCRIBE": true, "SUNSUBSCRIBE": true,
	"PING": true, "QUIT": true, "RESET": true,
}

// of is the list that a command is about, and how many the connection has of
// what it counts.
func (s *subscriptions) of(name string) (list *[]string, count func() int) {
	both := func() int { return len(s.channels) + len(s.patterns) }
	switch strings.TrimPrefix(name, "UN")[0] {
	case 'P':
		return &s.patterns, both
	case 'S':
		if strings.HasPrefix(name, "SS") || strings.HasPrefix(name, "SUN") {
			return &s.shards, func() int { return len(s.shards) }
		}
	}
	return &s.channels, both
}

// push writes a push message.
func (s *session) push(parts ...string) {
	mark := "*"
	if s.peer.Resp3 {
		mark = ">"
	}
	s.peer.WriteRaw(fmt.Sprintf("%s%d\r\n%s", mark, len(parts), strings.Join(parts, "")))
	s.peer.Flush()
}

func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

func integer(n int) string { return fmt.Sprintf(":%d\r\n", n) }

func array(parts ...string) string {
	return fmt.Sprintf("*%d\r\n%s", len(parts), strings.Join(parts, ""))
}

// subscribe does SUBSCRIBE and its like: the answer is a message for each.
func subscribe(f *front, s *session, words []string) string {
	name := words[0]
	list, count := s.of(name)
	if !slices.Contains(f.order, s) {
		f.order = append(f.order, s)
	}
	out := ""
	for _, what := range words[1:] {
		if !slices.Contains(*list, what) {
			*list = append(*list, what)
		}
		out += s.message(bulk(strings.ToLower(name)), bulk(what), integer(count()))
	}
	return out
}

func unsubscribe(f *front, s *session, words []string) string {
	name := words[0]
	list, count := s.of(name)
	from := words[1:]
	if len(from) == 0 {
		from = slices.Clone(*list)
	}
	out := ""
	for _, what := range from {
		*list = slices.DeleteFunc(*list, func(x string) bool { return x == what })
		out += s.message(bulk(strings.ToLower(name)), bulk(what), integer(count()))
	}
	if len(from) == 0 {
		out = s.message(bulk(strings.ToLower(name)), f.null(s, "$-1\r\n"), integer(count()))
	}
	if !s.subscribed() {
		f.unsubscribe(s)
	}
	return out
}

// message is a push message.
func (s *session) message(parts ...string) string {
	if s.peer.Resp3 {
		return fmt.Sprintf(">%d\r\n%s", len(parts), strings.Join(parts, ""))
	}
	return array(parts...)
}

func (f *front) unsubscribe(s *session) {
	s.subscriptions = subscriptions{}
	f.order = slices.DeleteFunc(f.order, func(x *session) bool { return x == s })
}

// publish reaches every subscriber at once, those first that have subscribed
// first.
func publish(f *front, _ *session, words []string) string {
	n := 0
	channel, text := words[1], bulk(words[2])
	for _, s := range f.order {
		if words[0] == "SPUBLISH" {
			if slices.Contains(s.shards, channel) {
				n++
				s.push(bulk("smessage"), bulk(channel), text)
			}
			continue
		}
		if slices.Contains(s.channels, channel) {
			n++
			s.push(bulk("message"), bulk(channel), text)
		}
		for _, p := range s.patterns {
			if glob(p, channel) {
				n++
				s.push(bulk("pmessage"), bulk(p), bulk(channel), text)
			}
		}
	}
	return integer(n)
}

// pubsub tells who has subscribed.
func pubsub(f *front, _ *session, words []string) string {
	sub := strings.ToUpper(words[1])
	lists := func(s *session) []string {
		if strings.HasPrefix(sub, "SHARD") {
			return s.shards
		}
		return s.channels
	}
	var out []string
	switch strings.TrimPrefix(sub, "SHARD") {
	case "CHANNELS":
		if len(words) > 3 {
			return errorReply("ERR wrong number of arguments for '" + strings.ToLower("pubsub|"+sub) + "' command")
		}
		for _, s := range f.order {
			for _, c := range lists(s) {
				if b := bulk(c); !slices.Contains(out, b) && (len(words) < 3 || glob(words[2], c)) {
					out = append(out, b)
				}
			}
		}
	case "NUMSUB":
		for _, c := range words[2:] {
			n := 0
			for _, s := range f.order {
				if slices.Contains(lists(s), c) {
					n++
				}
			}
			out = append(out, bulk(c), integer(n))
		}
	default: // NUMPAT
		var patterns []string
		for _, s := range f.order {
			patterns = append(patterns, s.patterns...)
		}
		slices.Sort(patterns)
		return integer(len(slices.Compact(patterns)))
	}
	return array(out...)
}

// glob matches as Redis does: ?, *, [a-c], [^a] and \.
func glob(p, s string) bool {
	for len(p) > 0 {
		switch p[0] {
		case '*':
			for i := 0; i <= len(s); i++ {
				if glob(p[1:], s[i:]) {
					return true
				}
			}
			return false
		case '?':
			if s == "" {
				return false
			}
		case '[':
			end, in := class(p, s)
			if !in {
				return false
			}
			p = p[end:]
			s = s[1:]
			continue
		case '\\':
			if len(p) > 1 {
				p = p[1:]
			}
			fallthrough
		default:
			if s == "" || p[0] != s[0] {
				return false
			}
		}
		p, s = p[1:], s[1:]
	}
	return s == ""
}

// class matches the first of s with the class at the front of p, and tells where
// that ends.
func class(p, s string) (end int, in bool) {
	i := 1
	not := i < len(p) && p[i] == '^'
	if not {
		i++
	}
	for ; i < len(p) && p[i] != ']'; i++ {
		low, high := p[i], p[i]
		switch {
		case p[i] == '\\' && i+1 < len(p):
			i++
			low, high = p[i], p[i]
		case i+2 < len(p) && p[i+1] == '-':
			high = p[i+2]
			i += 2
			low, high = min(low, high), max(low, high)
		}
		in = in || s != "" && low <= s[0] && s[0] <= high
	}
	return min(i+1, len(p)), s != "" && in != not
}
