package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wtsim/wtsim/event"
)

// other is the other side of a sink.
type other struct {
	attempts int
	answer   func(attempt int) error // nil accepts
	mu       sync.Mutex
	got      []string // sequences
	sizes    []int    // of batches
}

func (o *other) send(_ context.Context, batch [][]byte) error {
	o.attempts++
	if o.answer != nil {
		if err := o.answer(o.attempts); err != nil {
			return err
		}
	}
	o.mu.Lock() // not while answer sleeps: a bubble's time stands still then
	defer o.mu.Unlock()
	o.sizes = append(o.sizes, len(batch))
	for _, line := range batch {
		e, err := event.Decode(line)
		if err != nil {
			return err
		}
		o.got = append(o.got, e.Sequence)
	}
	return nil
}

func (o *other) sequences() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.got, " ")
}

func numbered(n int) event.Event {
	text := strconv.Itoa(n)
	return event.Event{ID: text, Source: "s", Type: "A", Time: time.Unix(0, 0), Sequence: text, Data: event.Data{{Name: "secret", Value: event.Str("value-" + text)}}}
}

// started is a sink in a bubble, which fails if a goroutine of it is left.
func started(o *other, options Options) *Sink {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	return New(o.send, options)
}

func shut(t *testing.T, s *Sink) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func put(s *Sink, from, to int) {
	for n := from; n <= to; n++ {
		s.Put(numbered(n))
	}
}

// Without a flush events leave together, 100 ms after the first of them, or
// when they are a batch; never more than a batch at once.
func TestInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &other{}
		one := len(numbered(1).AppendJSON(nil))
		s := started(o, Options{Batch: 3 * one})
		time.Sleep(time.Second)
		put(s, 1, 2)
		time.Sleep(99 * time.Millisecond)
		synctest.Wait()
		if o.sequences() != "" {
			t.Errorf("%q left at once", o.sequences())
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if o.sequences() != "1 2" {
			t.Errorf("got %q after 100 ms", o.sequences())
		}
		put(s, 3, 9)
		synctest.Wait()
		if got := fmt.Sprint(o.sequences(), o.sizes); got != "1 2 3 4 5 6 7 8 9[2 3 3 1]" {
			t.Errorf("got %s", got)
		}
		shut(t, s)
	})
}

// A flush returns when what was put before it is on the other side, with
// others doing the same; all that is put arrives once and in order.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &other{answer: func(int) error { time.Sleep(5 * time.Millisecond); return nil }}
		s := started(o, Options{})
		var mu sync.Mutex
		var all sync.WaitGroup
		n, want := 0, ""
		for range 10 {
			all.Go(func() {
				for range 20 {
					mu.Lock()
					n++
					mine := strconv.Itoa(n)
					want += " " + mine
					s.Put(numbered(n))
					mu.Unlock()
					if err := s.Flush(t.Context()); err != nil {
						t.Error(err)
					}
					if !strings.Contains(" "+o.sequences()+" ", " "+mine+" ") {
						t.Errorf("%s has not arrived", mine)
					}
				}
			})
		}
		all.Wait()
		if got := " " + o.sequences(); got != want {
			t.Errorf("got%s\nwanted%s", got, want)
		}
		shut(t, s)
	})
}

// Who waits does so for a bounded time, and not at all once sending has failed;
// what could not be told in time arrives later, and a flush waits for it again.
func TestFlushIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &other{answer: func(attempt int) error {
			switch attempt {
			case 1:
				time.Sleep(3 * time.Second)
			case 2, 3, 4:
				return &later{err: errors.New("503"), after: time.Second}
			}
			return nil
		}}
		s := started(o, Options{})
		waited := func(n int) (time.Duration, error) {
			put(s, n, n)
			at := time.Now()
			return time.Since(at), errors.Join(s.Flush(t.Context()), errors.New(time.Since(at).String()))
		}
		if _, err := waited(1); !strings.HasSuffix(err.Error(), "after 1s\n1s") {
			t.Error(err)
		}
		time.Sleep(2500 * time.Millisecond) // 1 is there
		if _, err := waited(2); !strings.HasPrefix(err.Error(), "503") {
			t.Error(err)
		}
		if _, err := waited(3); err.Error() != "503\n0s" {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		if _, err := waited(4); err.Error() != "0s" {
			t.Error(err)
		}
		if got := fmt.Sprint(o.sequences(), s.Stats()); got != "1 2 3 4{4 0 0 3}" {
			t.Errorf("got %s", got)
		}
		shut(t, s)
	})
}

// What there is no room for, and what is refused for good, is dropped, counted
// and a gap; the log says so, without values.
func TestDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down, refuses := atomic.Bool{}, atomic.Bool{}
		down.Store(true)
		o := &other{answer: func(int) error {
			switch {
			case down.Load():
				return &later{err: errors.New("down")}
			case refuses.Load():
				return errors.New("refused")
			}
			return nil
		}}
		var log strings.Builder
		one := len(numbered(1).AppendJSON(nil))
		s := started(o, Options{Buffer: 5 * one, Batch: 2 * one, Log: slog.New(slog.NewTextHandler(&log, nil))})
		put(s, 1, 9)
		time.Sleep(30 * time.Second)
		if got := s.Stats(); got != (Stats{Dropped: 4, Waiting: 5}) {
			t.Errorf("got %+v", got)
		}
		down.Store(false)
		time.Sleep(6 * time.Second)
		if got := fmt.Sprint(o.sequences(), s.Stats()); got != "1 2 3 4 5{5 4 0 0}" {
			t.Errorf("got %s", got)
		}
		refuses.Store(true)
		put(s, 6, 7)
		_ = s.Flush(t.Context())
		shut(t, s)
		put(s, 8, 8)
		if got := s.Stats(); got != (Stats{Sent: 5, Dropped: 7}) {
			t.Errorf("got %+v", got)
		}
		for _, want := range []string{"cannot be sent\" err=down", "sent again", "cannot be sent\" err=refused", "dropped=4", "dropped=2 all=6"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %s:\n%s", want, log.String())
			}
		}
		if strings.Contains(log.String(), "value-") {
			t.Errorf("a value is in the log:\n%s", log.String())
		}
	})
}

// Closing sends what waits; where that cannot be it ends with its context, and
// counts what is lost. The bubble sees to it that no goroutine is left.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &other{}
		s := started(o, Options{})
		put(s, 1, 3)
		shut(t, s)
		shut(t, s)
		if got := fmt.Sprint(o.sequences(), s.Stats()); got != "1 2 3{3 0 0 0}" {
			t.Errorf("got %s", got)
		}
		o = &other{answer: func(int) error { return &later{err: errors.New("down"), after: time.Hour} }}
		s = started(o, Options{})
		put(s, 1, 3)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := s.Close(ctx); err == nil || !strings.HasPrefix(err.Error(), "3 events had not been sent") {
			t.Error(err)
		}
		synctest.Wait()
		if got := s.Stats(); got != (Stats{Dropped: 3}) {
			t.Errorf("got %+v", got)
		}
	})
}

// A log whose calls are recorded themselves, as an application's may be, does
// not lock the sink up.
func TestLogIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Sink
		o := &other{answer: func(int) error { return errors.New("refused") }}
		log := writer(func(p []byte) (int, error) { s.Put(numbered(2)); return len(p), nil })
		s = started(o, Options{Buffer: 1000, Log: slog.New(slog.NewTextHandler(log, nil))})
		put(s, 1, 100)
		time.Sleep(time.Second)
		shut(t, s)
		if got := s.Stats(); got.Dropped < 100 || got.Waiting != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// Lines are events, one a line, values with newlines in them too; a write that
// fails halfway spoils no line after it.
func TestLines(t *testing.T) {
	var out strings.Builder
	w := writer(func(p []byte) (int, error) {
		if bytes.Contains(p, []byte(`"id":"1"`)) {
			out.Write(p[:len(p)/2])
			return len(p) / 2, io.ErrShortWrite
		}
		return out.Write(p)
	})
	s := Lines(w, Options{Log: slog.New(slog.DiscardHandler)})
	spread, err := event.ParseValue([]byte("{\n\"a\":\r\n[1,\n\"b\\n\"]}"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		e := numbered(n)
		e.Data = event.Data{{Name: "v", Value: spread}}
		s.Put(e)
		_ = s.Flush(t.Context())
	}
	shut(t, s)
	var got []string
	for line := range strings.Lines(out.String()) {
		e, err := event.Decode([]byte(line))
		got = append(got, fmt.Sprintf("%s:%v", e.ID, err == nil))
	}
	if fmt.Sprint(got) != "[0:true :false 2:true 3:true]" {
		t.Errorf("got %v of\n%s", got, out.String())
	}
}
