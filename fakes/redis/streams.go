package redis

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// pendingEntry is what a group holds of an entry that was not acknowledged.
type pendingEntry struct {
	id, consumer string
	idle         int64 // ms
	count        int64 // deliveries
}

// pending are a group's pending entries from one ID to another; or an error.
func (f *front) pending(s *session, key, group, from, to string, most int) (list []pendingEntry, refusal string) {
	v := parseValue(f.ask(s, "XPENDING", key, group, from, to, strconv.Itoa(most)))
	if v.kind == '-' {
		return nil, errorReply(v.text)
	}
	for _, p := range v.parts {
		e := pendingEntry{id: p.parts[0].text, consumer: p.parts[1].text}
		e.idle, _ = strconv.ParseInt(p.parts[2].text, 10, 64)
		e.count, _ = strconv.ParseInt(p.parts[3].text, 10, 64)
		list = append(list, e)
	}
	return list, ""
}

// streamID reads a complete ID, or one without its second part.
func streamID(text string) (string, bool) {
	ms, seq, ok := strings.Cut(text, "-")
	if !ok {
		seq = "0"
	}
	a, e1 := strconv.ParseUint(ms, 10, 64)
	b, e2 := strconv.ParseUint(seq, 10, 64)
	return fmt.Sprintf("%d-%d", a, b), e1 == nil && e2 == nil
}

const badID = "-ERR Invalid stream ID specified as stream command argument\r\n"

// inclusive is a bound of a range of IDs, "(1-1" too, as the first or the last
// ID within it.
func inclusive(bound string, first bool) (id, refusal string) {
	text, exclusive := strings.CutPrefix(bound, "(")
	switch {
	case text == "-" && !exclusive:
		return "0-0", ""
	case text == "+" && !exclusive:
		return lastID, ""
	case !strings.Contains(text, "-") && !first:
		text += "-" + strconv.FormatUint(math.MaxUint64, 10)
	}
	id, ok := streamID(text)
	switch {
	case !ok:
		return "", badID
	case !exclusive:
		return id, ""
	case first && id == lastID:
		return "", "-ERR invalid start ID for the interval\r\n"
	case !first && id == "0-0":
		return "", "-ERR invalid end ID for the interval\r\n"
	case first:
		return next(id, 1), ""
	}
	return next(id, -1), ""
}

const lastID = "18446744073709551615-18446744073709551615"

// next is the ID after one, or before it.
func next(id string, by int) string {
	a, b, _ := strings.Cut(id, "-")
	ms, _ := strconv.ParseUint(a, 10, 64)
	seq, _ := strconv.ParseUint(b, 10, 64)
	seq += uint64(by)
	switch {
	case by > 0 && seq == 0:
		ms++
	case by < 0 && seq == math.MaxUint64:
		ms--
	}
	return fmt.Sprintf("%d-%d", ms, seq)
}

// xpending does XPENDING with bounds that are no part of the range.
func xpending(f *front, s *session, words []string) string {
	at := 3
	if len(words) > 5 && strings.EqualFold(words[3], "IDLE") {
		at = 5
	}
	if len(words) < at+3 {
		return ""
	}
	if _, err := strconv.ParseInt(words[at+2], 10, 64); err != nil {
		return ""
	}
	words = slices.Clone(words)
	for i, first := range []bool{true, false} {
		id, refusal := inclusive(words[at+i], first)
		if refusal != "" {
			return refusal
		}
		words[at+i] = id
	}
	return f.ask(s, words...)
}

// claims are the options of XCLAIM.
type claims struct {
	ids           []string
	since         []string // IDLE or TIME
	retries       string   // RETRYCOUNT
	force, justID bool
}

func parseClaims(words []string) (c claims, refusal string) {
	i := 5
	for ; i < len(words); i++ {
		id, ok := streamID(words[i])
		if !ok {
			break
		}
		c.ids = append(c.ids, id)
	}
	if i == 5 {
		return c, badID
	}
	for ; i < len(words); i++ {
		more := len(words) - i - 1
		switch w := strings.ToUpper(words[i]); {
		case w == "FORCE":
			c.force = true
		case w == "JUSTID":
			c.justID = true
		case (w == "IDLE" || w == "TIME" || w == "RETRYCOUNT") && more > 0:
			i++
			n, err := strconv.ParseInt(words[i], 10, 64)
			switch {
			case err != nil:
				return c, errorReply("ERR Invalid " + w + " option argument for XCLAIM")
			case w == "RETRYCOUNT" && n < 0:
				return c, errorReply("ERR value is out of range, must be positive")
			case w == "RETRYCOUNT":
				c.retries = words[i]
			default:
				c.since = []string{w, words[i]}
			}
		default:
			return c, errorReply("ERR Unrecognized XCLAIM option '" + words[i] + "'")
		}
	}
	return c, ""
}

// claim does XCLAIM: miniredis claims also what has not been idle for as long as
// is wanted, and counts JUSTID as a delivery.
// https://redis.io/docs/latest/commands/xclaim/
func claim(f *front, s *session, words []string) string {
	idle, err := strconv.ParseInt(words[4], 10, 64)
	if _, refusal := f.pending(s, words[1], words[2], "-", "+", 1); refusal != "" {
		return refusal
	}
	if err != nil {
		return errorReply("ERR Invalid min-idle-time argument for XCLAIM")
	}
	c, refusal := parseClaims(words)
	if refusal != "" {
		return refusal
	}
	var out []string
	for _, id := range c.ids {
		if got := f.claimOne(s, words[1], words[2], words[3], id, idle, c); got != "" {
			out = append(out, got)
		}
	}
	return array(out...)
}

// claimOne claims an entry, and returns it; "" if it is not for this consumer.
func (f *front) claimOne(s *session, key, group, consumer, id string, idle int64, c claims) string {
	list, _ := f.pending(s, key, group, id, id, 1)
	if parseValue(f.ask(s, "XRANGE", key, id, id)).parts == nil {
		if len(list) > 0 { // deleted meanwhile: it is no longer pending
			f.ask(s, "XACK", key, group, id)
		}
		return ""
	}
	count := int64(0)
	switch {
	case len(list) == 0 && !c.force:
		return ""
	case len(list) == 0:
		count = 1
	case list[0].idle < idle:
		return ""
	default:
		count = list[0].count
	}
	if !c.justID {
		count++
	}
	retries := c.retries
	if retries == "" {
		retries = strconv.FormatInt(count, 10)
	}
	args := append([]string{"XCLAIM", key, group, consumer, "0", id, "RETRYCOUNT", retries}, c.since...)
	if c.force {
		args = append(args, "FORCE")
	}
	if c.justID {
		args = append(args, "JUSTID")
	}
	_, one, _ := strings.Cut(f.ask(s, args...), "\r\n")
	return one
}

// autoclaim does XAUTOCLAIM, as Redis 7: it tells what was deleted, and looks at
// ten times as many as it claims.
// https://redis.io/docs/latest/commands/xautoclaim/
func autoclaim(f *front, s *session, words []string) string {
	idle, err := strconv.ParseInt(words[4], 10, 64)
	if err != nil {
		return errorReply("ERR Invalid min-idle-time argument for XAUTOCLAIM")
	}
	from, refusal := inclusive(words[5], true)
	if refusal != "" {
		return refusal
	}
	most, c := 100, claims{}
	for i := 6; i < len(words); i++ {
		switch w := strings.ToUpper(words[i]); {
		case w == "JUSTID":
			c.justID = true
		case w == "COUNT" && i+1 < len(words):
			i++
			if most, err = strconv.Atoi(words[i]); err != nil {
				return notInteger
			} else if most < 1 {
				return errorReply("ERR COUNT must be > 0")
			}
		default:
			return syntaxError
		}
	}
	list, refusal := f.pending(s, words[1], words[2], from, "+", 10*most+1)
	if refusal != "" {
		return refusal
	}
	return f.claimSome(s, words, list, idle, most, c)
}

func (f *front) claimSome(s *session, words []string, list []pendingEntry, idle int64, most int, c claims) string {
	var out, deleted []string
	next := "0-0"
	f.ask(s, "XGROUP", "CREATECONSUMER", words[1], words[2], words[3])
	for i, p := range list {
		if i == 10*most || len(out)+len(deleted) == most {
			next = p.id
			break
		}
		if parseValue(f.ask(s, "XRANGE", words[1], p.id, p.id)).parts == nil {
			f.ask(s, "XACK", words[1], words[2], p.id)
			deleted = append(deleted, bulk(p.id))
			continue
		}
		if got := f.claimOne(s, words[1], words[2], words[3], p.id, idle, c); got != "" {
			out = append(out, got)
		}
	}
	return array(bulk(next), array(out...), array(slices.Clip(deleted)...))
}

// xlen answers once.
func xlen(f *front, s *session, words []string) string {
	reply := f.ask(s, words...)
	if end := strings.Index(reply, "\r\n"); reply[0] == '-' {
		return reply[:end+2] // miniredis goes on after it
	}
	return reply
}
