package httpprobe

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// An event has the trace context of its request, from helper goroutines too,
// and that of no other; what is no traceparent is ignored.
func TestTraceParent(t *testing.T) {
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	var events []event.Event
	r := probetest.Recorder(&events)
	h := Handler(r, http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		var helper sync.WaitGroup
		helper.Go(func() { probe.Emit(req.Context(), "A", nil) })
		helper.Wait()
	}))
	wrong := []string{"", "x", good + "-00", strings.ToUpper(good), "ff" + good[2:], good[:54], "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", good + "\n"}
	for _, header := range append([]string{good, "cc" + good[2:]}, wrong...) {
		req := httptest.NewRequest("POST", "/", nil)
		req.Header["Traceparent"] = []string{header}
		h.ServeHTTP(httptest.NewRecorder(), req)
		want := header
		if len(events) > 2 {
			want = ""
		}
		e := events[len(events)-1]
		if line := string(e.AppendJSON(nil)); e.TraceParent != want || strings.Contains(line, `"traceparent":"`+header+`"`) != (want != "") {
			t.Errorf("%q: %s", header, line)
		}
		if _, err := event.Decode(e.AppendJSON(nil)); err != nil {
			t.Error(err)
		}
	}
}

// flushing notes whether its events have left.
type flushing struct {
	mu         sync.Mutex
	put, flown int
}

func (f *flushing) Put(event.Event) { f.mu.Lock(); f.put++; f.mu.Unlock() }

func (f *flushing) Flush(context.Context) error {
	time.Sleep(10 * time.Millisecond)
	f.mu.Lock()
	f.flown = f.put
	f.mu.Unlock()
	return nil
}

// left is how many events are put, and how many have left.
func (f *flushing) left() (put, flown int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.put, f.flown
}

// Events have left the process when the client has its response, of a handler
// that panics too.
func TestEventsLeaveBeforeTheResponse(t *testing.T) {
	f := &flushing{}
	rules, err := probe.CompileRules(nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(Handler(probe.NewRecorder("f", "i", rules, f), http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		probe.Emit(req.Context(), "A", nil)
		_, _ = w.Write(make([]byte, 100))
		if req.URL.Path == "/panic" {
			panic(http.ErrAbortHandler)
		}
	})))
	defer server.Close()
	for n, path := range []string{"/", "/panic", "/"} {
		if resp, err := server.Client().Post(server.URL+path, "", nil); err == nil {
			_ = resp.Body.Close()
		}
		if put, flown := f.left(); put != n+1 || flown != n+1 {
			t.Errorf("after %d responses %d events are put, and %d have left", n+1, put, flown)
		}
	}
}
