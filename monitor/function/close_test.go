package function

import (
	"context"
	"fmt"
	"math/rand"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
)

// endings are properties that say what must not be the last, and what depends on
// an order that clocks may hide; without a deadline.
func endings(t testing.TB) *monitor.Program {
	t.Helper()
	p, err := monitor.Compile(
		props.AtMostOnce("paid at most once", props.On("PAID", "order")),
		props.Precedes("asked before answered", props.On("ASKED", "order"), props.On("ANSWERED", "order")),
		afterLogin())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// streamed is what one stream comes to with the events so far, and how many are
// undecided.
func streamed(t testing.TB, p *monitor.Program, o monitor.StreamOptions, end bool, lines []string) (all []string, sum monitor.Summary) {
	t.Helper()
	s, err := p.Stream(o)
	if err != nil {
		t.Fatal(err)
	}
	var found []monitor.Finding
	for _, line := range lines {
		e, err := event.Decode([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, s.Push([]monitor.Input{{Event: e}}).Findings...)
	}
	judge := s.Close
	if end {
		judge = s.End
	}
	for _, f := range append(found, judge().Findings...) {
		if f.Kind == monitor.FoundViolation {
			all = append(all, f.Violation.ID())
		}
	}
	slices.Sort(all)
	return all, s.Summary()
}

// Whoever closes, as often and as many at once as they like, the violations are
// those of one stream that ends there, each once; what comes afterwards is judged as
// if nobody had asked. With clocks that differ and without.
func TestClose(t *testing.T) {
	cases := []struct {
		name    string
		program func(testing.TB) *monitor.Program
		o       monitor.StreamOptions
		end     bool
	}{
		{"close", program, monitor.StreamOptions{Lateness: time.Hour}, false},
		{"end", program, monitor.StreamOptions{Lateness: time.Hour}, true},
		{"skew", endings, monitor.StreamOptions{Lateness: time.Hour, Skew: 700 * time.Millisecond}, false},
		{"skew and end", endings, monitor.StreamOptions{Lateness: 10 * time.Second, Skew: 2 * time.Second}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			servers(t, func(t *testing.T, r *redis.Client) {
				p := c.program(t)
				open := func() *Function {
					f, err := New(Options{Program: p, Redis: r, Stream: c.o})
					if err != nil {
						t.Fatal(err)
					}
					return f
				}
				lines := history(rand.New(rand.NewSource(3)), 120)
				total := 0
				for _, part := range [][]string{lines[:70], lines} {
					draw := rand.New(rand.NewSource(4))
					sent := slices.Clone(part)
					if c.o.Lateness == time.Hour {
						draw.Shuffle(len(sent), func(i, j int) { sent[i], sent[j] = sent[j], sent[i] })
					}
					for chunk := range slices.Chunk(sent, 9) {
						send(t, open(), chunk...)
					}
					var closing sync.WaitGroup
					for range 3 {
						closing.Go(func() { closeNow(t, open(), c.end) })
					}
					closing.Wait()
					want, sum := streamed(t, p, c.o, c.end, part)
					got := ids(t, open())
					for _, id := range want {
						if !slices.Contains(got, id) {
							t.Errorf("of %d events: %s is not told", len(part), id)
						}
					}
					if len(slices.Compact(slices.Clone(got))) != len(got) {
						t.Errorf("of %d events: a violation is told twice: %v", len(part), got)
					}
					s, err := open().Status(t.Context())
					if err != nil || s.Violations != len(got) || s.Undecided != sum.Undecided {
						t.Errorf("%+v, %v; one stream counts %+v", s, err, sum)
					}
					total += len(want)
				}
				if total < 4 {
					t.Errorf("%d violations in all: too few to tell", total)
				}
			})
		})
	}
}

func closeNow(t *testing.T, f *Function, end bool) {
	path := "/v1/close"
	if end {
		path += "?end"
	}
	for range 20 {
		w := ask(f, "POST", path, "", "")
		if w.Code == http.StatusOK {
			return
		}
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "other instances") {
			t.Errorf("%d %s", w.Code, w.Body)
			return
		}
	}
	t.Error("it was busy twenty times")
}

// What a close has told is not told again when its time is settled, and the record
// forgets that it was.
func TestCloseThenTick(t *testing.T) {
	servers(t, func(t *testing.T, r *redis.Client) {
		f := instance(t, r, time.Hour)
		var told []string
		f.Tell = func(_ context.Context, object []byte) error { told = append(told, string(object)); return nil }
		paid := func(id string) string {
			return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"s","type":"PAID","time":%q,"data":{"order":"o"}}`, id, begin.Format(time.RFC3339Nano))
		}
		send(t, f, paid("1"), paid("2"))
		tick(t, f)
		if len(told) != 0 {
			t.Fatalf("before its time: %v", told)
		}
		closeNow(t, f, false)
		closeNow(t, f, false)
		send(t, f, last)
		tick(t, f)
		s, err := f.Status(t.Context())
		if len(told) != 1 || len(ids(t, f)) != 1 || err != nil || s.Violations != 1 || s.Waiting != 0 {
			t.Fatalf("told %v; %+v, %v", told, s, err)
		}
		keys, err := r.Keys(t.Context(), "*/[[]*").Result()
		if err != nil || len(keys) == 0 {
			t.Fatal(keys, err)
		}
		for _, key := range keys {
			if record := r.Get(t.Context(), key).Val(); strings.Contains(record, "told") {
				t.Errorf("%s: %.200q", key, record)
			}
		}
	})
}

// Clocks that differ and a deadline are refused, and so is a record of another
// version.
func TestRefused(t *testing.T) {
	servers(t, func(t *testing.T, r *redis.Client) {
		if _, err := New(Options{Program: program(t), Redis: r, Stream: monitor.StreamOptions{Skew: time.Second}}); err == nil || !strings.Contains(err.Error(), "deadline") {
			t.Error(err)
		}
		for want, o := range map[string]Options{
			"-1 shares, wanted 0 to 1024": {Shares: -1}, "2000 shares, wanted": {Shares: 2000}, "wanted Options.Shares": {Stream: monitor.StreamOptions{Parts: 2}}} {
			o.Program, o.Redis = program(t), r
			if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, wanted %q", err, want)
			}
		}
		f := instance(t, r, time.Hour)
		line := history(rand.New(rand.NewSource(1)), 1)[0]
		send(t, f, line)
		for _, key := range r.Keys(t.Context(), "*/[[]*").Val() {
			if err := r.Set(t.Context(), key, "1-x\nCHECKPOINT", 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if w := ask(f, "POST", "/v1/events", strings.Replace(line, `"id":"0"`, `"id":"1"`, 1), "application/x-ndjson"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "second line") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
