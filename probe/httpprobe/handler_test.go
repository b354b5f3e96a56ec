package httpprobe

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// A handler's calls become events in order, with the invocation that they
// happened in, from helper goroutines with context.Background() too; the
// label is gone when the handler has returned.
func TestHandler(t *testing.T) {
	var events []event.Event
	r := probetest.Recorder(&events, probe.Rule{Service: "pay.example", Method: "POST", Resource: "/charges/{order}",
		Emit: "CHARGED", With: map[string]string{"order": "{order}", "amount": "request.amount"}})
	pay := &http.Client{Transport: Transport(r, handled(func(http.ResponseWriter, *http.Request) {}), nil)}
	h := Handler(r, http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		var helper sync.WaitGroup
		helper.Go(func() {
			if _, err := pay.Post("http://pay.example/charges/o-1", "application/json", strings.NewReader(`{"amount": 12.50}`)); err != nil {
				t.Error(err)
			}
		})
		helper.Wait()
		probe.Emit(req.Context(), "DECIDED", map[string]any{"ok": true})
		probe.Emit(req.Context(), "WRONG", map[string]any{"c": make(chan int)})
	}))
	for range 2 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil))
	}
	if probe.Caller() != "" {
		t.Errorf("the label %q is left", probe.Caller())
	}
	var got []string
	for _, e := range events {
		got = append(got, fmt.Sprintf("%s %s %s %s %s", e.Source, e.ID, e.Sequence, e.Invocation, e))
	}
	want := []string{
		"/functions/charge/i-1 i-1/1 1 i-1/inv-1 CHARGED(12.50, o-1)", "/functions/charge/i-1 i-1/2 2 i-1/inv-1 DECIDED(true)",
		"/functions/charge/i-1 i-1/3 3 i-1/inv-1 WRONG(",
		"/functions/charge/i-1 i-1/4 4 i-1/inv-2 CHARGED(12.50, o-1)", "/functions/charge/i-1 i-1/5 5 i-1/inv-2 DECIDED(true)",
		"/functions/charge/i-1 i-1/6 6 i-1/inv-2 WRONG(",
	}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got\n%s\nwanted\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
