package httpprobe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// handled is a round tripper that a handler answers.
type handled func(http.ResponseWriter, *http.Request)

func (h handled) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	h(w, r)
	return w.Result(), nil
}

// echo answers 201 with what was sent.
var echo = handled(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(body)
})

// roundTrip makes one call and reads its answer.
func roundTrip(ctx context.Context, rt http.RoundTripper, method, url, body string) (*http.Response, string, error) {
	var r io.Reader
	if body != "" {
		r = struct{ io.Reader }{strings.NewReader(body)} // of unknown length, as a stream's is
	}
	req, err := http.NewRequestWithContext(ctx, method, url, r)
	if err != nil {
		return nil, "", err
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

// A call that passes is told with what was sent and answered, and both sides
// see what they would without a seam.
func TestTransportPass(t *testing.T) {
	tap := &probetest.Tap{}
	resp, body, err := roundTrip(t.Context(), Transport(tap, echo, nil), "POST", "http://pay.example/a%20b?z=1&a=2", `{"n":1}`)
	if err != nil || resp.StatusCode != 201 || body != `{"n":1}` || resp.Header.Get("X-Length") != "7" {
		t.Errorf("%+v, %q, %v", resp, body, err)
	}
	op := tap.Left[0]
	if op.Service != "pay.example" || op.Method != "POST" || op.Resource != "/a b" || op.Access != event.Reads|event.Writes ||
		op.Request.Target != "/a%20b?a=2&z=1" || string(op.Request.Body) != `{"n":1}` ||
		op.Result.Status != "201" || !op.Result.OK || string(op.Result.Body) != `{"n":1}` || op.Result.Header["X-Length"] != "7" {
		t.Errorf("%+v", op)
	}
	if _, _, err := roundTrip(t.Context(), Transport(tap, echo, nil), "GET", "http://pay.example/", ""); err != nil || tap.Left[1].Access != event.Reads {
		t.Errorf("%+v, %v", tap.Left[1], err)
	}
}

// A call that is refused, cut or given up has no effect; the caller sees what
// such a service shows.
func TestTransportRefuse(t *testing.T) {
	for _, c := range []struct {
		v      probe.Fate
		status int
		err    error
	}{
		{probe.Fate{Action: probe.Refuse, With: "503"}, 503, nil}, {probe.Fate{Action: probe.Refuse, With: "429"}, 429, nil},
		{probe.Fate{Action: probe.Refuse, With: "refused"}, 0, syscall.ECONNREFUSED}, {probe.Fate{Action: probe.Cut}, 0, syscall.ECONNRESET},
	} {
		tap := &probetest.Tap{Fates: map[string][]probe.Fate{"POST": {c.v}}}
		called := false
		rt := Transport(tap, handled(func(http.ResponseWriter, *http.Request) { called = true }), nil)
		resp, body, err := roundTrip(t.Context(), rt, "POST", "http://pay.example/", "x")
		if called || !errors.Is(err, c.err) || len(tap.Left) != 0 {
			t.Errorf("%v: called %v, %v", c.v, called, err)
		}
		if err == nil && (resp.StatusCode != c.status || int64(len(body)) != resp.ContentLength || !strings.Contains(body, fmt.Sprint(c.status))) {
			t.Errorf("%v: %+v %q", c.v, resp, body)
		}
	}
	tap := &probetest.Tap{Fates: map[string][]probe.Fate{"HEAD": {{Action: probe.Refuse, With: "503"}}}}
	if resp, body, err := roundTrip(t.Context(), Transport(tap, echo, nil), "HEAD", "http://pay.example/", ""); err != nil || resp.StatusCode != 503 || body != "" {
		t.Errorf("HEAD: %+v, %q, %v", resp, body, err)
	}
}

// A lost answer shows as a reset at once, or as the caller's own timeout
// after its time; the effect is there, and told.
func TestTransportLose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap := &probetest.Tap{Fates: map[string][]probe.Fate{"POST": {{Action: probe.Lose, With: "reset"}, {Action: probe.Lose, With: "timeout"}}}}
		effects := 0
		client := &http.Client{Timeout: 5 * time.Second, Transport: Transport(tap, handled(func(http.ResponseWriter, *http.Request) { effects++ }), nil)}
		if _, err := client.Post("http://pay.example/", "text/plain", strings.NewReader("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("reset: %v", err)
		}
		began := time.Now()
		_, err := client.Post("http://pay.example/", "text/plain", strings.NewReader("x"))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second || !tap.Calls[1].Timed {
			t.Errorf("timeout: %v after %v", err, time.Since(began))
		}
		if effects != 2 || len(tap.Left) != 2 || tap.Left[1].Result.Status != "200" {
			t.Errorf("%d effects, %+v", effects, tap.Left)
		}
	})
}

// A caller that gives up at the tap sees its own context's reason.
func TestTransportGaveUp(t *testing.T) {
	tap := &probetest.Tap{Fates: map[string][]probe.Fate{"GET": {{Action: probe.GaveUp}}}, Before: func(c *probe.Call) { <-c.GiveUp }}
	mine := errors.New("mine")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(mine)
	if _, _, err := roundTrip(ctx, Transport(tap, echo, nil), "GET", "http://pay.example/", ""); !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
}

// A service that takes longer than its caller waits has its effect, which is
// told, and the caller sees a timeout.
func TestTransportSlowService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap := &probetest.Tap{}
		client := &http.Client{Timeout: time.Second, Transport: Transport(tap, handled(func(http.ResponseWriter, *http.Request) { time.Sleep(3 * time.Second) }), nil)}
		if _, err := client.Get("http://pay.example/"); !errors.Is(err, context.DeadlineExceeded) || len(tap.Left) != 1 {
			t.Errorf("%v, %d told", err, len(tap.Left))
		}
	})
}

// An instance that died while its call was under way does not see the answer.
func TestTransportDead(t *testing.T) {
	if _, _, err := roundTrip(t.Context(), Transport(&probetest.Tap{Dead: true}, echo, nil), "POST", "http://x.example/", "x"); !errors.Is(err, probetest.ErrDead) {
		t.Errorf("got %v", err)
	}
}

// Answers without a body keep their length and headers; trailers come too;
// a body that breaks off in the middle breaks off for the caller.
func TestTransportAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/head":
			w.Header().Set("Content-Length", "1000")
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			w.WriteHeader(http.StatusNotModified)
		case "/trailer":
			w.Header().Set("Trailer", "X-Sum")
			_, _ = io.WriteString(w, "body")
			w.Header().Set("X-Sum", "4")
		case "/broken":
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "half")
		}
	}))
	defer server.Close()
	tap := &probetest.Tap{}
	rt := Transport(tap, server.Client().Transport, nil)
	for _, c := range []struct {
		method, path, body string
		status             int
		length             int64
	}{{"HEAD", "/head", "", 200, 1000}, {"GET", "/204", "", 204, 0}, {"GET", "/304", "", 304, 0}, {"GET", "/trailer", "body", 200, -1}} {
		resp, body, err := roundTrip(t.Context(), rt, c.method, server.URL+c.path, "")
		if err != nil || resp.StatusCode != c.status || body != c.body || resp.ContentLength != c.length {
			t.Errorf("%s: %+v, %q, %v", c.path, resp, body, err)
		}
		if c.path == "/trailer" && resp.Trailer.Get("X-Sum") != "4" {
			t.Errorf("trailer %v", resp.Trailer)
		}
	}
	if _, body, err := roundTrip(t.Context(), rt, "GET", server.URL+"/broken", ""); body != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("broken: %q, %v", body, err)
	}
	if last := tap.Left[len(tap.Left)-1]; last.Result.Status != "200" {
		t.Errorf("broken: %+v", last.Result)
	}
}

// The default method is GET, as net/http has it, and a request's body is
// closed, whatever becomes of the call.
func TestTransportRequest(t *testing.T) {
	tap := &probetest.Tap{Fates: map[string][]probe.Fate{"GET": {{Action: probe.Refuse, With: "503"}}}}
	body := &closed{Reader: strings.NewReader("x")}
	req, _ := http.NewRequest("", "http://x.example/", body)
	req.Method = ""
	if _, err := Transport(tap, echo, nil).RoundTrip(req); err != nil || !body.closed {
		t.Errorf("closed %v, %v", body.closed, err)
	}
	if !slices.Equal(tap.Ops(), []string{"GET /"}) || tap.Calls[0].Op.Access != event.Reads {
		t.Errorf("%+v", tap.Calls[0].Op)
	}
}

type closed struct {
	io.Reader
	closed bool
}

func (c *closed) Close() error {
	c.closed = true
	return nil
}

// A service below the seam can name the call that it serves, with and without
// a body; in production it cannot, and pays nothing.
func TestCallOf(t *testing.T) {
	if c := probe.CallOf(t.Context()); c != nil {
		t.Errorf("no call is %+v", c)
	}
	var below *probe.Call
	base := handled(func(_ http.ResponseWriter, r *http.Request) { below = probe.CallOf(r.Context()) })
	for _, body := range []string{"", "text"} {
		tap := &probetest.Tap{}
		if _, _, err := roundTrip(t.Context(), Transport(tap, base, nil), "POST", "http://pay.example/", body); err != nil || below == nil || below != tap.Calls[0] {
			t.Errorf("%q: below the seam the call is %+v, %v", body, below, err)
		}
		rules, err := probe.CompileRules(nil)
		if err != nil {
			t.Fatal(err)
		}
		recorder := probe.NewRecorder("f", "i", rules, nil)
		if _, _, err := roundTrip(t.Context(), Transport(recorder, base, nil), "POST", "http://pay.example/", body); err != nil || below != nil {
			t.Errorf("%q: below a recorder the call is %+v, %v", body, below, err)
		}
	}
}
