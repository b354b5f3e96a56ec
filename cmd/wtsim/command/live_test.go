package command

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/sim/search/workers"
)

// screen is a terminal of a width: it knows what the view writes, wraps lines
// that are too long, and fails on anything else.
type screen struct {
	t     *testing.T
	width int
	rows  []string
	at    int // the cursor's row
	col   int
}

func (s *screen) Write(p []byte) (int, error) {
	for rest := string(p); rest != ""; {
		n := strings.IndexByte(rest, '\x1b')
		switch {
		case n == 0:
			rest = s.escape(rest)
			continue
		case n < 0:
			n = len(rest)
		}
		for _, r := range rest[:n] {
			s.put(r)
		}
		rest = rest[n:]
	}
	return len(p), nil
}

func (s *screen) put(r rune) {
	switch r {
	case '\n':
		s.at, s.col = s.at+1, 0
	case '\r':
		s.col = 0
	default:
		if s.col == s.width {
			s.at, s.col = s.at+1, 0
		}
		row := []rune(fmt.Sprintf("%-*s", s.col+1, s.row()))
		row[s.col] = r
		s.rows[s.at] = string(row)
		s.col++
	}
	s.row()
}

// row is the cursor's.
func (s *screen) row() string {
	for len(s.rows) <= s.at {
		s.rows = append(s.rows, "")
	}
	return s.rows[s.at]
}

// escape does an escape sequence, and returns what follows.
func (s *screen) escape(text string) string {
	end := strings.IndexAny(text, "AJKm")
	if end < 0 || !strings.HasPrefix(text, "\x1b[") {
		s.t.Fatalf("unknown escape sequence in %q", text)
	}
	switch parameter := text[2:end]; text[end] {
	case 'A':
		n, err := strconv.Atoi(parameter)
		if err != nil || n > s.at {
			s.t.Fatalf("moves up %q rows from row %d", parameter, s.at)
		}
		s.at -= n
	case 'J':
		s.row()
		s.rows = s.rows[:s.at+1]
		s.rows[s.at] = strings.TrimRight(string([]rune(s.row())[:min(s.col, len([]rune(s.row())))]), " ")
	case 'K':
		s.rows[s.at] = string([]rune(s.row())[:min(s.col, len([]rune(s.row())))])
	}
	return text[end+1:]
}

// text is what a person sees.
func (s *screen) text() string { return strings.TrimRight(strings.Join(s.rows, "\n"), "\n ") }

// shrink makes the terminal narrower; lines that are too long are wrapped, as
// most terminals do.
func (s *screen) shrink(width int) {
	var rows []string
	at := 0
	for i, r := range s.rows {
		if i == s.at {
			at = len(rows)
		}
		for len(r) > width {
			rows, r = append(rows, r[:width]), r[width:]
		}
		rows = append(rows, r)
	}
	s.width, s.rows, s.at = width, rows, at
}

// some are figures of a search, n times 100 ms after it has begun.
func some(n int) figures {
	return figures{scenario: "checkout/double-charge", Progress: workers.Progress{
		Ran: 26 * n, Total: 10000, Workers: 2, Spent: time.Duration(n) * 100 * time.Millisecond,
		Behaviours: 9 * n, Covered: min(44, n), Coverable: 44,
		Yields: map[string]*workers.Yield{"bounded": {Schedules: 10 * n, News: 5 * n}, "pos": {Schedules: 8 * n, News: 3 * n}, "swarm": {Schedules: 8 * n, News: n}},
	}}
}

func liveOn(s *screen, height int) *view {
	return &view{w: s, mode: progressLive, size: func() (int, int) { return s.width, height }}
}

// The view is redrawn in place, keeps what stands above it, fits the terminal
// and leaves nothing behind.
func TestLiveView(t *testing.T) {
	var frames strings.Builder
	for _, c := range []struct {
		name          string
		width, height int
	}{{"wide", 100, 30}, {"narrow", 34, 30}, {"low", 100, 6}, {"tiny", 10, 3}} {
		s := &screen{t: t, width: c.width}
		v := liveOn(s, c.height)
		fmt.Fprint(s, "$ wtsim\n")
		for n := range 31 {
			v.show(some(n))
			if n < 10 && s.text() != "$ wtsim" {
				t.Fatalf("%s: shows something after %d ms:\n%s", c.name, n*100, s.text())
			}
		}
		fmt.Fprintf(&frames, "-- %s: %d x %d --\n%s\n", c.name, c.width, c.height, s.text())
		if rows := strings.Count(s.text(), "\n"); rows > c.height {
			t.Errorf("%s: %d rows on %d", c.name, rows, c.height)
		}
		last := some(31)
		last.First, last.What, last.Yields = 12, "property \"charged\nat most once\" violated", nil
		v.show(last)
		fmt.Fprintf(&frames, "-- %s: found --\n%s\n", c.name, s.text())
		v.clear()
		v.clear()
		if s.text() != "$ wtsim" || s.at != 1 || s.col != 0 {
			t.Errorf("%s: leaves row %d, column %d of\n%s", c.name, s.at, s.col, s.text())
		}
	}
	golden(t, "testdata/live.frames", frames.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%v; got\n%s\nwant\n%s\n(-update writes it)", err, got, want)
	}
}

// What workers print stands above the view, also without an end of line; a
// terminal that gets narrower does not break it.
func TestLiveViewMovesDown(t *testing.T) {
	s := &screen{t: t, width: 100}
	v := liveOn(s, 30)
	v.show(some(20))
	fmt.Fprint(v, "a worker says\n")
	v.show(some(21))
	fmt.Fprint(v, "half a line")
	v.show(some(22))
	s.shrink(30)
	v.show(some(23))
	want := liveOn(&screen{t: t, width: 30}, 30)
	want.show(some(23))
	if got, want := s.text(), "a worker says\nhalf a line\n"+want.w.(*screen).text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	v.clear()
	if s.text() != "a worker says\nhalf a line" {
		t.Errorf("leaves\n%s", s.text())
	}
}

// Colours come only where they are wanted.
func TestLiveViewColors(t *testing.T) {
	for _, c := range []struct {
		no   string
		want bool
	}{{"", true}, {"1", false}} {
		t.Setenv("NO_COLOR", c.no)
		var b bytes.Buffer
		v := newView(&b, progressLive)
		f := some(20)
		f.First, f.What = 1, "property \"p\" violated"
		v.show(f)
		if red := strings.Contains(b.String(), "\x1b[1;31m  findings    schedule 1: property \"p\" violated\x1b[0m\x1b[K\n"); red != c.want {
			t.Errorf("NO_COLOR=%q: %q", c.no, b.String())
		}
		if strings.Contains(b.String(), "\x1b[0m") != c.want {
			t.Errorf("NO_COLOR=%q: %q", c.no, b.String())
		}
	}
}

// Elsewhere a plain line comes after 5, 10, 20, 40 and 80 seconds, then every
// minute; with none there is nothing.
func TestPlainView(t *testing.T) {
	var b bytes.Buffer
	v, silent := newView(&b, progressAuto), newView(&b, progressNone)
	var at []int
	for n := range 2200 {
		before := b.Len()
		v.show(some(n))
		silent.show(some(n))
		if b.Len() > before {
			at = append(at, n)
		}
	}
	if fmt.Sprint(at) != "[50 100 200 400 800 1400 2000]" {
		t.Errorf("lines at %v tenths of a second", at)
	}
	first, _, _ := strings.Cut(b.String(), "\n")
	want := "wtsim: checkout/double-charge: 1300 of 10000 (260/s, 33 s left), 450 distinct behaviours, 44 of 44 cases covered, findings: none so far"
	if first != want {
		t.Errorf("got  %s\nwant %s", first, want)
	}
	v.clear()
	if strings.Contains(b.String(), "\x1b") {
		t.Error("plain lines have escape sequences")
	}
}
