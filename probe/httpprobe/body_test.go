package httpprobe

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// Rules and the trace see bodies decoded, both ways; the two sides see what
// they sent each other.
func TestTransportGzip(t *testing.T) {
	tap := &probetest.Tap{}
	base := handled(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(body)
	})
	req, _ := http.NewRequest("POST", "http://x.example/", strings.NewReader(zipped("plain")))
	req.Header.Set("Content-Encoding", "gzip")
	resp, err := Transport(tap, base, nil).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != zipped("plain") {
		t.Errorf("the caller got %q", body)
	}
	if op := tap.Left[0]; string(op.Request.Body) != "plain" || string(op.Result.Body) != "plain" {
		t.Errorf("%q, %q", op.Request.Body, op.Result.Body)
	}
	broken := http.Header{"Content-Encoding": {"gzip"}}
	if got := decoded(broken, []byte("no gzip")); string(got) != "no gzip" {
		t.Errorf("got %q", got)
	}
}

// Two uploads of the same parts are the same request, whatever their
// boundaries; only headers that change the meaning count.
func TestTransportCanonical(t *testing.T) {
	tap := &probetest.Tap{}
	rt := Transport(tap, echo, nil)
	for i := range 2 {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		_ = w.WriteField("meta", `{"name":"x"}`)
		_ = w.WriteField("data", "content")
		_ = w.Close()
		sent := b.String()
		req, _ := http.NewRequest("POST", "http://x.example/?b=2&a=1", &b)
		req.Header = http.Header{"Content-Type": {w.FormDataContentType()}, "X-Request-Id": {fmt.Sprint(i)}, "Idempotency-Key": {"k"}, "If-Match": {`"e"`}}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(resp.Body); string(got) != sent {
			t.Errorf("the service got %q", got)
		}
	}
	a, b := tap.Left[0].Request, tap.Left[1].Request
	if string(a.Body) != string(b.Body) || a.Target != b.Target || len(a.Header) != 2 || a.Header["Idempotency-Key"] != b.Header["Idempotency-Key"] {
		t.Errorf("%+v\n%+v", a, b)
	}
}

// A Recorder does not wait for the end of a stream, nor keep long bodies;
// bytes are the same. So it is where another tap wraps it.
func TestRecorderStreams(t *testing.T) {
	t.Run("recorder", func(t *testing.T) { streamed(t, func(r *probe.Recorder) probe.Tap { return r }) })
	t.Run("wrapped", func(t *testing.T) {
		streamed(t, func(r *probe.Recorder) probe.Tap { return probetest.Wrapped{Tap: r} })
	})
}

// streamed makes calls through a recorder.
func streamed(t *testing.T, tap func(*probe.Recorder) probe.Tap) {
	t.Helper()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
			_, _ = io.WriteString(w, "data: 1\n\n")
			w.(http.Flusher).Flush()
			<-release
			return
		}
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprintf(w, `{"n":%d,"length":%d}`, n, r.ContentLength)
	}))
	defer server.Close()
	var events []event.Event
	with := map[string]string{"n": "response.n", "length": "response.length", "none": "request.none"} // which has bodies read
	r := probetest.Recorder(&events, probe.Rule{Service: strings.TrimPrefix(server.URL, "http://"), Emit: "SENT", With: with})
	client := &http.Client{Transport: Transport(tap(r), server.Client().Transport, nil)}
	resp, err := client.Get(server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 9)
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "data: 1\n\n" {
		t.Errorf("%q, %v", first, err)
	}
	close(release)
	_ = resp.Body.Close()
	for _, size := range []int64{0, 10, mostBody - 1, mostBody + 1} {
		resp, err := client.Post(server.URL, "text/plain", io.LimitReader(zeros{}, size))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	got := fmt.Sprint(events)
	if want := fmt.Sprintf("SENT(0, 0) SENT(10, 10) SENT(%d, %d) SENT(-1, %d)]", mostBody-1, mostBody-1, mostBody+1); !strings.HasSuffix(got, want) {
		t.Errorf("got %s, wanted %s", got, want)
	}
}

// What no rule looks into passes as it does without a probe: a request that is a
// stream is sent as one while its answer comes, and an answer is not waited for,
// whatever its type.
func TestRecorderLooksAway(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = fmt.Fprintf(w, "%d\n", r.ContentLength)
		w.(http.Flusher).Flush()
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	var events []event.Event
	r := probetest.Recorder(&events, probe.Rule{Service: strings.TrimPrefix(server.URL, "http://"), Method: "POST", Resource: "/{name}",
		Emit: "SENT", With: map[string]string{"name": "{name}", "status": "status"}},
		probe.Rule{Service: "another.example", Emit: "READ", With: map[string]string{"x": "response.x"}})
	client := &http.Client{Transport: Transport(r, server.Client().Transport, nil)}
	body, feed := io.Pipe()
	resp, err := client.Post(server.URL+"/a", "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(events); got != "[SENT(a, 200)]" {
		t.Errorf("before the body is sent: %s", got)
	}
	_, _ = io.WriteString(feed, "later")
	_ = feed.Close()
	if got, err := io.ReadAll(resp.Body); string(got) != "-1\nlater" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	_ = resp.Body.Close()
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
