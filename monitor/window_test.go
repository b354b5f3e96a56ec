package monitor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// At most one in ten seconds, where clocks may differ by two: what is less than
// eight seconds apart is certainly too much, what is less than twelve possibly.
// The distance of two events of one source is known.
func TestWindowWithSkew(t *testing.T) {
	const s, E = time.Second, 2 * time.Second
	p := props.AtMost("p", event.Int(1), props.Occurrences(props.On("A", "x"), 10*s))
	for apart, want := range map[time.Duration][2]string{
		8*s - 1:   {"certain", "certain"},
		8 * s:     {"certain", "possible"},
		10*s - 1:  {"certain", "possible"},
		10 * s:    {"none", "possible"},
		12*s - 1:  {"none", "possible"},
		12 * s:    {"none", "none"},
		100 * s:   {"none", "none"},
		time.Hour: {"none", "none"},
	} {
		for i, source := range []string{"a", "b"} {
			events := []event.Event{eventAt("1", 0, "a", "A", 1), eventAt("2", apart, source, "A", 1)}
			lines, sum := streamed(t, StreamOptions{Skew: E}, events, p)
			got := "none"
			if sum.Violations > 0 {
				got = string(certaintyIn(lines[0]))
			}
			if got != want[i] {
				t.Errorf("%v apart, of a and %s: %s, want %s: %v", apart, source, got, want[i], lines)
			}
		}
	}
}

func certaintyIn(line string) Certainty {
	if strings.Contains(line, `"certainty":"certain"`) {
		return Certain
	}
	return Possible
}

// In exact order a violation is the first event that makes it more, once for
// each binding: as the definition says, counted anew at each event.
func TestTalliesAgreeWithTheDefinition(t *testing.T) {
	found := 0
	for seed := range uint64(300) {
		most, length, next := int64(1+seed%5), time.Duration(2+seed%9)*time.Second, random(seed)
		happened := props.On("A", "x")
		counted := props.AtMost("counted", event.Int(most), props.Occurrences(happened, length))
		summed := props.AtMost("summed", event.Int(3*most), props.SumOf("n", happened, length))
		var events []event.Event
		at := time.Duration(0)
		for i := range 60 {
			at += time.Duration(next(3)) * time.Second
			e := eventAt(fmt.Sprint(i), at, fmt.Sprint("s", next(3)), "A", int64(next(2)))
			e.Data = e.Data.With("n", event.Int(int64(next(6))-1))
			events = append(events, e)
		}
		lines, _ := streamed(t, StreamOptions{}, events, counted, summed)
		want := firstTooMuch(events, length, most)
		var got []string
		for _, line := range lines {
			if strings.HasPrefix(line, `{"kind":"violation"`) {
				before, _, _ := strings.Cut(line, `,"time"`)
				got = append(got, before)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d:\n%s\nwant\n%s", seed, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		found += len(got)
	}
	if found < 300 {
		t.Errorf("%d violations, wanted more", found)
	}
}

// firstTooMuch is what at most means, for two values of x and both properties.
func firstTooMuch(events []event.Event, length time.Duration, most int64) (lines []string) {
	told := map[string]bool{}
	for i, e := range events {
		x, _ := e.Data.Get("x")
		count, sum := int64(0), int64(0)
		for _, o := range events[:i+1] {
			if y, _ := o.Data.Get("x"); y.Equal(x) && o.Time.After(e.Time.Add(-length)) {
				n, _ := o.Data.Get("n")
				var m int64
				fmt.Sscan(n.Text(), &m)
				count, sum = count+1, sum+m
			}
		}
		for name, over := range map[string]bool{"counted": count > most, "summed": sum > 3*most} {
			if key := name + x.Text(); over && !told[key] {
				told[key] = true
				line := fmt.Sprintf(`{"kind":"violation","property":%q,"binding":{"x":%s},"certainty":"certain","source":%q,"event":%q`, name, x.Text(), e.Source, e.ID)
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// random is a sequence of numbers that is always the same.
func random(seed uint64) func(below uint64) uint64 {
	state := seed*0x9e3779b97f4a7c15 + 1
	return func(below uint64) uint64 {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		return state % below
	}
}

// What left a window is forgotten. With skew the letters of a slice hold what
// they may add, as long as the slice is there.
func TestWindowMemoryIsBounded(t *testing.T) {
	for _, skew := range []time.Duration{0, 3 * time.Millisecond} {
		p, err := Compile(props.AtMost("p", event.Int(1_000), props.SumOf("n", props.On("A", "x"), 100*time.Millisecond)))
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.Stream(StreamOptions{Skew: skew})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20_000 {
			e := eventAt(fmt.Sprint(i), time.Duration(i)*time.Millisecond, fmt.Sprint("s", i%3), "A", 1)
			e.Data = e.Data.With("n", event.Int(int64(i%7)))
			push(s, &e, i)
		}
		occurrences, nodes := s.engine.stores[0].Configs.Held()
		if skew == 0 && occurrences > 4_000 || nodes > 4_000 {
			t.Errorf("skew %v: %d occurrences and %d nodes are held", skew, occurrences, nodes)
		}
		if sum := finish(s); sum.Violations > 0 {
			t.Errorf("%+v", sum)
		}
	}
}
