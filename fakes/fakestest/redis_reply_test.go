package fakestest_test

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// reply is an answer of the protocol: what is nil, however it is written, is
// "_".
type reply struct {
	kind  byte
	text  string
	parts []reply
}

func readReply(r *bufio.Reader) (reply, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return reply{}, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return reply{}, fmt.Errorf("an empty line, wanted a reply")
	}
	out := reply{kind: line[0], text: line[1:]}
	if strings.IndexByte("+-:,#(_", out.kind) >= 0 {
		return out, nil
	}
	n, err := strconv.Atoi(out.text)
	switch {
	case err != nil:
		return reply{}, fmt.Errorf("%q, wanted a reply", line)
	case n < 0:
		return reply{kind: '_'}, nil
	case out.kind == '%':
		n *= 2
	}
	if strings.IndexByte("$=!", out.kind) >= 0 {
		b := make([]byte, n+2)
		_, err := io.ReadFull(r, b)
		out.text = string(b[:n])
		return out, err
	}
	out.text = ""
	for range n {
		p, err := readReply(r)
		if err != nil {
			return reply{}, err
		}
		out.parts = append(out.parts, p)
	}
	return out, nil
}

// String writes it in one line.
func (r reply) String() string {
	if strings.IndexByte("*~%>", r.kind) < 0 {
		return string(r.kind) + strconv.Quote(r.text)
	}
	var parts []string
	for _, p := range r.parts {
		parts = append(parts, p.String())
	}
	return string(r.kind) + "[" + strings.Join(parts, " ") + "]"
}

// sorted puts the parts of an answer in order whose order is nobody's promise;
// by says of how many each is.
func (r reply) sorted(by int) reply {
	if by == 0 || len(r.parts)%by != 0 {
		return r
	}
	chunks := slices.Collect(slices.Chunk(slices.Clone(r.parts), by))
	slices.SortFunc(chunks, func(a, b []reply) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return reply{kind: r.kind, parts: slices.Concat(chunks...)}
}

// unordered are the commands whose answers have an order that nobody promises.
var unordered = map[string]int{
	"SMEMBERS": 1, "SINTER": 1, "SUNION": 1, "SDIFF": 1, "HKEYS": 1, "HVALS": 1, "KEYS": 1, "HGETALL": 2, "PUBSUB": 1,
}

// random are those that draw.
var random = map[string]bool{"SPOP": true, "SRANDMEMBER": true, "HRANDFIELD": true, "ZRANDMEMBER": true, "RANDOMKEY": true}

// timed are those that tell times; how much they may differ, in their unit: a busy
// machine takes seconds between the two.
var timed = map[string]float64{
	"TTL": 30, "PTTL": 30000, "PEXPIRETIME": 30000, "EXPIRETIME": 30, "TIME": math.Inf(1), "LASTSAVE": math.Inf(1), "OBJECT IDLETIME": 30,
	"XPENDING": 30000, "XINFO": 30000, "CLIENT ID": math.Inf(1), "COMMAND COUNT": math.Inf(1),
}

// difference tells how two answers to a command differ: "" if they do not, by
// "words" where only the text of an error does.
func difference(c command, real, fake reply) string {
	name := c.name()
	if len(c.words) > 1 && (name == "OBJECT" || name == "CLIENT" || name == "COMMAND") {
		name += " " + strings.ToUpper(c.words[1])
	}
	if random[name] {
		return differsInShape(real, fake)
	}
	by := unordered[name]
	if strings.HasPrefix(name, "GEO") && !sorts(c.words) {
		by = 1
	}
	if name == "SSCAN" || name == "HSCAN" || name == "SCAN" {
		real, fake = scanned(real, name), scanned(fake, name)
	}
	if real.kind == '%' {
		by = 2
	}
	return compare(real.sorted(by), fake.sorted(by), timed[name])
}

// sorts reports whether a search for places says in which order it wants them.
func sorts(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return w == "ASC" || w == "DESC" || w == "COUNT" || w == "GEOPOS" || w == "GEOHASH"
	})
}

// scanned sorts what a scan has found.
func scanned(r reply, name string) reply {
	if len(r.parts) != 2 {
		return r
	}
	by := 1
	if name == "HSCAN" {
		by = 2
	}
	return reply{kind: r.kind, parts: []reply{r.parts[0], r.parts[1].sorted(by)}}
}

func differsInShape(real, fake reply) string {
	if real.kind == '-' || fake.kind == '-' {
		return compare(real, fake, 0)
	}
	if real.kind != fake.kind || len(real.parts) != len(fake.parts) {
		return fmt.Sprintf("%v, not %v", real, fake)
	}
	return ""
}

func compare(real, fake reply, most float64) string {
	if real.kind == '-' && fake.kind == '-' {
		code := func(r reply) string { code, _, _ := strings.Cut(r.text, " "); return code }
		switch {
		case real.text == fake.text:
			return ""
		case code(real) == code(fake) && !strings.Contains(fake.text, "wtsim"):
			return fmt.Sprintf("words: %q, not %q", real.text, fake.text)
		}
		return fmt.Sprintf("%v, not %v", real, fake)
	}
	if same(real, fake, most) {
		return ""
	}
	return fmt.Sprintf("%v, not %v", real, fake)
}

func same(real, fake reply, most float64) bool {
	if real.kind != fake.kind || len(real.parts) != len(fake.parts) {
		return false
	}
	if real.text != fake.text {
		a, e1 := strconv.ParseFloat(real.text, 64)
		b, e2 := strconv.ParseFloat(fake.text, 64)
		if e1 != nil || e2 != nil || math.Abs(a-b) > most {
			return newID(real.text, fake.text)
		}
	}
	for i := range real.parts {
		if !same(real.parts[i], fake.parts[i], most) {
			return false
		}
	}
	return true
}

// newID reports whether two are IDs of entries that were made a moment apart.
func newID(real, fake string) bool {
	a, _, ok1 := strings.Cut(real, "-")
	b, _, ok2 := strings.Cut(fake, "-")
	x, e1 := strconv.ParseInt(a, 10, 64)
	y, e2 := strconv.ParseInt(b, 10, 64)
	return ok1 && ok2 && e1 == nil && e2 == nil && x > 1e12 && max(x-y, y-x) < 3000
}
