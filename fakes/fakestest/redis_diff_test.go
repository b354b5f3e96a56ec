package fakestest_test

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/fakes/fakestest"
	fakeredis "github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/internal/redisserver"
)

// TestRealRedisDifferential draws sequences of commands, has a real Redis and
// ours answer them, and compares every answer and what is stored in the end.
// What differs stands in docs/platform.md, which the test keeps.
func TestRealRedisDifferential(t *testing.T) {
	addr := redisserver.Start(t, "--appendonly", "no")
	e, err := fakestest.Open(t.Context(), fakeredis.New("redis"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d := &differ{t: t, found: map[string]*found{}, drawer: newDrawer(1, time.Now())}
	d.open = func() [2]net.Conn {
		real, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		return [2]net.Conn{real, e.Backend("redis").(*fakeredis.Backend).Dial(e)}
	}
	const rounds = 4
	for round := range rounds {
		for _, template := range d.templates {
			for _, s := range contexts {
				d.again(fmt.Sprint(round, s.name, template)) // a form more changes nothing of the others
				d.try(s.make(d, template))
			}
		}
	}
	d.report()
}

// sequence is what one or two connections say, in order. Of the second it is
// said at once, where the first says "@".
type sequence struct {
	context string
	said    []command
	other   map[int]bool // which of said the second says
	resp3   bool
	under   string // the form that is at fault if the others are right; "" for each its own
}

func says1(words string) command {
	return command{words: strings.Fields(words), form: words}
}

// contexts are where a command can stand.
var contexts = []struct {
	name string
	make func(d *differ, template []string) sequence
}{
	{"plain", func(d *differ, template []string) sequence {
		c := d.next(template)
		return sequence{context: "plain", said: []command{c}, under: c.form}
	}},
	{"RESP3", func(d *differ, template []string) sequence {
		c := d.next(template)
		return sequence{context: "RESP3", said: []command{c}, under: c.form, resp3: true}
	}},
	{"sequence", func(d *differ, template []string) sequence {
		c := []command{d.next(d.templates[d.IntN(len(d.templates))]), d.next(template), d.next(d.templates[d.IntN(len(d.templates))])}
		return sequence{context: "sequence", said: c}
	}},
	{"MULTI", func(d *differ, template []string) sequence {
		c := d.next(template)
		return sequence{context: "MULTI", said: []command{says1("MULTI"), says1("INCR s1"), c, says1("INCR s1"), says1("EXEC"), says1("GET s1")}, under: c.form}
	}},
	{"script", func(d *differ, template []string) sequence {
		c := d.next(template)
		text := d.pick("return redis.call(unpack(ARGV))", "return redis.pcall(unpack(ARGV))", "local r = redis.pcall(unpack(ARGV)) if type(r) == 'table' and r.err then return r.err end return r")
		eval := command{words: append([]string{"EVAL", text, "0"}, c.words...), form: c.form}
		return sequence{context: "script", said: []command{eval}, under: c.form}
	}},
	{"watched", func(d *differ, template []string) sequence {
		c := d.next(template)
		watch := command{words: append([]string{"WATCH"}, ofType["a"]...), form: "WATCH"}
		return sequence{context: "watched", said: []command{watch, c, says1("MULTI"), says1("PING"), says1("EXEC")}, other: map[int]bool{1: true}, under: c.form}
	}},
}

// found is what was found of a form in a context.
type found struct {
	agrees, words, differs, refused int
	example                         string
}

type differ struct {
	t *testing.T
	*drawer
	open     func() [2]net.Conn
	found    map[string]*found // by context and form
	commands int
}

// beginning is what is stored when a sequence begins.
var beginning = func() []command {
	var out []command
	for line := range strings.Lines(`SELECT 1
FLUSHALL
SELECT 0
SCRIPT FLUSH
SET s1 10
SET s2 hello
SET s3 3.5
SET s4 abc PX 1000000
RPUSH l1 a b c a 10
RPUSH l2 3 1 2
HSET h1 f1 1 f2 b f3 2.5
HSET h2 f1 x
SADD e1 a b c 1
SADD e2 b c d
SADD e3 1 2 3
ZADD z1 1 a 2 b 3 c
ZADD z2 2 b 5 d 2 e
ZADD z3 0 a 0 b 0 c 0 d
XADD x1 1-1 f v
XADD x1 1-2 f w
XADD x1 2-1 f x g y
XADD x1 3-0 f z
XGROUP CREATE x1 g 0
XREADGROUP GROUP g c1 COUNT 2 STREAMS x1 >
XREADGROUP GROUP g c2 COUNT 1 STREAMS x1 >
XADD x2 1-1 f v
GEOADD g1 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.5 41.9 Rome
PFADD p1 a b c
PFADD p2 c d
`) {
		out = append(out, says1(strings.TrimSpace(line)))
	}
	return out
}()

// ending tells what is stored.
var ending = func() []command {
	var out []command
	for _, key := range []string{"s1", "s2", "s3", "s4", "l1", "l2", "h1", "h2", "e1", "e2", "e3", "z1", "z2", "z3", "x1", "x2", "g1", "p1", "missing", "missing2"} {
		kinds := map[byte]string{
			's': "GET %s", 'l': "LRANGE %s 0 -1", 'h': "HGETALL %s", 'e': "SMEMBERS %s", 'z': "ZRANGE %s 0 -1 WITHSCORES", 'x': "XRANGE %s - +", 'g': "ZCARD %s", 'p': "PFCOUNT %s",
		}
		kind := key[0]
		if out = append(out, says1("PTTL "+key)); kind != 'p' { // the command TYPE tells of that
			out = append(out, says1("TYPE "+key))
		}
		if kind == 'm' {
			for _, k := range slices.Sorted(maps.Keys(kinds)) {
				out = append(out, says1(fmt.Sprintf(kinds[k], key)))
			}
			continue
		}
		out = append(out, says1(fmt.Sprintf(kinds[kind], key)))
	}
	return append(out, says1("XPENDING x1 g - + 10"), says1("DBSIZE"))
}()

// request writes a request.
func request(words []string) string {
	out := fmt.Sprintf("*%d\r\n", len(words))
	for _, w := range words {
		out += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
	}
	return out
}

// answers has a server answer: what must be in order is asked at once.
func (d *differ) answers(conn, other net.Conn, s sequence) []reply {
	d.t.Helper()
	read := map[net.Conn]*bufio.Reader{conn: bufio.NewReader(conn), other: bufio.NewReader(other)}
	hello := says1("HELLO 2")
	if s.resp3 {
		hello = says1("HELLO 3")
	}
	var out []reply
	ask := func(c net.Conn, all []command) {
		var text strings.Builder
		for _, x := range all {
			text.WriteString(request(x.words))
		}
		if _, err := c.Write([]byte(text.String())); err != nil {
			d.t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		for i, x := range all {
			r, err := readReply(read[c])
			if err != nil {
				d.t.Fatalf("%q after %d of %d: %v", x.words, i, len(all), err)
			}
			out = append(out, r)
		}
	}
	ask(conn, append(append([]command{says1("HELLO 2"), says1("DISCARD"), says1("UNWATCH")}, beginning...), hello))
	out = out[:0]
	for i, c := range s.said {
		if s.other[i] {
			ask(other, []command{c})
		} else {
			ask(conn, []command{c})
		}
	}
	n := len(out)
	ask(conn, []command{says1("HELLO 2"), says1("DISCARD"), says1("UNWATCH"), says1("SELECT 0")})
	out = out[:n]
	ask(conn, ending)
	return out
}

// try compares a sequence; conns are used again until one is lost.
func (d *differ) try(s sequence) {
	a, b := d.open(), d.open()
	defer func() {
		for _, c := range append(a[:], b[:]...) {
			_ = c.Close()
		}
	}()
	real, fake := d.answers(a[0], b[0], s), d.answers(a[1], b[1], s)
	d.commands += len(s.said)
	for i, c := range append(slices.Clone(s.said), ending...) {
		if c.name() == "EVAL" && i < len(s.said) { // as what it calls
			c.words = c.words[3:]
		}
		diff := difference(c, real[i], fake[i])
		if s.context == "MULTI" && i == 4 && len(real[i].parts) == 3 && len(fake[i].parts) == 3 { // what EXEC says of it
			diff = difference(s.said[2], real[i].parts[1], fake[i].parts[1])
		}
		if strings.Contains(fake[i].String(), "wtsim does not have") {
			d.note(s, i, c, "refused")
			return
		}
		if random[c.name()] && s.context != "plain" && i < len(s.said) {
			break
		}
		if strings.HasPrefix(diff, "words") || diff == "" {
			d.note(s, i, c, diff)
			continue
		}
		at := "after " + saidBy(s)
		if i < len(s.said) {
			at = saidBy(s)
		} else {
			at += ": " + strings.Join(c.words, " ")
		}
		d.note(s, i, c, at+" is "+diff)
		return
	}
}

func saidBy(s sequence) string {
	var out []string
	for _, c := range s.said {
		out = append(out, fmt.Sprintf("%q", c.words))
	}
	return strings.Join(out, "; ")
}

// note notes what was found.
func (d *differ) note(s sequence, at int, c command, diff string) {
	form := s.under
	if form == "" {
		if at >= len(s.said) {
			form = "state after " + s.said[0].name() + ", " + s.said[1].name() + ", " + s.said[2].name()
			if diff == "" {
				return
			}
		} else {
			form = c.form
		}
	}
	key := s.context + "\t" + form
	f := d.found[key]
	if f == nil {
		f = &found{}
		d.found[key] = f
	}
	switch {
	case diff == "":
		f.agrees++
	case diff == "refused":
		f.refused++
	case strings.HasPrefix(diff, "words"):
		if f.words++; f.example == "" {
			f.example = saidBy(s) + " " + diff
		}
	default:
		if f.differs++; f.differs == 1 {
			f.example = diff
		}
	}
}

// count counts forms, by what was found of them.
type count struct{ agree, words, differ, refused int }

// report compares what was found with what the documentation says of it: every
// command that differs, or is refused, is told there.
func (d *differ) report() {
	by := map[string]*count{}
	differs, refused := map[string]string{}, map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(d.found)) {
		context, form, _ := strings.Cut(key, "\t")
		if by[context] == nil {
			by[context] = &count{}
		}
		name, _, _ := strings.Cut(form, " ")
		switch f, n := d.found[key], by[context]; {
		case f.differs > 0:
			n.differ++
			if name != "state" && differs[name] == "" {
				differs[name] = form
			}
		case f.refused > 0:
			n.refused++
			refused[name] = form
		case f.words > 0:
			n.words++
		default:
			n.agree++
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "| where a command stands | forms | agree | of these but for an error's words | refused by name | differ |\n|---|---|---|---|---|---|\n")
	for _, c := range contexts {
		n := by[c.name]
		fmt.Fprintf(&out, "| %s | %d | %d | %d | %d | %d |\n", c.name, n.agree+n.words+n.refused+n.differ, n.agree+n.words, n.words, n.refused, n.differ)
	}
	out.WriteString("\nRefused, some or all forms:")
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		out.WriteString(" `" + name + "`")
	}
	out.WriteString(".\n\nIn these a drawn form differs, of each the first:\n\n")
	for _, name := range slices.Sorted(maps.Keys(differs)) {
		out.WriteString("- `" + differs[name] + "`\n")
	}
	d.t.Log("\n" + out.String())
	d.keep(out.String(), slices.Concat(slices.Collect(maps.Keys(differs)), slices.Collect(maps.Keys(refused))))
	d.details()
}

const sectionBegins, sectionEnds = "<!-- redis: written by TestRealRedisDifferential -->\n", "<!-- redis: end -->"

// keep compares the section of the documentation, or writes it.
func (d *differ) keep(section string, names []string) {
	const path = "../../docs/platform.md"
	b, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), sectionBegins)
	old, after, ok2 := strings.Cut(rest, sectionEnds)
	if !ok || !ok2 {
		d.t.Fatalf("%s has no section %q", path, sectionBegins)
	}
	if os.Getenv("WTSIM_REDIS_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(before+sectionBegins+section+sectionEnds+after), 0o666); err != nil {
			d.t.Fatal(err)
		}
		return
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if !strings.Contains(old, "`"+name+"`") && !strings.Contains(old, "`"+name+" ") {
			d.t.Errorf("%s differs from Redis, or is refused, and %s does not say so: mend it, or write it down with WTSIM_REDIS_UPDATE=1", name, path)
		}
	}
}

// details writes what was found of every form, for whoever mends it.
func (d *differ) details() {
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(d.found)) {
		if f := d.found[key]; f.differs > 0 || f.words > 0 {
			fmt.Fprintf(&out, "%s\t%d %d %d\t%.400s\n", key, f.agrees, f.words, f.differs, f.example)
		}
	}
	if path := os.Getenv("WTSIM_REDIS_DIFFERENCES"); path != "" {
		if err := os.WriteFile(path, []byte(out.String()), 0o666); err != nil {
			d.t.Fatal(err)
		}
	}
}
