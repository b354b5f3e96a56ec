package props

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/schematest"
)

var update = flag.Bool("update", false, "rewrite golden files; read the diff")

const goldenErrors = "testdata/errors.txtar"

// Each mistake is told on one line with its place, and says what was wanted.
func TestYAMLErrors(t *testing.T) {
	a, err := txtar.ParseFile(goldenErrors)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(a.Files); i += 2 {
		in, want := &a.Files[i], &a.Files[i+1]
		_, err := Parse(in.Name, in.Data)
		if err == nil {
			t.Errorf("%s is accepted", in.Name)
			continue
		}
		got := err.Error() + "\n"
		if strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, in.Name+":") {
			t.Errorf("%s: no place, or several lines: %s", in.Name, got)
		}
		if *update {
			want.Data = []byte(got)
		} else if got != string(want.Data) {
			t.Errorf("got  %swant %s", got, want.Data)
		}
	}
	if *update {
		if err := os.WriteFile(goldenErrors, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// examples are all property files in YAML that we ship, and those of the
// documentation.
func examples(t testing.TB) map[string][]byte {
	files := map[string][]byte{}
	paths, err := filepath.Glob("../scenarios/properties/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if files[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := os.ReadFile("../docs/properties.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(doc), "```yaml\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		files["docs/properties.md, block "+string(rune('A'+i))] = []byte(block)
	}
	if len(files) < 8 {
		t.Fatalf("%d examples, wanted those of the documentation and of scenarios/properties", len(files))
	}
	return files
}

// warned are published properties of whose cost is rightly warned: they have events
// that bind some of their variables, and none that binds them together.
var warned = []string{"no map changes under an iterator of its views", "a synchronized map is iterated under its lock", "one thread at a time has a lock",
	"two threads that share a variable share a lock"}

// What we show people is valid, means something, and is what the schema for
// editors accepts.
func TestExamples(t *testing.T) {
	s := schematest.Compile(t, Schema())
	for name, content := range examples(t) {
		ps, err := Parse(name, content)
		if err != nil {
			t.Error(err)
		}
		for _, p := range ps {
			if w := p.Warnings(); (len(w) > 0) != slices.Contains(warned, p.Name()) {
				t.Errorf("%s: %q: %v", name, p.Name(), w)
			}
		}
		if err := schematest.Misfit(t, s, content); err != nil {
			t.Errorf("%s: the schema does not accept it: %v", name, err)
		}
	}
}

// The schema refuses what it can of what the parser refuses.
func TestSchemaRefuses(t *testing.T) {
	s := schematest.Compile(t, Schema())
	refused := 0
	a, err := txtar.ParseFile(goldenErrors)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(a.Files); i += 2 {
		var x any
		if yaml.Unmarshal(a.Files[i].Data, &x) == nil && s.Validate(x) != nil {
			refused++
		}
	}
	if refused < 15 {
		t.Errorf("the schema refuses %d of %d mistakes, wanted at least 15", refused, len(a.Files)/2)
	}
}

// JSON is YAML, if it has our keys; what a Windows editor wrote is fine.
func TestYAMLForms(t *testing.T) {
	for _, content := range []string{
		`{"properties": [{"name": "p", "at most once": "A(x)"}]}`,
		"\ufeff# a comment\r\nproperties:\r\n  - name: p\r\n    at most once: A(x)\r\n",
		"---\nproperties:\n- name: 'p'\n  at most once: |\n    A(x)\n...\n",
	} {
		ps, err := Parse("f", []byte(content))
		if err != nil || len(ps) != 1 || ps[0].String() != "p: for every x: A(x) happens at most once" {
			t.Errorf("%q: got %v, %v", content, ps, err)
		}
	}
}

// Guards see numbers by value, whole ones and others mixed; what they name
// must be there, but for has(); what cannot be judged makes the event
// malformed.
func TestGuards(t *testing.T) {
	d, err := event.DataOf(map[string]any{"n": 5, "x": 2.5, "s": "a", "flag": true, "none": nil,
		"list": []any{1, 2.5, "a"}, "object": map[string]any{"b": 1, "a": map[string]any{"c": []int{7}}}})
	if err != nil {
		t.Fatal(err)
	}
	one, _ := event.Num("5.0")
	d = d.With("five", one)
	for text, want := range map[string]string{
		"event.n == event.five":                     "true",
		"event.n * event.x > 12 && event.n - 1 < 5": "true",
		"event.n / 2 == 2 && event.five / 2 == 2":   "true",
		"event.n % 2 == 1":                          "true",
		"event.x + 1 == 3.5 && 1 + event.x == 3.5":  "true",
		"event.s + 'b' == 'ab'":                     "true",
		"event['s'].startsWith('a')":                "true",
		"has(event.missing)":                        "false",
		"!has(event.missing) || event.missing > 1":  "true",
		"event.flag":                                "true",
		"event.none == null":                        "true",
		"event.list.exists(i, i == 2.5)":            "true",
		"event.object.a.c[0] == 7":                  "true",
		"event.object.all(k, k in ['a', 'b'])":      "true",
		"context.type == 'CHARGED' && context.source.endsWith('1') && event.n == 5":                                       "true",
		"context.time.getHours() == 6 && context.time.getDate() == 1 && context.time.getDayOfWeek() == 0":                 "true",
		"context.time < timestamp('2026-03-01T06:30:00.000000001Z') && context.time >= timestamp('2026-03-01T00:00:00Z')": "true",
		"event.s == 'a' || event.missing > 1": `parameter "missing" is missing, which guard "event.s == 'a' || event.missing > 1" names`,
		"event.s > 1":                         `guard "event.s > 1": no such overload`,
		"event.n":                             `guard "event.n" is a int here, wanted a condition`,
		"event.n / 0 == 1":                    `guard "event.n / 0 == 1": division by zero`,
	} {
		g, problem := compileCEL(text, nil)
		if problem != nil {
			t.Errorf("%s: %v", text, problem)
			continue
		}
		ok, err := g.pass(&event.Event{Type: "CHARGED", Source: "s1", Time: time.Date(2026, 3, 1, 8, 30, 0, 0, time.FixedZone("", 2*3600)), Data: d})
		got := map[bool]string{true: "true", false: "false"}[ok]
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// Numbers of guards are exact, whatever their size and spelling; what leaves 64
// bits does not wrap, and is not rounded where it need not be.
func TestGuardsAreExact(t *testing.T) {
	var d event.Data
	for name, text := range map[string]string{"a": "18446744073709551615", "b": "18446744073709551614", "a0": "1844674407370955161500e-2", "tenth": "0.1", "fifth": "0.20",
		"whole": "9007199254740993", "near": "9007199254740992", "max": "9223372036854775807", "one": "1e0", "huge": "1e400", "huge1": "10e399", "far": "1e99999999999999999999",
		"list": "0"} {
		v, err := event.Num(text)
		if err != nil {
			t.Fatal(err)
		}
		d = d.With(name, v)
	}
	list, err := event.ParseValue([]byte("[18446744073709551614, 0.1, 1.0]"))
	if err != nil {
		t.Fatal(err)
	}
	d = d.With("list", list)
	for _, text := range []string{
		"event.a != event.b && event.a > event.b && !(event.a <= event.b) && event.b < event.a",
		"event.a == event.a0 && event.a >= event.a0",
		"event.b in event.list && !(event.a in event.list) && event.one in event.list && 1 in event.list && 0.10 in event.list",
		"event.a == 18446744073709551615.0 && event.a != 18446744073709551614.0 && event.a == 18446744073709551615u",
		"event.whole != event.near && event.whole > event.near && event.whole > 9007199254740992.0 && event.near == 9007199254740992.0",
		"double(event.whole) != double(event.near) && int(event.whole) == 9007199254740993",
		"event.tenth == 0.1 && event.tenth == .10 && event.tenth == 1e-1 && event.tenth < 0.10000000000000000001",
		"event.tenth + event.fifth == 0.3 && event.fifth - event.tenth == event.tenth && event.tenth * 3 == 0.3 && -event.tenth == -0.1",
		"event.max + 1 == 9223372036854775808.0 && event.max + 1 > event.max && event.max * event.max > event.max && -event.max - 2 < -event.max",
		"event.a - event.b == 1 && event.a - event.b == event.one",
		"event.one == 1 && event.one == 1.0 && event.one / 2 == 0 && event.one / 2.0 == 0.5 && double(event.one) / 2 == 0.5",
		"event.huge == event.huge1 && event.huge > event.a && event.far > event.huge && event.far == event.far && -event.one > -event.huge",
		"{1: 'a'}[event.one] == 'a'",
		"[7, 8][event.one] == 8",
		"int(event.tenth) == 0 && int(1.9) == 1 && int(-1.9) == -1 && string(event.tenth) == '0.1' && int('12') == 12 && double('0.1') == event.tenth",
		"1.0 / 0.0 > event.far && type(event.tenth) == double",
	} {
		g, problem := compileCEL(text, nil)
		if problem != nil {
			t.Errorf("%s: %v", text, problem)
			continue
		}
		if ok, err := g.pass(&event.Event{Data: d}); !ok || err != nil {
			t.Errorf("%s: %v, %v", text, ok, err)
		}
	}
	if _, problem := compileCEL("event.a == 18446744073709551615", nil); problem == nil || !strings.Contains(problem.Error(), "18446744073709551615.0") {
		t.Errorf("got %v", problem)
	}
}

// Numbers of any size have an order, the same as their values'.
func TestCompareIsExact(t *testing.T) {
	ascending := []string{"-1e1000000000000000000", "-11e999999999999999998", "-18446744073709551615", "-18446744073709551614", "-0.1", "-1e-999999999999999999999", "0",
		"1e-999999999999999999999", "2e-999999999999999999999", "0.1", "0.10000000000000000001", "9007199254740992", "9007199254740993", "18446744073709551614", "18446744073709551615",
		"11e999999999999999998", "11e999999999999999999", "2e1000000000000000000", "12e1000000000000000000"}
	for i, x := range ascending {
		for j, y := range ascending {
			a, errA := event.Num(x)
			b, errB := event.Num(y)
			if order, ok := Compare(a, b); errA != nil || errB != nil || !ok || (order < 0) != (i < j) || (order == 0) != (i == j) {
				t.Errorf("%s, %s: %d, %v", x, y, order, ok)
			}
		}
	}
}

// Not even the error of a guard depends on the order of a map.
func TestGuardGoesThroughObjectsInOrder(t *testing.T) {
	members := map[string]any{}
	for _, name := range strings.Split("hgfedcba", "") {
		members[name] = "not a number"
	}
	members["c"] = 0
	v, err := event.Of(members)
	if err != nil {
		t.Fatal(err)
	}
	d := event.Data{{Name: "o", Value: v}}
	for want, text := range map[string]string{
		`guard "event.o.all(k, 1 / event.o[k] > 0)": no such overload`:    "event.o.all(k, 1 / event.o[k] > 0)",
		`guard "event.o.all(k, k < 'c' || 1 / event.o[k] > 0)": division`: "event.o.all(k, k < 'c' || 1 / event.o[k] > 0)",
	} {
		g, problem := compileCEL(text, nil)
		if problem != nil {
			t.Fatal(problem)
		}
		for range 20 {
			_, err := g.pass(&event.Event{Data: d})
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Fatalf("got %v, want %s", err, want)
			}
		}
	}
}

// A guard cannot take for ever.
func TestGuardCost(t *testing.T) {
	var list []int
	for i := range 1000 {
		list = append(list, i)
	}
	v, err := event.Of(list)
	if err != nil {
		t.Fatal(err)
	}
	g, problem := compileCEL("event.list.all(a, event.list.all(b, a + b >= 0))", nil)
	if problem != nil {
		t.Fatal(problem)
	}
	if _, err := g.pass(&event.Event{Data: event.Data{{Name: "list", Value: v}}}); err == nil || !strings.Contains(err.Error(), "cost limit") {
		t.Errorf("got %v, want the limit of its cost", err)
	}
}

// No content makes the parser panic, gives a property that is not valid, or
// an error without its place.
func FuzzYAML(f *testing.F) {
	for _, content := range examples(f) {
		f.Add(content)
	}
	a, err := txtar.ParseFile(goldenErrors)
	if err != nil {
		f.Fatal(err)
	}
	for i := 0; i < len(a.Files); i += 2 {
		f.Add(a.Files[i].Data)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		ps, err := parseYAML("f", content)
		if (err == nil) != (len(ps) > 0) {
			t.Fatalf("%d properties and %v", len(ps), err)
		}
		if err != nil && (!strings.HasPrefix(err.Error(), "f:") || strings.Contains(err.Error(), "\n")) {
			t.Fatalf("an error without its place, or on several lines: %v", err)
		}
		for _, p := range ps {
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
			_, _, _ = p.Text(), p.Mermaid(), p.Dot()
		}
	})
}

// MustParse is for files that are part of the program: what is wrong with one
// stops it, and is told as Parse does.
func TestMustParse(t *testing.T) {
	good := []byte("properties:\n  - name: once\n    at most once: A(x)\n")
	if ps := MustParse("once.yaml", good); len(ps) != 1 || ps[0].Name() != "once" {
		t.Errorf("got %v, wanted property once", ps)
	}
	_, err := Parse("bad.yaml", []byte("properties: 7"))
	defer func() {
		if got, want := recover(), "props: "+err.Error(); got != want {
			t.Errorf("got panic %v, wanted %q", got, want)
		}
	}()
	MustParse("bad.yaml", []byte("properties: 7"))
}

// How many brackets a line has does not matter, but how deep they nest; those
// of texts do not nest.
func TestYAMLOnOneLine(t *testing.T) {
	of := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"name": "p%d [", "at most once": "A(x)"}`, i))
		}
		return `{"properties": [` + strings.Join(all, ", ") + "]}"
	}
	if ps, err := Parse("p.yaml", []byte(of(200))); err != nil || len(ps) != 200 {
		t.Errorf("%d properties, %v", len(ps), err)
	}
	for _, text := range []string{strings.Repeat("[", 100_000), strings.Repeat(`["]", `, 100_000), strings.Repeat("[\"]\",\n", 100_000)} {
		if _, err := Parse("p.yaml", []byte("properties: "+text)); err == nil || !strings.Contains(err.Error(), "nested too deep") {
			t.Errorf("%.10q...: %v", text, err)
		}
	}
}

// A directive is no document.
func TestYAMLDirective(t *testing.T) {
	const one = "---\nproperties:\n  - {name: p, never: A}\n"
	if ps, err := Parse("p.yaml", []byte("%YAML 1.2\n"+one)); err != nil || len(ps) != 1 {
		t.Errorf("%v, %v", ps, err)
	}
	if _, err := Parse("p.yaml", []byte(one+one)); err == nil || !strings.HasPrefix(err.Error(), "p.yaml:5:11: a second document") {
		t.Error(err)
	}
}

// Variables are bound by fields of parameters, and by parameters whose names
// have dots; each is told as it is written.
func TestBindings(t *testing.T) {
	e := event.Data{}.With("a", nested(t, `{"b":{"c":"deep","c.d":1},"list":[1]}`)).With("a.b", event.Str("dotted")).With("x,y=(z)", event.Str("odd"))
	for text, want := range map[string]string{
		`A(x=a.b.c)`:         "deep",
		`A(x="a.b")`:         "dotted",
		`A( x = "x,y=(z)" )`: "odd",
		`A(x=a.list)`:        "", // there, and no value that binds
		`A(x=a.b.d)`:         "missing",
		`A(x=b.c)`:           "missing",
		`A(x="a.b.c")`:       "missing",
	} {
		ps, err := Parse("p.yaml", fmt.Appendf(nil, "properties:\n  - name: p\n    at most once: '%s'\n", text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		b := ps[0].Automaton().Events[0].Binds[0]
		v, ok := b.Of(&event.Event{Data: e})
		if got := v.Text(); ok != (want != "missing") || v.CanBind() && got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, ok, want)
		}
		if told := strings.ReplaceAll(text, " ", ""); !strings.Contains(ps[0].Sentence(), told) {
			t.Errorf("%s is told as %q", text, ps[0].Sentence())
		}
	}
	for _, text := range []string{`A(x=a..b)`, `A(x=.a)`, `A(x=a.)`, `A(x="a)`, `A(x="a"b)`, `A("x"=a)`, `A(x=a=b)`} {
		if _, err := Parse("p.yaml", fmt.Appendf(nil, "properties:\n  - name: p\n    at most once: '%s'\n", text)); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

func nested(t *testing.T, text string) event.Value {
	t.Helper()
	var x any
	if err := json.Unmarshal([]byte(text), &x); err != nil {
		t.Fatal(err)
	}
	v, err := event.Of(x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Sums are exact, whatever is added up in which order.
func TestTotalsAreExact(t *testing.T) {
	sum := func(texts ...string) (t Total) {
		for _, text := range texts {
			v, _ := event.Num(text)
			x, _ := TotalOf(v)
			t = t.Plus(x)
		}
		return t
	}
	for _, c := range [][2][]string{
		{{"0.1", "0.2"}, {"0.3"}}, {{"9223372036854775807", "1"}, {"9223372036854775808"}}, {{"-9223372036854775808", "-1", "1"}, {"-9223372036854775808"}},
		{{"1e300", "1", "-1e300"}, {"1"}}, {{"1e-300", "1e300", "-1e300"}, {"1e-300"}}, {{"12.50", "-12.5"}, {"0"}}, {{"1e2", "-100"}, nil},
	} {
		if a, b := sum(c[0]...), sum(c[1]...); !a.Equal(b) || !a.Minus(b).Equal(Total{}) {
			t.Errorf("%v is %s, want %s", c[0], a.Value().Text(), b.Value().Text())
		}
	}
	nines := strings.Repeat("9", 999)
	if large := sum(nines, nines, "1e-900"); large.Equal(sum(nines, nines)) || !large.Minus(sum(nines)).Equal(sum(nines, "1e-900")) {
		t.Error("large sums are rounded")
	}
	for text, want := range map[string]bool{nines: true, "9" + nines: false, "1e1000": false, "1e999": true, "-0.5": true} {
		if v, _ := event.Num(text); Summable(v) != want {
			t.Errorf("%.20s: summable is %v", text, !want)
		}
	}
	if Summable(event.Str("1")) {
		t.Error("a text is summed up")
	}
}
