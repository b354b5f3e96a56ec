package sink

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// hiding is what an event becomes.
func hiding(t *testing.T, key string, data string, params ...string) string {
	t.Helper()
	e, err := event.Decode([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"A","time":"2026-01-01T00:00:00Z","data":` + data + `}`))
	if err != nil {
		t.Fatal(err)
	}
	var got string
	s, err := Redacted(probe.SinkFunc(func(e event.Event) { got = string(e.Data.AppendJSON(nil)) }), []byte(key), params...)
	if err != nil {
		t.Fatal(err)
	}
	before := string(e.Data.AppendJSON(nil))
	s.Put(e)
	if string(e.Data.AppendJSON(nil)) != before {
		t.Error("the event itself was changed")
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	return got
}

const key = "a key of 16 bytes, or more"

// A value becomes a keyed hash: the standard's, cut. Equal values have equal
// ones, wherever they stand; others, and other keys, have others.
func TestRedacted(t *testing.T) {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("su1"))
	u1 := `"` + hex.EncodeToString(mac.Sum(nil))[:32] + `"`
	got := hiding(t, key, `{"a":"u1","b":[],"c":{"id":"u1","n":null,"more":["u1",{}]},"n":null}`)
	if want := `{"a":` + u1 + `,"b":[],"c":{"id":` + u1 + `,"more":[` + u1 + `,{}],"n":null},"n":null}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	hashes := map[string]bool{u1: true}
	for _, v := range []string{`"u2"`, `"1"`, `1`, `true`, `"true"`, `""`} {
		hashes[hiding(t, key, `{"a":`+v+`}`)] = true
	}
	if hashes[hiding(t, key+"!", `{"a":"u1"}`)] = true; len(hashes) != 8 {
		t.Errorf("%d hashes of 8 values", len(hashes))
	}
	if a, b := hiding(t, key, `{"a":1}`), hiding(t, key, `{"a":1.0}`); a != b {
		t.Errorf("%s, %s: the same number", a, b)
	}
	if got := hiding(t, key, `{"a":"u1","b":"u1"}`, "b", "z"); got != `{"a":"u1","b":`+u1+`}` {
		t.Errorf("got %s", got)
	}
	if _, err := Redacted(nil, []byte("short")); err == nil {
		t.Error("a key of 5 bytes is taken")
	}
}

// No scalar of a value is left in what leaves, whatever its shape.
func TestNothingIsLeft(t *testing.T) {
	scalar := regexp.MustCompile(`secret|4711|true|false`)
	for _, shape := range []string{`%s`, `[%s]`, `{"a":%s}`, `[[%s,%s]]`, `{"a":[{"b":%s},%s],"c":"é"}`, `{"a":1,"a":%s}`} {
		for _, v := range []string{`"secret"`, `4711`, `-4711e3`, `true`, `false`, `"\u0073ecret"`} {
			var out bytes.Buffer
			_, _ = fmt.Fprint(&out, hiding(t, key, `{"p":`+regexp.MustCompile(`%s`).ReplaceAllLiteralString(shape, v)+`}`))
			if scalar.MatchString(out.String()) {
				t.Errorf("%s with %s: %s", shape, v, out.String())
			}
		}
	}
}

// It costs an event of three parameters some microseconds.
func BenchmarkRedacted(b *testing.B) {
	s, err := Redacted(probe.SinkFunc(func(event.Event) {}), []byte(key))
	if err != nil {
		b.Fatal(err)
	}
	e := event.Event{ID: "1", Source: "s", Type: "A", Time: time.Unix(0, 0),
		Data: event.Data{{Name: "a", Value: event.Str("u1")}, {Name: "b", Value: event.Int(7)}, {Name: "c", Value: event.Str("o-1")}}}
	for b.Loop() {
		s.Put(e)
	}
}

// What was lost before it came here is counted, behind a redaction too.
func TestLost(t *testing.T) {
	s := New(func(context.Context, [][]byte) error { return nil }, Options{})
	hidden, err := Redacted(s, []byte("a key of sixteen bytes or more"))
	if err != nil {
		t.Fatal(err)
	}
	probe.NewRecorder("f", "i", &probe.Rules{}, hidden).Lose(3)
	if got := s.Stats().Dropped; got != 3 {
		t.Errorf("%d dropped, wanted 3", got)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
