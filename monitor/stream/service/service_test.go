package service

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/monitor/stream/intake"
	"github.com/wtsim/wtsim/props"
)

// memory keeps everything in memory, and can refuse to.
type memory struct {
	logs     stream.MemoryLogs
	events   []*stream.MemoryLogs
	states   stream.MemoryStore
	manifest []byte
	mu       sync.Mutex
	refuses  bool
	slow     chan struct{} // an append waits for it
}

func (m *memory) Manifest(context.Context) ([]byte, error) { return m.manifest, nil }
func (m *memory) Create(ctx context.Context, shards int, manifest []byte) error {
	for range shards {
		m.events = append(m.events, &stream.MemoryLogs{})
	}
	m.manifest = manifest
	return nil
}
func (m *memory) Describe(_ context.Context, manifest []byte) error {
	m.manifest = manifest
	return nil
}
func (m *memory) Open(context.Context, int) error { return nil }
func (m *memory) Events(shard int) stream.Log     { return refusing{m.events[shard].Log("ev"), m} }
func (m *memory) Commits(shard int) stream.Log    { return m.logs.Log(fmt.Sprint("cp", shard)) }
func (m *memory) Verdicts() stream.Log            { return m.logs.Log("") }
func (m *memory) Cursor(name string) stream.Log   { return (&stream.MemoryLogs{}).Log(name) }
func (m *memory) States() stream.Store            { return &m.states }
func (m *memory) Embedded() bool                  { return true }
func (m *memory) set(refuses bool, slow chan struct{}) {
	m.mu.Lock()
	m.refuses, m.slow = refuses, slow
	m.mu.Unlock()
}

type refusing struct {
	stream.Log
	m *memory
}

func (l refusing) Append(ctx context.Context, data []byte) (uint64, error) {
	l.m.mu.Lock()
	refuses, slow := l.m.refuses, l.m.slow
	l.m.mu.Unlock()
	if slow != nil {
		<-slow
	}
	if refuses {
		return 0, errors.New("no space")
	}
	return l.Log.Append(ctx, data)
}

func program(t testing.TB) *monitor.Program {
	t.Helper()
	p, err := monitor.Compile(props.AtMostOnce("once", props.On("PAID", "order")))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// served is a monitor with its logs in memory.
func served(t *testing.T, o Options) (base string, m *memory) {
	t.Helper()
	m = &memory{}
	o.Program = program(t)
	s, err := Start(context.Background(), o, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return listening(t, s), m
}

// listening lets a monitor take requests, until it is stopped.
func listening(t *testing.T, s *Service) (base string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l) //nolint:errcheck // until it is stopped
	return "http://" + l.Addr().String()
}

func paid(id, order string, at time.Time) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"s","type":"PAID","time":%q,"data":{"order":%q}}`, id, at.UTC().Format(time.RFC3339Nano), order)
}

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func post(t *testing.T, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	return answered(t, r)
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return answered(t, r)
}

func answered(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a, string(text)
}

const lines = "application/x-ndjson"

// Every form that events come in, and what is none.
func TestFormsAndAnswers(t *testing.T) {
	base, _ := served(t, Options{Limits: Limits{Body: 4000, Event: 1000, Batch: 5, Parameters: 3, Depth: 4}})
	e := func(n int) string { return paid(fmt.Sprint(n), "o", begin) }
	push := func(data string, attributes string) string {
		return fmt.Sprintf(`{"message":{"data":%q,"attributes":%s,"messageId":"1"},"subscription":"s"}`, base64.StdEncoding.EncodeToString([]byte(data)), attributes)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprintln(z, e(20))
	z.Close()
	attributes := `{"ce-specversion":"1.0","ce-id":"11","ce-source":"s","ce-type":"PAID","ce-time":"2026-01-01T00:00:00Z"}`
	for _, x := range []struct {
		name, body  string
		headers     []string
		status      int
		good, wrong int
	}{
		{"one", e(1), []string{"Content-Type", "application/cloudevents+json; charset=utf-8"}, 202, 1, 0},
		{"a batch", "[" + e(2) + ", " + e(3) + ",{}]", []string{"Content-Type", "application/cloudevents-batch+json"}, 202, 2, 1},
		{"an empty batch", "[]", []string{"Content-Type", "application/cloudevents-batch+json"}, 400, 0, 0},
		{"a batch that breaks off", "[" + e(4) + ",", []string{"Content-Type", "application/cloudevents-batch+json"}, 202, 1, 1},
		{"lines", e(5) + "\n\n" + e(6) + "\r\n{", []string{"Content-Type", lines}, 202, 2, 1},
		{"no line is one", "{}\n[]", []string{"Content-Type", lines}, 400, 0, 2},
		{"pushed", push(e(7), "{}"), []string{"Content-Type", "application/json"}, 202, 1, 0},
		{"pushed with attributes", push(`{"order":"o"}`, attributes), []string{"Content-Type", "application/json"}, 202, 1, 0},
		{"pushed nonsense", push("x", "{}"), []string{"Content-Type", "application/json"}, 400, 0, 1},
		{"no envelope", "{}", []string{"Content-Type", "application/json"}, 400, 0, 0},
		{"binary", `{"order":"o"}`, []string{"Content-Type", "application/json", "ce-specversion", "1.0", "ce-id", "8", "ce-source", "%C3%A4", "ce-type", "PAID", "ce-time", "2026-01-01T00:00:00Z"}, 202, 1, 0},
		{"binary without a type", `{}`, []string{"ce-specversion", "1.0", "ce-id", "8"}, 400, 0, 1},
		{"gzip", zipped.String(), []string{"Content-Type", lines, "Content-Encoding", "gzip"}, 202, 1, 0},
		{"another type", e(9), []string{"Content-Type", "text/html"}, 400, 0, 0},
		{"a body too large", strings.Repeat(e(9)+"\n", 40), []string{"Content-Type", lines}, 413, 5, 0},
		{"one too large", e(9) + strings.Repeat(" ", 4000), []string{"Content-Type", "application/cloudevents+json"}, 413, 0, 0},
		{"an event too large", strings.Repeat("x", 1500), []string{"Content-Type", "application/cloudevents+json"}, 413, 0, 1},
		{"a line too large", e(30) + "\n" + strings.Repeat("x", 1500) + "\n" + e(31), []string{"Content-Type", lines}, 202, 2, 1},
		{"too many parameters", strings.Replace(e(9), `"order"`, `"a":1,"b":2,"c":3,"order"`, 1), []string{"Content-Type", lines}, 400, 0, 1},
		{"too deep", strings.Replace(e(9), `"order"`, `"a":[[[1]]],"order"`, 1), []string{"Content-Type", lines}, 400, 0, 1},
		{"another host", e(9), []string{"Content-Type", lines, "Host", "evil.example"}, 403, 0, 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			a, text := post(t, base+"/v1/events", x.body, x.headers...)
			var got intake.Answer
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatal(text, err)
			}
			if a.StatusCode != x.status || got.Accepted != x.good || got.Malformed != x.wrong {
				t.Fatalf("%d %s, wanted %d, %d accepted and %d malformed", a.StatusCode, text, x.status, x.good, x.wrong)
			}
		})
	}
}

// An event far ahead of this machine's clock is malformed.
func TestAhead(t *testing.T) {
	base, _ := served(t, Options{Ahead: time.Minute})
	a, text := post(t, base+"/v1/events", paid("1", "o", time.Now().Add(time.Hour))+"\n"+paid("2", "o", time.Now()), "Content-Type", lines)
	if a.StatusCode != 202 || !strings.Contains(text, `"accepted":1,"malformed":1`) || !strings.Contains(text, "ahead of this machine's clock") {
		t.Fatal(a.StatusCode, text)
	}
}

// What violates now is told though nothing comes after it: time passes. Who
// follows has it, and ?after tells what comes behind.
func TestLive(t *testing.T) {
	base, _ := served(t, Options{Stream: monitor.StreamOptions{Lateness: 100 * time.Millisecond}, Shards: 3})
	following, err := http.Get(base + "/v1/violations?follow")
	if err != nil {
		t.Fatal(err)
	}
	defer following.Body.Close()
	now := time.Now()
	post(t, base+"/v1/events", paid("1", "o", now)+"\n"+paid("2", "o", now.Add(time.Millisecond))+"\n"+paid("3", "p", now.Add(time.Millisecond))+"\n"+paid("4", "p", now.Add(2*time.Millisecond)), "Content-Type", lines)
	told := bufio.NewReader(following.Body)
	first, err := told.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(now); took < 100*time.Millisecond || took > 5*time.Second {
		t.Errorf("told after %v, wanted soon after the lateness", took)
	}
	second, err := told.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	id, err := stream.IDOf(first)
	if err != nil {
		t.Fatal(err)
	}
	if _, text := get(t, base+"/v1/violations?after="+id.String()); text != string(second) {
		t.Errorf("after the first: %q, wanted the second", text)
	}
	if a, _ := get(t, base+"/v1/violations?after=00000000000000000000000000000000"); a.StatusCode != 404 {
		t.Errorf("after an unknown one: %d", a.StatusCode)
	}
	if a, _ := get(t, base+"/v1/violations?after=x"); a.StatusCode != 400 {
		t.Errorf("after no id: %d", a.StatusCode)
	}
}

// What cannot be stored is not acknowledged, and what is too much is held back.
func TestRefusesWhatItCannotStore(t *testing.T) {
	base, m := served(t, Options{})
	m.set(true, nil)
	if a, text := post(t, base+"/v1/events", paid("1", "o", begin), "Content-Type", lines); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.StatusCode, text)
	}
	slow := make(chan struct{})
	m.set(false, slow)
	full := strings.Repeat(paid("1", strings.Repeat("x", 100_000), begin)+"\n", 80)
	var answers sync.WaitGroup
	var mu sync.Mutex
	var statuses []int
	for range 12 {
		answers.Go(func() {
			a, err := http.Post(base+"/v1/events", lines, strings.NewReader(full))
			if err == nil {
				a.Body.Close()
				mu.Lock()
				statuses = append(statuses, a.StatusCode)
				if a.StatusCode == 429 && a.Header.Get("Retry-After") == "" {
					t.Error("429 without Retry-After")
				}
				mu.Unlock()
			}
		})
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		busy := slices.Contains(statuses, 429)
		mu.Unlock()
		if busy {
			break
		}
	}
	close(slow)
	answers.Wait()
	if !slices.Contains(statuses, 429) || !slices.Contains(statuses, 202) {
		t.Errorf("%v, wanted some 202 and some 429", statuses)
	}
}

// Without the token nothing is told but that it lives.
func TestToken(t *testing.T) {
	base, _ := served(t, Options{Token: "secret"})
	for _, path := range []string{"/v1/violations", "/v1/status", "/metrics", "/"} {
		if a, _ := get(t, base+path); a.StatusCode != 401 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if a, _ := get(t, base+path); a.StatusCode != 200 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	for token, want := range map[string]int{"secret": 202, "secre": 401, "": 401} {
		if a, _ := post(t, base+"/v1/events", paid("1", "o", begin), "Content-Type", lines, "Authorization", "Bearer "+token); a.StatusCode != want {
			t.Errorf("%q: %d, wanted %d", token, a.StatusCode, want)
		}
	}
}

// A webhook that is down loses nothing: each violation comes, in order, with its
// id; what it refuses for good is counted.
func TestWebhook(t *testing.T) {
	var mu sync.Mutex
	var keys []string
	tries := 0
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if tries++; tries < 3 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if id, err := stream.IDOf(body); err != nil || id.String() != r.Header.Get("Idempotency-Key") {
			t.Errorf("%s, %v, key %s", body, err, r.Header.Get("Idempotency-Key"))
		}
		keys = append(keys, r.Header.Get("Idempotency-Key"))
	}))
	defer hook.Close()
	base, _ := served(t, Options{Webhook: hook.URL})
	var body strings.Builder
	for n := range 5 {
		fmt.Fprintln(&body, paid(fmt.Sprint(2*n), fmt.Sprint(n), begin.Add(time.Duration(n)*time.Second)))
		fmt.Fprintln(&body, paid(fmt.Sprint(2*n+1), fmt.Sprint(n), begin.Add(time.Duration(n)*time.Second)))
	}
	post(t, base+"/v1/events", body.String(), "Content-Type", lines)
	post(t, base+"/v1/close", "")
	_, text := get(t, base+"/v1/violations")
	var want []string
	for line := range strings.Lines(text) {
		id, err := stream.IDOf([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, id.String())
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		mu.Lock()
		done := len(keys) == 5
		mu.Unlock()
		if done {
			break
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(keys, want) || len(want) != 5 {
		t.Fatalf("%v, wanted %v", keys, want)
	}
}

// No text of an event becomes markup on the page, nor anything that a page
// should not be.
func TestPage(t *testing.T) {
	base, _ := served(t, Options{})
	evil := `<script>alert(1)</script>"'`
	var body strings.Builder
	for n := range 120 {
		fmt.Fprintln(&body, strings.Replace(paid(evil+fmt.Sprint(n), evil+fmt.Sprint(n/2), begin.Add(time.Duration(n)*time.Millisecond)), `"source":"s"`, fmt.Sprintf(`"source":%q`, evil), 1))
	}
	post(t, base+"/v1/events", body.String(), "Content-Type", lines)
	post(t, base+"/v1/close", "")
	a, text := get(t, base+"/")
	if a.StatusCode != 200 || strings.Contains(text, "<script") || strings.Contains(text, `t>"'`) {
		t.Fatalf("%d %s", a.StatusCode, text)
	}
	for _, want := range []string{"60 violations in 120 events", "&lt;script&gt;alert(1)", "older", "<td>once", "violated"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if got := strings.Count(text, "<details id"); got != pageOf {
		t.Errorf("%d violations on the page, wanted %d", got, pageOf)
	}
	// What the worker alone knows is there a second later; the last event waits.
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(text, "PAID: 119.") || !strings.Contains(text, "2 of 2"); _, text = get(t, base+"/") {
		if time.Now().After(deadline) {
			t.Fatalf("the page does not show what events have used:\n%s", text)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if _, text := get(t, base+"/?before=10"); strings.Count(text, "<details id") != 10 {
		t.Errorf("%d on the last page, wanted 10", strings.Count(text, "<details id"))
	}
}
