package sink

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wtsim/wtsim/event"
)

// answering is a monitor without a network.
type answering func(w http.ResponseWriter, r *http.Request)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	a(w, r)
	return w.Result(), nil
}

func monitored(t *testing.T, m Monitor, a answering) *Sink {
	t.Helper()
	m.URL, m.Client = "http://monitor.example/base/", &http.Client{Transport: a}
	s, err := HTTP(m, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A request is a batch of CloudEvents in JSON, with the token, compressed if
// that is wanted.
func TestHTTP(t *testing.T) {
	for _, zipped := range []bool{false, true} {
		var got []event.Event
		s := monitored(t, Monitor{Token: "t-1", Gzip: zipped}, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != "POST" || r.URL.String() != "http://monitor.example/base/v1/events" || r.Header.Get("Authorization") != "Bearer t-1" ||
				r.Header.Get("Content-Type") != "application/cloudevents-batch+json" || (r.Header.Get("Content-Encoding") == "gzip") != zipped {
				t.Errorf("got %s %s %v", r.Method, r.URL, r.Header)
			}
			body := io.Reader(r.Body)
			if zipped {
				body, _ = gzip.NewReader(r.Body)
			}
			if err := json.NewDecoder(body).Decode(&got); err != nil {
				t.Error(err)
			}
			w.WriteHeader(http.StatusAccepted)
		})
		put(s, 1, 3)
		shut(t, s)
		if want := []event.Event{numbered(1), numbered(2), numbered(3)}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v", got)
		}
	}
	for _, wrong := range []string{"", "127.0.0.1:8399", "ftp://x", "http://", "\x00"} {
		if _, err := HTTP(Monitor{URL: wrong}, Options{}); err == nil {
			t.Errorf("%q is a monitor", wrong)
		}
	}
}

// What is worth another attempt is sent again, not before the time that the
// answer asks for; what is not is dropped at once, and a redirect is not
// followed.
func TestAnswers(t *testing.T) {
	cases := []struct {
		status int
		after  string
		again  time.Duration // at least; 0 is never
	}{
		{202, "", 0}, {200, "", 0}, {429, "7", 7 * time.Second}, {503, "Sat, 01 Jan 2000 00:00:30 GMT", 30 * time.Second},
		{503, "", 50 * time.Millisecond}, {502, "soon", 50 * time.Millisecond}, {500, "-1", 50 * time.Millisecond},
		{400, "7", 0}, {401, "", 0}, {413, "", 0}, {302, "", 0}, {307, "", 0},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.status, c.after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin, requests, again := time.Now(), 0, time.Duration(0)
				s := monitored(t, Monitor{}, func(w http.ResponseWriter, r *http.Request) {
					if requests++; requests > 1 {
						again = time.Since(begin)
						return
					}
					w.Header().Set("Retry-After", c.after)
					w.Header().Set("Location", "http://login.example/")
					w.WriteHeader(c.status)
				})
				s.Put(numbered(1))
				_ = s.Flush(t.Context())
				shut(t, s)
				sent := c.again > 0 || c.status < 300
				if (requests == 2) != (c.again > 0) || again < c.again || again > c.again+100*time.Millisecond || (s.Stats().Sent == 1) != sent {
					t.Errorf("%d requests, the second after %v, %+v", requests, again, s.Stats())
				}
			})
		})
	}
}

// Where nobody listens an invocation does not wait; what is logged names no
// token and no value.
func TestRefused(t *testing.T) {
	var log strings.Builder
	server := httptest.NewUnstartedServer(nil)
	server.Start()
	server.Close() // nobody listens
	s, err := HTTP(Monitor{URL: server.URL, Token: "t-secret"}, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	s.Put(numbered(1))
	begin := time.Now()
	if err := s.Flush(t.Context()); err == nil || time.Since(begin) > 900*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
	s.stop()
	shut(t, s)
	if text := log.String(); !strings.Contains(text, "refused") || strings.Contains(text, "secret") || strings.Contains(text, "value-1") {
		t.Errorf("the log says %s", text)
	}
	if got := s.Stats(); got.Dropped != 1 {
		t.Errorf("got %+v", got)
	}
}
