package web

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/fakestest"
)

// headers answers with the headers that a guarantee is about.
func headers(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{"Idempotency-Key", "If-Match", "If-None-Match", "If-Unmodified-Since"} {
		_, _ = io.WriteString(w, r.Header.Get(name)+";")
	}
}

// Without a guarantee the handler sees other requests; without the other, and
// in what the operations show, they are as they were sent.
func TestWithout(t *testing.T) {
	s := handler(headers)
	for _, c := range []struct {
		guarantee, method string
		want              []string // of two requests
	}{
		{"", "PUT", []string{"k;1;2;3;", "k;1;2;3;"}},
		{"web/idempotency-key", "PUT", []string{"k~1;1;2;3;", "k~2;1;2;3;"}},
		{"web/conditions", "PUT", []string{"k;;;;", "k;;;;"}},
		{"web/conditions", "GET", []string{"k;1;2;3;", "k;1;2;3;"}},
	} {
		var service cloud.Service = s
		if c.guarantee != "" {
			service = s.Without(c.guarantee)
		}
		e, err := fakestest.Open(t.Context(), service)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		for _, want := range c.want {
			if got := exchange(t, e, c.method, true); got != want {
				t.Errorf("without %s, %s: got %q, wanted %q", c.guarantee, c.method, got, want)
			}
		}
		if got := exchange(t, e, c.method, false); got != ";;;;" {
			t.Errorf("without %s: got %q of a request without headers", c.guarantee, got)
		}
		for i, op := range e.Operations() {
			usage := cloud.Usage{Operations: []*event.Operation{&op}}
			key, condition := s.Guarantees()[0].Used(usage), s.Guarantees()[1].Used(usage)
			if op.Request.Header["Idempotency-Key"] != map[bool]string{true: "k"}[i < 2] || key != (i < 2) || condition != (i < 2 && c.method == "PUT") {
				t.Errorf("%s %d: %v, used: %v, %v", c.method, i, op.Request.Header, key, condition)
			}
		}
	}
}

func exchange(t *testing.T, e *fakestest.Env, method string, with bool) string {
	t.Helper()
	req, err := http.NewRequest(method, "https://pay.example/", strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	if with {
		for name, value := range map[string]string{"Idempotency-Key": "k", "If-Match": "1", "If-None-Match": "2", "If-Unmodified-Since": "3"} {
			req.Header.Set(name, value)
		}
	}
	resp, err := Client(e, "pay.example").Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
