package function

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/redisserver"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/props"
)

// program has properties of one, of two and of different variables, and one with
// a deadline.
func program(t testing.TB) *monitor.Program {
	p, err := monitor.Compile(
		props.AtMostOnce("paid at most once", props.On("PAID", "order")),
		props.Responds("answered in time", props.On("ASKED", "order", "user"), props.On("ANSWERED", "order", "user"), 5*time.Second),
		afterLogin(),
	)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// afterLogin is a property whose events have no variable in common.
func afterLogin() *props.Property {
	return props.ForAll("user", "order").Machine("nobody pays after a login",
		props.From("out").On(props.On("LOGGED_IN", "user")).To("in"),
		props.From("in").On(props.On("PAID", "order")).To(props.Violated))
}

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// servers runs a test on miniredis, and on a real server where there is one.
func servers(t *testing.T, test func(*testing.T, *redis.Client)) {
	t.Run("miniredis", func(t *testing.T) {
		c := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
		t.Cleanup(func() { _ = c.Close() })
		test(t, c)
	})
	t.Run("redis-server", func(t *testing.T) { test(t, realServer(t)) })
}

// realServer is a client of a server that syncs each write.
func realServer(t testing.TB) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: redisserver.Start(t, "--appendonly", "yes", "--appendfsync", "always"), MaxRetries: 20})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func instance(t testing.TB, c *redis.Client, lateness time.Duration) *Function {
	f, err := New(Options{Program: program(t), Redis: c, Stream: monitor.StreamOptions{Lateness: lateness}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// history is what happens: some of it malformed for a property.
func history(r *rand.Rand, n int) (lines []string) {
	for i := range n {
		data := fmt.Sprintf(`{"order":"o%d","user":%d}`, r.Intn(n/8+2), r.Intn(4))
		if r.Intn(40) == 0 {
			data = []string{`{}`, `{"user":1}`}[r.Intn(2)]
		}
		at := begin.Add(time.Duration(i) * 300 * time.Millisecond).Format(time.RFC3339Nano)
		lines = append(lines, fmt.Sprintf(`{"specversion":"1.0","id":"%d","sequence":"%d","source":"s%d","type":%q,"time":%q,"data":%s}`,
			i, i, r.Intn(3), []string{"PAID", "ASKED", "ANSWERED", "LOGGED_IN", "OTHER"}[r.Intn(5)], at, data))
	}
	return lines
}

// last is an event after which everything before it is settled.
const last = `{"specversion":"1.0","id":"last","source":"s9","type":"OTHER","time":"2026-01-03T00:00:00Z"}`

func send(t testing.TB, f *Function, lines ...string) {
	t.Helper()
	w := ask(f, "POST", "/v1/events", strings.Join(lines, "\n"), "application/x-ndjson")
	for range 10 {
		if w.Code != http.StatusServiceUnavailable {
			break
		}
		w = ask(f, "POST", "/v1/events", strings.Join(lines, "\n"), "application/x-ndjson")
	}
	if w.Code != http.StatusAccepted {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func ask(f *Function, method, path, body, form string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if form != "" {
		r.Header.Set("Content-Type", form)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// ids are those of the violations that it tells.
func ids(t testing.TB, f *Function) (all []string) {
	for line := range strings.Lines(ask(f, "GET", "/v1/violations", "", "").Body.String()) {
		id, err := stream.IDOf([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, id.String())
	}
	slices.Sort(all)
	return all
}

// one is what one stream finds, and counts.
func one(t testing.TB, lines []string, lateness time.Duration) (all []string, sum monitor.Summary) {
	s, err := program(t).Stream(monitor.StreamOptions{Lateness: lateness})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range append(slices.Clip(lines), last) {
		e, err := event.Decode([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		j := s.Push([]monitor.Input{{Event: e}})
		for _, v := range j.Violations() {
			all = append(all, v.ID())
		}
	}
	slices.Sort(all)
	return all, s.Summary()
}

func tick(t testing.TB, f *Function) {
	t.Helper()
	if w := ask(f, "POST", "/v1/tick", "", ""); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

// Instances that are sent the same events at the same time, in batches of any
// size, in any order and more than once, find what one stream finds, each once, by
// however many shares.
func TestInstancesAsOne(t *testing.T) {
	servers(t, func(t *testing.T, c *redis.Client) {
		for seed := range int64(3) {
			if err := c.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			lines := history(rand.New(rand.NewSource(seed)), 150)
			want, sum := one(t, lines, time.Hour)
			open := func() *Function {
				f, err := New(Options{Program: program(t), Redis: c, Stream: monitor.StreamOptions{Lateness: time.Hour}, Shares: []int{0, 1, 5}[seed]})
				if err != nil {
					t.Fatal(err)
				}
				return f
			}
			var running sync.WaitGroup
			for n := range int64(4) {
				running.Add(1)
				go func() {
					defer running.Done()
					f, r := open(), rand.New(rand.NewSource(seed*10+n))
					order := slices.Clone(lines)
					r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
					for len(order) > 0 {
						k := min(1+r.Intn(20), len(order))
						send(t, f, order[:k]...)
						order = order[k:]
					}
				}()
			}
			running.Wait()
			f := open()
			send(t, f, last)
			tick(t, f)
			if got := ids(t, f); len(want) == 0 || !slices.Equal(got, want) {
				t.Fatalf("seed %d: %d violations, one stream finds %d", seed, len(got), len(want))
			}
			s, err := f.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			other := 0
			for _, line := range append(lines, last) {
				other += strings.Count(line, `"OTHER"`)
			}
			if s.Waiting > 0 || s.Events != sum.Events-other || s.Violations != sum.Violations || s.Malformed != sum.Malformed || s.Duplicates < 3*s.Events {
				t.Fatalf("%+v, one stream counts %+v, %d of them of no property", s, sum, other)
			}
		}
	})
}

// What comes too late for its place is counted and told, and not judged; what
// comes late and is known is a duplicate.
func TestLate(t *testing.T) {
	servers(t, func(t *testing.T, c *redis.Client) {
		f := instance(t, c, 2*time.Second)
		var told []monitor.Finding
		f.Told = func(x monitor.Finding) { told = append(told, x) }
		line := func(id string, at time.Duration) string {
			return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"s%[1]s","type":"PAID","time":%q,"data":{"order":"o"}}`, id, begin.Add(at).Format(time.RFC3339Nano))
		}
		send(t, f, line("1", 0))
		send(t, f, line("2", time.Minute), line("1", 0))
		send(t, f, line("3", time.Second))
		s, err := f.Status(t.Context())
		if err != nil || s.Late != 1 || s.Duplicates != 1 || s.Events != 3 || len(told) != 1 || told[0].Event != "3" {
			t.Fatalf("%+v, told %v, %v", s, told, err)
		}
	})
}

// A violation is told once by each publisher that gets through, and again after
// one that did not; /v1/violations goes on after an id.
func TestTell(t *testing.T) {
	servers(t, func(t *testing.T, c *redis.Client) {
		f := instance(t, c, 0)
		var told []string
		fails := true
		f.Tell = func(_ context.Context, object []byte) error {
			if fails = !fails; fails {
				return context.DeadlineExceeded
			}
			var x struct{ Binding map[string]string }
			err := json.Unmarshal(object, &x)
			told = append(told, x.Binding["order"])
			return err
		}
		for i, order := range []string{"a", "b", "a", "b"} {
			send(t, f, fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"s","type":"PAID","time":%q,"data":{"order":%q}}`, i, begin.Add(time.Duration(i)).Format(time.RFC3339Nano), order))
		}
		send(t, f, last)
		if w := ask(f, "POST", "/v1/tick", "", ""); w.Code != http.StatusServiceUnavailable {
			t.Fatalf("%d, wanted 503: the second violation is not told", w.Code)
		}
		tick(t, f)
		tick(t, f)
		if !slices.Equal(told, []string{"a", "b"}) {
			t.Fatalf("told %q, wanted each once", told)
		}
		all := strings.SplitAfter(ask(f, "GET", "/v1/violations", "", "").Body.String(), "\n")
		id, err := stream.IDOf([]byte(all[0]))
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(f, "GET", "/v1/violations?after="+id.String(), "", "").Body.String(); got != all[1] {
			t.Fatalf("after the first %q, wanted %q", got, all[1])
		}
		for after, status := range map[string]int{"x": 400, strings.Repeat("0", 32): 404} {
			if w := ask(f, "GET", "/v1/violations?after="+after, "", ""); w.Code != status {
				t.Errorf("after %s: %d, wanted %d", after, w.Code, status)
			}
		}
	})
}

// An event comes in each form in which a platform sends it to a function's own
// address, and is one event.
func TestForms(t *testing.T) {
	servers(t, func(t *testing.T, c *redis.Client) {
		f := instance(t, c, 0)
		line := `{"specversion":"1.0","id":"1","source":"s","type":"PAID","time":"2026-01-01T00:00:00Z","data":{"order":"o"}}`
		push := `{"message":{"data":"` + base64.StdEncoding.EncodeToString([]byte(line)) + `"},"subscription":"s"}`
		attributes := []string{"Ce-Specversion", "1.0", "Ce-Source", "s", "Ce-Time", "2026-01-01T00:00:00Z"}
		for name, x := range map[string]struct {
			body    string
			headers []string
		}{
			"structured": {line, []string{"Content-Type", "application/cloudevents+json"}},
			"batch":      {"[" + line + "]", []string{"Content-Type", "application/cloudevents-batch+json"}},
			"lines":      {line, []string{"Content-Type", "application/x-ndjson"}},
			"binary":     {`{"order":"o"}`, append(attributes, "Content-Type", "application/json", "Ce-Id", "1", "Ce-Type", "PAID")},
			"push":       {push, []string{"Content-Type", "application/json"}},
			"eventarc":   {push, append(attributes, "Content-Type", "application/json", "Ce-Id", "9", "Ce-Type", "google.cloud.pubsub.topic.v1.messagePublished")},
		} {
			r := httptest.NewRequest("POST", "/", strings.NewReader(x.body))
			for i := 0; i < len(x.headers); i += 2 {
				r.Header.Set(x.headers[i], x.headers[i+1])
			}
			w := httptest.NewRecorder()
			if f.ServeHTTP(w, r); w.Code != http.StatusAccepted {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		if s, err := f.Status(t.Context()); err != nil || s.Events != 1 || s.Duplicates != 5 {
			t.Fatalf("%+v %v, wanted one event and five duplicates", s, err)
		}
	})
}

// The verdict log holds what package stream asks of a log.
func TestLog(t *testing.T) {
	servers(t, func(t *testing.T, c *redis.Client) {
		ctx, l := t.Context(), Log(c, "log")
		if _, ok, err := l.Last(ctx); ok || err != nil {
			t.Fatal(ok, err)
		}
		for i := range uint64(3) {
			if seq, err := l.AppendIf(ctx, fmt.Appendf(nil, "%d", i), i); seq != i+1 || err != nil {
				t.Fatal(seq, err)
			}
		}
		if _, err := l.AppendIf(ctx, nil, 2); err != stream.ErrConflict {
			t.Fatalf("%v, wanted a conflict", err)
		}
		if seq, err := l.Append(ctx, []byte("3")); seq != 4 || err != nil {
			t.Fatal(seq, err)
		}
		if all, err := l.Read(ctx, 2, 2); len(all) != 2 || all[0].Seq != 2 || string(all[1].Data) != "2" || err != nil {
			t.Fatal(all, err)
		}
		if err := l.Forget(ctx, 9); err != nil {
			t.Fatal(err)
		}
		if all, err := l.Read(ctx, 1, 1000); len(all) != 1 || all[0].Seq != 4 || err != nil {
			t.Fatal(all, err)
		}
	})
}
