package service

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// begun is a monitor whose routes are asked without a server.
func begun(t *testing.T, o Options) *Service {
	t.Helper()
	o.Program = program(t)
	s, err := Start(context.Background(), o, &memory{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// slowly is a body of which nothing comes until it is let go.
type slowly struct{ until chan struct{} }

func (b slowly) Read([]byte) (int, error) {
	<-b.until
	return 0, io.ErrUnexpectedEOF
}

// Who says to bring much, and brings nothing, holds no room from others.
func TestSlowBodiesHoldNoRoom(t *testing.T) {
	s := begun(t, Options{Hosts: true})
	until, done := make(chan struct{}), make(chan int)
	const slow = 16 // of 8 MiB each: twice what may be on its way
	for range slow {
		r := httptest.NewRequest(http.MethodPost, "/v1/events", slowly{until})
		r.Header.Set("Content-Type", lines)
		r.ContentLength = 8 << 20
		go func() {
			w := httptest.NewRecorder()
			s.routes().ServeHTTP(w, r)
			done <- w.Code
		}()
	}
	for range 20 {
		r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(paid("1", "o", begin)))
		r.Header.Set("Content-Type", lines)
		w := httptest.NewRecorder()
		if s.routes().ServeHTTP(w, r); w.Code != http.StatusAccepted {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	close(until)
	for range slow {
		if code := <-done; code != http.StatusBadRequest {
			t.Errorf("what did not come is answered with %d", code)
		}
	}
}

// What is compressed takes the room that it has when it is not: who sends little
// that becomes much is told to come again.
func TestCompressedTakesItsRoom(t *testing.T) {
	s := begun(t, Options{Hosts: true})
	var small bytes.Buffer
	z := gzip.NewWriter(&small)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 7<<20))
	_ = z.Close()
	ask := func(held int64) *httptest.ResponseRecorder {
		s.gateway.taking.Store(held)
		r := httptest.NewRequest(http.MethodPost, "/v1/events", bytes.NewReader(small.Bytes()))
		r.Header.Set("Content-Type", "application/cloudevents+json")
		r.Header.Set("Content-Encoding", "gzip")
		w := httptest.NewRecorder()
		s.routes().ServeHTTP(w, r)
		if now := s.gateway.taking.Load(); now != held {
			t.Errorf("%d bytes are on their way, wanted %d", now, held)
		}
		return w
	}
	if w := ask(maxPending - 8<<20); w.Code != http.StatusRequestEntityTooLarge { // an event of spaces
		t.Errorf("with room: %d %s", w.Code, w.Body)
	}
	if w := ask(maxPending - 1<<20); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("without: %d %s", w.Code, w.Body)
	}
}

// A browser that somebody else's page has send something knows the token, or is on
// this machine: it is refused. Programs say nothing of where they are from.
func TestOtherSites(t *testing.T) {
	s := begun(t, Options{Token: "secret"})
	for _, x := range []struct {
		header, value string
		wanted        int
	}{
		{"Sec-Fetch-Site", "cross-site", http.StatusForbidden},
		{"Origin", "https://elsewhere.example", http.StatusForbidden},
		{"Sec-Fetch-Site", "same-origin", http.StatusOK},
		{"X-Nothing", "", http.StatusOK},
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/close?end", nil)
		r.SetBasicAuth("", "secret")
		r.Header.Set(x.header, x.value)
		w := httptest.NewRecorder()
		if s.routes().ServeHTTP(w, r); w.Code != x.wanted {
			t.Errorf("%s %s: %d %s", x.header, x.value, w.Code, w.Body)
		}
	}
}

// deadlined notes until when an answer may be written.
type deadlined struct {
	httptest.ResponseRecorder
	until time.Time
}

func (d *deadlined) SetWriteDeadline(t time.Time) error { d.until = t; return nil }

// Nobody holds a connection by not reading what it asked for.
func TestAnswersEnd(t *testing.T) {
	s := begun(t, Options{Hosts: true})
	for path, most := range map[string]time.Duration{"/": answerWithin, "/metrics": answerWithin, "/v1/status": answerWithin, "/healthz": answerWithin, "/v1/violations": writeWithin, "/nothing": answerWithin} {
		w := &deadlined{ResponseRecorder: *httptest.NewRecorder()}
		s.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if left := time.Until(w.until); left <= 0 || left > most {
			t.Errorf("%s may be read for %v, wanted at most %v", path, left, most)
		}
	}
}

// following notes what is written and until when it may be, and lets nobody wait: it ends
// the request when it is waited with.
type following struct {
	httptest.ResponseRecorder
	until time.Time
	ended func()
}

func (f *following) SetWriteDeadline(t time.Time) error {
	if f.until = t; t.IsZero() {
		f.ended()
	}
	return nil
}

// Who follows may wait for as long as nothing is found: over HTTP/2 a deadline would
// end the stream though there is nothing to write.
func TestFollowersMayWait(t *testing.T) {
	s := begun(t, Options{Hosts: true})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	w := &following{ResponseRecorder: *httptest.NewRecorder(), ended: cancel}
	s.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/violations?follow", nil).WithContext(ctx))
	if !w.until.IsZero() || w.Code != http.StatusOK {
		t.Errorf("it ends at %v, %d", w.until, w.Code)
	}
}

// Who follows leaves connections to others.
func TestFollowersAreBounded(t *testing.T) {
	s := begun(t, Options{Hosts: true})
	s.verdicts.followers.Store(mostFollowers)
	w := httptest.NewRecorder()
	s.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/violations?follow", nil))
	if w.Code != http.StatusServiceUnavailable || s.verdicts.followers.Load() != mostFollowers {
		t.Errorf("%d %s, %d follow", w.Code, w.Body, s.verdicts.followers.Load())
	}
	w = httptest.NewRecorder()
	if s.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/violations", nil)); w.Code != http.StatusOK {
		t.Errorf("who does not: %d", w.Code)
	}
}

// An event of nothing but brackets, as large as one may be, is malformed.
func TestDeepEvents(t *testing.T) {
	s := begun(t, Options{Hosts: true})
	for _, open := range []string{"[", `{"a":`, `{"data":[`} {
		for _, form := range []string{lines, "application/cloudevents-batch+json", "application/json", "application/cloudevents+json"} {
			r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(strings.Repeat(open, (256<<10)/len(open))))
			r.Header.Set("Content-Type", form)
			w := httptest.NewRecorder()
			if s.routes().ServeHTTP(w, r); w.Code != http.StatusBadRequest {
				t.Errorf("%s of %s: %d %s", form, open, w.Code, w.Body)
			}
		}
	}
}
