package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/fakestest"
)

// open opens a service and a client of it.
func open(t *testing.T, s *Service) (*fakestest.Env, *http.Client) {
	t.Helper()
	e, err := fakestest.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e, Client(e, s.Name())
}

func handler(h http.HandlerFunc) *Service {
	return New("pay.example", func() http.Handler { return h })
}

// till is a handler with a state.
type till struct{ charges int }

func (c *till) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	c.charges++
	w.WriteHeader(http.StatusCreated)
}

func (c *till) Contents() []cloud.Content {
	return []cloud.Content{{Key: "charges", Value: fmt.Sprint(c.charges)}}
}

// Every run has a handler of its own, whose state properties see if it shows
// one.
func TestFresh(t *testing.T) {
	s := New("pay.example", func() http.Handler { return &till{} })
	for range 2 {
		e, client := open(t, s)
		for range 3 {
			if resp, err := client.Post("https://pay.example/charges", "", nil); err != nil || resp.StatusCode != 201 {
				t.Fatal(resp, err)
			}
		}
		if got := e.Backend("").Contents(); len(got) != 1 || got[0].Value != "3" {
			t.Errorf("got %v", got)
		}
		if op := e.Operations()[2]; op.Service != "pay.example" || op.Method != "POST" || op.Resource != "/charges" || op.Result.Status != "201" {
			t.Errorf("got %+v", op)
		}
	}
	e, _ := open(t, handler(func(http.ResponseWriter, *http.Request) {}))
	if got := e.Backend("").Contents(); got != nil {
		t.Errorf("a handler without state has %v", got)
	}
	if b := e.Backend("").(cloud.Host); !b.Serves("pay.example") || b.Serves("example") {
		t.Error("it serves the wrong host")
	}
}

// The handler sees a request as a server does.
func TestRequest(t *testing.T) {
	_, client := open(t, handler(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		_, _ = fmt.Fprint(w, r.Method, " ", r.Host, " ", r.RequestURI, " ", r.PathValue("x"), r.FormValue("q"), " ", string(body), err)
	}))
	for _, c := range []struct{ method, body, want string }{
		{"POST", "sent", "POST pay.example /a%20b?q=1 1 sent<nil>"}, {"GET", "", "GET pay.example /a%20b?q=1 1 <nil>"},
	} {
		req, err := http.NewRequest(c.method, "https://pay.example/a%20b?q=1", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.body == "" {
			req.Body = nil
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(resp.Body); string(got) != c.want {
			t.Errorf("got %q, wanted %q", got, c.want)
		}
	}
}

// Answers are what net/http would make of them: the first code counts, with
// the headers of that moment; no body where there is none; a content type.
func TestAnswer(t *testing.T) {
	_, client := open(t, handler(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/twice":
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("X-When", "before")
			w.WriteHeader(http.StatusConflict)
			w.Header().Set("X-When", "after")
			w.WriteHeader(http.StatusOK)
		case "/204":
			w.WriteHeader(http.StatusNoContent)
			_, _ = io.WriteString(w, "no")
		case "/json":
			_, _ = io.WriteString(w, `{"a":1}`)
			_ = http.NewResponseController(w).Flush()
		}
	}))
	for _, c := range []struct {
		method, path, when, kind, body string
		code                           int
		length                         int64
	}{
		{"GET", "/twice", "before", "", "", 409, 0}, {"GET", "/204", "", "", "", 204, 0}, {"GET", "/none", "", "", "", 200, 0},
		{"GET", "/json", "", "text/plain; charset=utf-8", `{"a":1}`, 200, 7}, {"HEAD", "/json", "", "text/plain; charset=utf-8", "", 200, 0},
	} {
		req, _ := http.NewRequest(c.method, "https://pay.example"+c.path, nil)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != c.code || resp.Header.Get("X-When") != c.when || resp.Header.Get("Content-Type") != c.kind || string(body) != c.body || resp.ContentLength != c.length {
			t.Errorf("%s %s: %+v, %q", c.method, c.path, resp, body)
		}
	}
}

// A handler that drops the connection on purpose is a service that does; any
// other panic is the scenario's, and says so instead of blaming the
// application.
func TestPanic(t *testing.T) {
	_, client := open(t, handler(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		panic("nil map")
	}))
	if _, err := client.Get("https://pay.example/abort"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
	defer func() {
		if got, want := fmt.Sprint(recover()), "the scenario's handler of pay.example panicked on GET /charges: nil map"; got != want {
			t.Errorf("got %s", got)
		}
	}()
	_, _ = client.Get("https://pay.example/charges")
}

// A service that takes longer than its caller waits has done its work all the
// same, and the caller sees its timeout.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, client := open(t, handler(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Minute) }))
		client.Timeout = time.Second
		if _, err := client.Get("https://pay.example/"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if ops := e.Operations(); len(ops) != 1 || ops[0].Result.Status != "200" {
			t.Errorf("got %+v", ops)
		}
	})
}
