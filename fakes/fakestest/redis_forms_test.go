package fakestest_test

import (
	_ "embed"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

//go:embed testdata/redis-forms.txt
var redisForms string

// command is one drawn command. Its form is what it has of its template: the
// words that stand for themselves, and what the others stand for.
type command struct {
	words []string
	form  string
}

func (c command) name() string { return strings.ToUpper(c.words[0]) }

// drawer draws commands of templates.
type drawer struct {
	*rand.Rand
	templates [][]string
	now       time.Time
}

func newDrawer(seed uint64, now time.Time) *drawer {
	d := &drawer{Rand: rand.New(rand.NewPCG(seed, 14)), now: now}
	for line := range strings.Lines(redisForms) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			d.templates = append(d.templates, words)
		}
	}
	return d
}

// again draws from now on what a name stands for.
func (d *drawer) again(name string) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	d.Rand = rand.New(rand.NewPCG(h.Sum64(), 14))
}

// next draws a command of one template.
func (d *drawer) next(template []string) command {
	var c command
	var form []string
	d.sequence(template, &c.words, &form)
	c.form = strings.Join(form, " ")
	return c
}

// sequence draws words of a part of a template, which holds whole brackets.
func (d *drawer) sequence(part []string, words, form *[]string) {
	for i := 0; i < len(part); i++ {
		end := closing(part, i)
		inner := part[i+1 : max(end, i+1)]
		switch part[i] {
		case "[":
			if d.IntN(2) == 0 {
				d.sequence(d.oneOf(inner), words, form)
			}
		case "(":
			d.sequence(d.oneOf(inner), words, form)
		case "{":
			d.sequence(inner, words, form)
			var more []string
			for range d.IntN(3) {
				d.sequence(inner, words, &more)
			}
			if more != nil {
				*form = append(*form, "...")
			}
		default:
			*words = append(*words, d.word(part[i])...)
			*form = append(*form, part[i])
		}
		i = end
	}
}

// closing is where the bracket at i ends; i if there is none.
func closing(part []string, i int) int {
	depth := 0
	for j := i; j < len(part); j++ {
		switch part[j] {
		case "[", "(", "{":
			depth++
		case "]", ")", "}":
			depth--
		}
		if depth == 0 {
			return j
		}
	}
	panic("a bracket of " + strings.Join(part, " ") + " does not end")
}

func (d *drawer) oneOf(part []string) []string {
	var all [][]string
	from := 0
	for i := 0; i <= len(part); i++ {
		if i == len(part) || part[i] == "|" {
			all = append(all, part[from:i])
			from = i + 1
		}
	}
	return all[d.IntN(len(all))]
}

func (d *drawer) pick(of ...string) string { return of[d.IntN(len(of))] }

// rarely is true one time in n.
func (d *drawer) rarely(n int) bool { return d.IntN(n) == 0 }

// ofType are the keys of each type, as the sequences' beginning has them.
var ofType = map[string][]string{
	"s": {"s1", "s2", "s3", "s4", "missing"}, "l": {"l1", "l2", "missing"}, "h": {"h1", "h2", "missing"}, "e": {"e1", "e2", "e3", "missing"},
	"z": {"z1", "z2", "z3", "missing"}, "x": {"x1", "x2", "missing"}, "g": {"g1", "missing"}, "p": {"p1", "p2", "missing"}, "missing": {"missing"},
	"a": {"s1", "s2", "s4", "l1", "h1", "e1", "e3", "z1", "x1", "missing", "missing2"},
}

func (d *drawer) key(kind string) string {
	if d.rarely(12) {
		kind = "a"
	}
	return d.pick(ofType[kind]...)
}

// word draws what a word of a template stands for.
func (d *drawer) word(w string) []string {
	name, kind, _ := strings.Cut(w, ":")
	switch name {
	case "key":
		return []string{d.key(kind)}
	case "keys":
		n := 1 + d.IntN(3)
		out := []string{strconv.Itoa(n)}
		for range n {
			out = append(out, d.key(kind))
		}
		if d.rarely(15) {
			out[0] = d.pick("0", "-1", "x", "9")
		}
		return out
	}
	if strings.ToUpper(w) == w {
		return []string{w}
	}
	if w != "wait" && d.rarely(25) { // what is wrong in most places; 0 would wait for ever
		return []string{d.pick("", "x", "-1", "0", "99999999999999999999", "1.5", "(1", "nan", " 1", "+1")}
	}
	return []string{d.value(w)}
}

// values are what the words stand for that do not depend on the time.
var values = map[string][]string{
	"int": {"0", "1", "2", "3", "-1", "-2", "5", "-100", "100"}, "uint": {"0", "1", "2", "3", "7", "100"},
	"float": {"0", "1", "2.5", "-1", "3", "1e3", "inf", "-inf", "0.1"}, "db": {"0", "0", "0", "0", "1", "16", "-1"},
	"value": {"a", "b", "hello", "10", "", "7"}, "member": {"a", "b", "c", "d", "1", "e"}, "field": {"f1", "f2", "f3", "f4"},
	"bound": {"-inf", "+inf", "1", "(1", "2", "(3", "0", "5"}, "lex": {"-", "+", "[a", "(a", "[b", "(c", "[d"},
	"pattern": {"*", "s*", "?1", "[es]1", "f*", "[^a]", "nothing", "*1"}, "type": {"string", "list", "hash", "set", "zset", "stream", "x"},
	"group": {"g", "g", "g", "g2", "nogroup"}, "consumer": {"c1", "c2", "c3"}, "bit": {"0", "1", "1", "0", "2"},
	"enc": {"u8", "i8", "u4", "i16", "i5", "u64"}, "off": {"0", "3", "8", "#1", "#2"},
	"id": {"1-1", "1-2", "2-1", "3-0", "9-9", "1"}, "newid": {"*", "5-1", "5-*", "1-1", "9-9", "0-0", "4"}, "fromid": {"0", "$", "1-1", "2-1"},
	"rangeid": {"-", "+", "1-1", "(1-1", "1", "2", "(2-1", "3-0"}, "readid": {"0", "$", "1-1", "1", "2-1"}, "groupid": {">", ">", "0", "1-1", "$"},
	"idle": {"0", "0", "60000", "500000"}, "wait": {"0.001", "0.002", "-1", "x"},
	"sec": {"100", "1000", "1000", "0", "-1"}, "ms": {"100000", "1000000", "999499", "999500", "0", "-5"},
	"lon": {"13.361389", "15.087269", "-122.4", "0", "181"}, "lat": {"38.115556", "37.502669", "37.7", "0", "86"}, "radius": {"200", "1", "20000", "0"},
	"place": {"Palermo", "Catania", "Rome", "nowhere"},
	"script": {"return 1", "return KEYS[1]", "return redis.call('GET', KEYS[1])", "return {1, 'a', false, 2.9}", "return nope(", "error('boom')",
		"return redis.pcall('LPUSH', 's1', 'x')", "return {ok='FINE'}", "return {err='MY bad'}", "return redis.call('SET', KEYS[1], ARGV[1])",
		"return redis.error_reply('OOPS told')", "return redis.call('NOSUCH')", "return redis.status_reply('S')", "return cjson.encode({1,2,{a=1}})",
		"return tostring(bit.band(7, 3))", "return cmsgpack.unpack(cmsgpack.pack({1, 'a'}))", "return struct.unpack('>I2', struct.pack('>I2', 513))",
		"return redis.sha1hex('a')", "return math.floor(3.7)", "local t = {} for i = 1, 3 do t[i] = i end return t", "return tonumber('12')",
		"return redis.call('HGETALL', 'h1')", "return redis.call('INCR', 's2')", "x = 1", "return x", "return string.format('%5.2f', 3.14159)",
		"return cjson.decode('[1,null,{\"a\":2.5}]')[3].a", "return type(redis.call('GET', 'missing'))", "return redis.call('ZSCORE', 'z1', 'a')", "return cjson.encode({a=cjson.null})",
		"local v = redis.call('TIME') return #v", "return #redis.call('KEYS', 'missing*')", "return {1, nil, 3}", "return table.concat({'a','b'}, ',')"},
}

// value draws a value.
func (d *drawer) value(w string) string {
	switch w {
	case "unix":
		return strconv.FormatInt(d.now.Unix()+int64(d.IntN(3)-1)*1000, 10)
	case "unixms":
		return strconv.FormatInt(d.now.UnixMilli()+int64(d.IntN(3)-1)*1_000_000, 10)
	}
	of, ok := values[w]
	if !ok {
		panic(fmt.Sprintf("testdata/redis-forms.txt: %q stands for nothing", w))
	}
	return d.pick(of...)
}
