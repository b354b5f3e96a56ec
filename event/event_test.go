package event

import (
	"strings"
	"testing"
)

// The contract's example survives decoding and encoding byte for byte, save
// for trailing zeros of the time.
func TestRoundTrip(t *testing.T) {
	in := `{"specversion":"1.0","id":"i-7/3","source":"/functions/publish/i-7","type":"PUBLISHED_ARTICLE","time":"2026-01-01T00:00:00.003000000Z","sequence":"3","invocation":"inv-12","data":{"article_slug":"a1","user":"u1"}}`
	e, err := Decode([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(in, "003000000Z", "003Z", 1)
	if got := string(e.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Numbers compare by exact value and print as first written; other kinds
// never equal numbers.
func TestNumbers(t *testing.T) {
	equal := [][2]string{{"1", "1.0"}, {"1e2", "100"}, {"-0", "0"}, {"0.10", "1e-1"}, {"12300E-2", "123"},
		{"1e500", "10e499"}, {"9007199254740993.0", "9007199254740993"}}
	for _, p := range equal {
		a, b := mustNum(t, p[0]), mustNum(t, p[1])
		if !a.Equal(b) || a.Key() != b.Key() || a.String() != p[0] {
			t.Errorf("%s and %s: keys %q and %q", p[0], p[1], a.Key(), b.Key())
		}
	}
	different := [][2]string{{"9007199254740993", "9007199254740992"}, {"1", "-1"}, {"0.1", "0.10000000000000001"}, {"1e500", "1e501"}}
	for _, p := range different {
		if mustNum(t, p[0]).Equal(mustNum(t, p[1])) {
			t.Errorf("%s equals %s", p[0], p[1])
		}
	}
	if Str("1").Equal(Int(1)) || Str("1").Key() == Int(1).Key() {
		t.Error(`"1" equals 1`)
	}
}

func mustNum(t *testing.T, s string) Value {
	t.Helper()
	v, err := Num(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What is no event is refused with its reason.
func TestMalformed(t *testing.T) {
	for line, want := range map[string]string{
		`{`: "not a CloudEvent", `[]`: "not a CloudEvent",
		`{"specversion":"0.3","id":"1","source":"s","type":"T","time":"2026-01-01T00:00:00Z"}`:                   "specversion",
		`{"specversion":"1.0","source":"s","type":"T","time":"2026-01-01T00:00:00Z"}`:                            "id is missing",
		`{"specversion":"1.0","id":"1","source":"s","type":"T","time":"yesterday"}`:                              "RFC 3339",
		`{"specversion":"1.0","id":"1","source":"s","type":"T","time":"2026-01-01T00:00:00.0000000001Z"}`:        "nine decimals",
		`{"specversion":"1.0","id":"1","source":"s","type":"T","time":"2026-01-01T00:00:00Z","sequence":"x"}`:    "decimal",
		`{"specversion":"1.0","id":"1","source":"s","type":"T","time":"2026-01-01T00:00:00Z","data":[1]}`:        "not an object",
		`{"specversion":"1.0","id":1,"source":"s","type":"T","time":"2026-01-01T00:00:00Z","data":{"a":"\ud8"}}`: "not a CloudEvent",
	} {
		if _, err := Decode([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
}

// An event is one line for people, whatever its values are.
func TestEventString(t *testing.T) {
	for want, text := range map[string]string{
		"E(o-1)":           "o-1",
		`E("a\n\nb")`:      "a\n\nb",
		"E()":              "",
		"E(Zürich — Genf)": "Zürich — Genf",
		"E(\"" + strings.Repeat("é", 60) + "\"...)": strings.Repeat("é", 61),
	} {
		e := Event{Type: "E", Data: Data{{Name: "x", Value: Str(text)}}}
		if got := e.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// A value tells what is in it, written as it was; of a name that occurs twice
// the last one counts.
func TestTree(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`[1.0, "a\u00e9" ,[2],{"b":[ ]},null,true]`, `[1.0;aé;[2;];{b:[];};null;true;]`},
		{`[]`, `[]`}, {`[ ]`, `[]`}, {`{}`, `{}`}, {`{ }`, `{}`}, {`"text"`, `text`}, {`-1`, `-1`}, {`null`, `null`},
		{`{"b" : 1 , "a":{"x":[1]}, "b":"last","\u0063":false}`, `{a:{x:[1;];};b:last;c:false;}`},
		{"[\"\xff\",{\"a\":\"\xff\"}]", "[\ufffd;{a:\ufffd;};]"},
		{strings.Repeat("[", 9999) + strings.Repeat("]", 9999), strings.Repeat("[", 9999) + strings.Repeat("];", 9998) + "]"},
	} {
		v, err := ParseValue([]byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		if got := spell(v.Tree()); got != c.want || v.Tree().Text() != v.Text() {
			t.Errorf("%.80s: got %.80s", c.text, got)
		}
	}
}

// spell writes a tree by its parts alone.
func spell(t Tree) string {
	switch {
	case t.Items != nil:
		var parts []string
		for _, item := range t.Items {
			parts = append(parts, spell(item)+";")
		}
		return "[" + strings.Join(parts, "") + "]"
	case t.Fields != nil:
		var parts []string
		for _, f := range t.Fields {
			parts = append(parts, f.Name+":"+spell(f.Tree)+";")
		}
		return "{" + strings.Join(parts, "") + "}"
	}
	return t.Text()
}
