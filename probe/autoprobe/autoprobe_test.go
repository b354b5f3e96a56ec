package autoprobe

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/recording"
)

const charged = `{"rules":[{"service":"payments","method":"POST","resource":"/charges/{order}","emit":"CHARGED","with":{"order":"{order}","id":"response.id"}},
	{"service":"cache","method":"SET","emit":"NOTED"}]}`

// environment is one of these variables alone.
func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for _, p := range pairs {
			if value, ok := strings.CutPrefix(p, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

// What is wrong in the environment is told in one sentence: place, fact, what was
// wanted. Without a word of recording there is no recorder.
func TestRead(t *testing.T) {
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "rules.json")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	cases := []struct{ rules, env, want string }{
		{"", "WTSIM_RULES=/nowhere", "nil"},
		{charged, "WTSIM_RECORD=-", "ok"},
		{"", "WTSIM_KEEP=" + filepath.Join(t.TempDir(), "kept"), "ok"},
		{"", "WTSIM_KEEP=" + t.TempDir(), "ok"},
		{"", "WTSIM_KEEP=" + filepath.Join(t.TempDir(), "made") + "/", "ok"},
		{"", "WTSIM_KEEP=gs://recordings/shop", "ok"},
		{"", "WTSIM_KEEP=gs://", `WTSIM_KEEP: recordings go to "gs://", wanted gs://BUCKET`},
		{"", "WTSIM_KEEP=azblob://recordings/shop", `WTSIM_KEEP: recordings go to "azblob://recordings/shop", wanted a file, a directory (DIR/), gs://`},
		{"", "WTSIM_RECORD=-", "there are no rules"},
		{"", "WTSIM_RECORD=- WTSIM_RULES=" + file(charged), "ok"},
		{charged, "WTSIM_RECORD=- WTSIM_RULES=/nowhere", "WTSIM_RULES: open /nowhere: no such file"},
		{charged, "WTSIM_RECORD=- WTSIM_RULES=" + file("rules:\n"), "wanted JSON"},
		{charged, "WTSIM_RECORD=- WTSIM_RULES=" + file(`{"rules":[]}`), "no rules, wanted a list"},
		{charged, "WTSIM_RECORD=- WTSIM_RULES=" + file(charged+charged), "more than one JSON value"},
		{charged, "WTSIM_RECORD=- WTSIM_RULES=" + file(`{"rules":[{"service":"x","emit":"X","with":{"a":"what"}}]}`), `rules[0] (X): unknown expression "what"`},
		{charged, "WTSIM_RECORD=- WTSIM_RULES=" + file(`{"rules":[{"srvice":"x"}]}`), `unknown field "srvice"`},
		{charged, "WTSIM_RECORD=/nowhere/at/all", "WTSIM_RECORD: open /nowhere/at/all"},
		{charged, "WTSIM_RECORD=ftp://x", "WTSIM_RECORD: the monitor's URL is"},
		{charged, "WTSIM_RECORD=- WTSIM_SERVICES=x", `WTSIM_SERVICES: "x", wanted ADDRESS=NAME`},
		{charged, "WTSIM_RECORD=- WTSIM_REDACT=* WTSIM_REDACT_KEY=short", "WTSIM_REDACT_KEY: the key of redaction"},
		{charged, "WTSIM_RECORD=- WTSIM_REDACT_KEY=0123456789abcdef", "WTSIM_REDACT_KEY without WTSIM_REDACT"},
	}
	for _, c := range cases {
		a, err := read(environment(strings.Fields(c.env)...), c.rules)
		got := "ok"
		switch {
		case err != nil:
			got = err.Error()
		case a == nil:
			got = "nil"
		default:
			a.finish()
		}
		if !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: got %s, wanted %s", c.env, got, c.want)
		}
	}
}

// A request is an operation of the service that its host is called, and so is a
// command on a connection; what the recorder itself sends is none.
func TestServices(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":"ch-1"}`) }))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	file := filepath.Join(t.TempDir(), "events.ndjson")
	a, err := read(environment("WTSIM_RECORD="+file, "WTSIM_FUNCTION=shop", "WTSIM_SERVICES="+host+"=payments,10.0.0.1:6379=cache"), charged)
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range []http.RoundTripper{http.DefaultTransport, unseen{http.DefaultTransport}} {
		r, _ := http.NewRequest("POST", server.URL+"/charges/o-1", nil)
		send := func(r *http.Request) (*http.Response, error) { return a.RoundTrip(r, http.DefaultTransport) }
		if u, ok := base.(unseen); ok {
			u.base = roundTripper(send)
			send = u.RoundTrip
		}
		resp, err := send(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	for _, address := range []string{"10.0.0.1:6379", "10.0.0.2:6379"} { // of the other no rule speaks
		w := a.Watch(address)
		w.Wrote([]byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"))
		w.Read([]byte("+OK\r\n"))
	}
	a.finish()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		e, err := event.Decode([]byte(strings.TrimSpace(line)))
		if err != nil || !strings.HasPrefix(e.Source, "/functions/shop/") {
			t.Fatal(line, err)
		}
		got = append(got, e.String())
	}
	if got := strings.Join(got, " "); got != "CHARGED(ch-1, o-1) NOTED" {
		t.Errorf("got %s", got)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Recordings in a directory have an invocation a file, with its request, so that it can be
// played; what is to be redacted is so there too.
func TestKept(t *testing.T) {
	dir := t.TempDir()
	a, err := read(environment("WTSIM_KEEP="+dir, "WTSIM_FUNCTION=shop", "WTSIM_REDACT=user", "WTSIM_REDACT_KEY=0123456789abcdef"), "")
	if err != nil {
		t.Fatal(err)
	}
	h := a.Serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		probe.Emit(r.Context(), "ORDERED", map[string]any{"user": "ann", "order": "o-1"})
		recording.Drawn(a.Recorder, []byte("drawn"))
		recording.Numbered(a.Recorder, 1<<63)
	}))
	for range 2 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/orders", strings.NewReader("o-1")))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || strings.Contains(string(text), "ann") || !strings.Contains(string(text), "o-1") {
		t.Errorf("%v: %s", err, text)
	}
	all, err := recording.Read(bytes.NewReader(text))
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	got := all[0]
	if got.Request.Target != "/orders" || string(got.Request.Body) != "o-1" || got.Status != http.StatusOK || len(got.Draws) != 1 || string(got.Draws[0]) != "drawn" || !slices.Equal(got.Numbers, []uint64{1 << 63}) {
		t.Errorf("%+v", got)
	}
}
