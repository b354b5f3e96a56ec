package service

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/sink"
)

// A recorder's events arrive, with token, compressed and hidden, and join;
// what its buffer had no room for is missing to the monitor.
func TestSink(t *testing.T) {
	// What is under way when the clock ticks is not late.
	base, m := served(t, Options{Token: "t-1", Stream: monitor.StreamOptions{Lateness: time.Minute}})
	out, err := sink.HTTP(sink.Monitor{URL: base, Token: "t-1", Gzip: true}, sink.Options{Buffer: 5000, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := sink.Redacted(out, []byte("sixteen bytes or"), "order")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := probe.CompileRules(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := probe.NewRecorder("pay", "i-1", rules, hidden)
	pay := func(n int) {
		ctx, end := r.Invocation(t.Context())
		defer end()
		probe.Emit(ctx, "PAID", map[string]any{"order": fmt.Sprint("o-", n)})
	}
	pay(1)
	pay(2)
	held := make(chan struct{})
	m.set(false, held)
	for range 40 { // some wait, the others are dropped
		r.Emit("PAID", map[string]any{"order": "o-3", "long": strings.Repeat("x", 300)})
	}
	m.set(false, nil)
	close(held)
	if err := out.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	pay(1)
	if err := out.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	sent := out.Stats()
	ask := func(method, path string) string {
		r, err := http.NewRequest(method, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer t-1")
		_, text := answered(t, r)
		return text
	}
	ask(http.MethodPost, "/v1/close") // the last event waits for time to pass
	text := ask(http.MethodGet, "/v1/status")
	var now Status
	if err := json.Unmarshal([]byte(text), &now); err != nil {
		t.Fatal(err)
	}
	if sent.Dropped == 0 || sent.Sent < 5 || now.Missing != int(sent.Dropped) || now.Events != int(sent.Sent) || now.Malformed != 0 {
		t.Errorf("sent %+v, the monitor has %s", sent, text)
	}
	text = ask(http.MethodGet, "/v1/violations")
	if !strings.Contains(text, `"event":"i-1/43"`) || strings.Contains(text, "o-1") {
		t.Errorf("got %s", text)
	}
}
