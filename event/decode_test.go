package event

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

const typical = `{"specversion":"1.0","id":"i-7/3","source":"/functions/publish/i-7","type":"PUBLISHED_ARTICLE","time":"2026-01-01T00:00:00.003Z","sequence":"3","invocation":"inv-12","data":{"article_slug":"a1","user":"u1"}}`

// What no event is is told from what no JSON is; both with the reason.
func TestDecodeRefuses(t *testing.T) {
	with := func(member string) string { return strings.Replace(typical, `{`, `{`+member+`,`, 1) }
	for line, want := range map[string]string{
		``:                      "the line ends, wanted an object",
		`{} x`:                  `column 4 is 'x', wanted the end of the line`,
		typical + `{}`:          "wanted the end of the line",
		with(`"id":"again"`):    `"id" occurs twice`,
		with(`"data":{}`):       `"data" occurs twice`,
		with(`"x":01`):          "a number without leading zeros",
		with(`"x":1.`):          "wanted a digit",
		with(`"x":1e`):          "wanted a digit",
		with(`"x":-`):           "a number",
		with(`"x":tru`):         "wanted a value",
		with(`"x":[1,]`):        "wanted a value",
		with(`"x":[1}`):         "a comma or the end",
		with(`"x":{"a"}`):       "wanted a colon",
		with(`"x":{1:2}`):       "a name in quotes",
		with("\"x\":\"\t\""):    "no control character",
		with("\"x\":\"\\n\t\""): "no control character",
		with(`"x":"\x"`):        "wanted an escape",
		with(`"x":"\u12g4"`):    "hexadecimal",
		with("\"x\":\"\xff\""):  "not UTF-8",
		with(`"x":"`):           "",
		with(strings.Repeat(`"x":[`, 1) + strings.Repeat(`[`, maxDepth)):      "nested too deep",
		strings.Replace(typical, `"3"`, `3`, 1):                               "sequence is 3, wanted a string",
		strings.Replace(typical, `"3"`, `""`, 1):                              `sequence is "", wanted a decimal`,
		strings.Replace(typical, `"1.0"`, `""`, 1):                            `specversion is "", wanted "1.0"`,
		strings.Replace(typical, `"user"`, `"article_slug"`, 1):               `"data.article_slug" occurs twice`,
		strings.Replace(typical, `{"article_slug":"a1","user":"u1"}`, `1`, 1): "data is not an object",
	} {
		if _, err := Decode([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: got %v, want %q", line, err, want)
		}
	}
}

// Names differ by case, null is absent, space is allowed, data is sorted, and
// strings are decoded.
func TestDecodeTakes(t *testing.T) {
	line := ` { "ID" : [ { } , [ ] , { "a" : [ 1 , 2.5e-3 ] } ] , "id" : "\u0041\ud83d\ude00\ufffd\"\\\/\b\f\n\r\t" , "source":"s","type":"T",
		"specversion":"1.0","time":"2026-01-01T01:00:00.5+01:00","sequence":null,"data":{"b":{"x":[]},"a":"ü"} }`
	e, err := Decode([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"specversion":"1.0","id":"A😀` + "\ufffd" + `\"\\/\u0008\u000c\u000a\u000d\u0009","source":"s","type":"T","time":"2026-01-01T00:00:00.5Z","data":{"a":"ü","b":{"x":[]}}}`
	if got := string(e.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Half a surrogate pair is no character, wherever it stands: two that differ
// are not taken for one value, nor for the character that stands for neither.
func TestHalfSurrogatesAreRefused(t *testing.T) {
	for _, text := range []string{`\ud800`, `\udfff`, `x\ud801y`, `\ud800\ud800`, `\ud83d\n`, `\ude00\ud83d`} {
		for _, line := range []string{
			strings.Replace(typical, `"u1"`, `"`+text+`"`, 1), strings.Replace(typical, `"user"`, `"`+text+`"`, 1), strings.Replace(typical, `"u1"`, `[{"a":"`+text+`"}]`, 1),
			strings.Replace(typical, `"id":"`, `"id":"`+text, 1), strings.Replace(typical, `"specversion"`, `"`+text+`":1,"specversion"`, 1),
		} {
			if _, err := Decode([]byte(line)); err == nil || !strings.Contains(err.Error(), "wanted no half of a surrogate pair in a string") {
				t.Errorf("%s: got %v", line, err)
			}
		}
	}
	if e, err := Decode([]byte(strings.Replace(typical, `"u1"`, `"\ufffd\ud83d\ude00"`, 1))); err != nil || e.Data[1].Value.Text() != "\ufffd😀" {
		t.Errorf("got %v, %v", e, err)
	}
}

// Times are those of RFC 3339, to the nanosecond.
func TestTime(t *testing.T) {
	for s, want := range map[string]string{
		"2024-02-29T23:59:59.123456789-00:30": "2024-03-01T00:29:59.123456789Z",
		"2026-01-01t00:00:00z":                "2026-01-01T00:00:00Z",
		"0000-01-01T00:00:00Z":                "0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59.9Z":              "9999-12-31T23:59:59.9Z",
		"2016-12-31T23:59:60Z":                "2016-12-31T23:59:59.999999999Z", // before the next day begins
		"2016-12-31T23:59:60.7Z":              "2016-12-31T23:59:59.999999999Z",
		"2016-12-31T15:59:60-08:00":           "2016-12-31T23:59:59.999999999Z",
		"2015-07-01T05:29:60+05:30":           "2015-06-30T23:59:59.999999999Z",
		"2016-12-31T23:59:61Z":                "", "2016-12-30T23:59:60Z": "", "2016-12-31T22:59:60Z": "", "2016-12-31T23:59:60+01:00": "",
		"2023-02-29T00:00:00Z": "", "2026-13-01T00:00:00Z": "", "2026-01-01T24:00:00Z": "", "2026-01-01 00:00:00Z": "",
		"2026-01-01T00:00:00": "", "2026-01-01T00:00:00,5Z": "", "2026-01-01T00:00:00.Z": "", "2026-01-01T00:00:00+1:00": "",
		"2026-01-01T00:00:60Z": "", "2026-01-01T00:00:00+24:00": "", "2026-01-01T00:00:00Zx": "", "1900-02-29T00:00:00Z": "",
		"+026-01-01T00:00:00Z": "", "2026-00-01T00:00:00Z": "", "2026-01-00T00:00:00Z": "", "2026-01-01T00:00:0": "",
	} {
		got, err := parseTime(s)
		if (err == nil) != (want != "") || err == nil && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %v, %v; want %q", s, got, err, want)
		}
	}
}

// The reader takes no line that encoding/json does not, reads the same from
// it, and writes what it reads back.
func FuzzDecode(f *testing.F) {
	for _, line := range []string{typical, `{}`, `{"data":{"a":[1,{"b":null}],"c":1.50e2}}`, `{"id":"\ud83d\ude00\ud800x"}`, `[`, `{"a":{"b":[{}]}}`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := Decode(line)
		if err != nil {
			if strings.HasPrefix(err.Error(), "not a CloudEvent in JSON: ") && json.Valid(line) && line[0] == '{' && !strings.Contains(err.Error(), "nested") && !strings.Contains(err.Error(), "surrogate") {
				t.Fatalf("valid JSON is refused: %v", err)
			}
			return
		}
		var std struct {
			ID   string
			Data map[string]json.RawMessage
		}
		if err := json.Unmarshal(line, &std); err != nil {
			t.Fatalf("taken, although %v", err)
		}
		for _, field := range e.Data {
			raw := std.Data[field.Name]
			v, err := ParseValue(raw)
			if err != nil || !v.Equal(field.Value) {
				t.Fatalf("data.%s: got %v, want %v", field.Name, field.Value, v)
			}
		}
		again, err := Decode(e.AppendJSON(nil))
		if err != nil || string(again.AppendJSON(nil)) != string(e.AppendJSON(nil)) {
			t.Fatalf("got %s, %v", again.AppendJSON(nil), err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	b.SetBytes(int64(len(typical)))
	b.ReportAllocs()
	var e Event
	for b.Loop() {
		if err := DecodeInto(&e, typical); err != nil {
			b.Fatal(err)
		}
	}
}
