package monitor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// A pause of a year is some steps, in exact order and with skew, and its rounds
// are counted one by one all the same: 31536000 s are 3153600 rounds of 10 s.
func TestLongPauseOfRounds(t *testing.T) {
	const year, rounds = 365 * 24 * time.Hour, 3153600
	n, seen := props.Counter("n"), props.Set("seen")
	asked := func(want int64) *props.Property {
		return props.ForAll("x").With(n, seen).Machine("p",
			props.From("new").On(props.On("BEGUN", "x")).Do(seen.Add("x")).To("odd"),
			props.From("odd").After(4*time.Second).Do(n.Count(1)).To("even"),
			props.From("even").After(6*time.Second).Do(seen.Clear()).To("odd").
				On(props.On("ASKED", "x").GivenCount(n, "so many", func(n int64) bool { return n == want }).GivenNotIn(seen, "x")).To(props.Violated))
	}
	events := []struct {
		after time.Duration
		count int64
	}{{year + 5*time.Second, rounds + 1}, {year + 15*time.Second, rounds + 2}}
	for _, skew := range []time.Duration{0, time.Millisecond} {
		for _, e := range events {
			p, err := Compile(asked(e.count))
			if err != nil {
				t.Fatal(err)
			}
			s, err := p.Stream(StreamOptions{Skew: skew})
			if err != nil {
				t.Fatal(err)
			}
			var all told
			for i, typ := range []string{"BEGUN", "ASKED"} {
				x := eventAt(fmt.Sprint(i), time.Duration(i)*e.after, fmt.Sprint("s", i), typ, 1)
				all.tell(push(s, &x, i+1))
			}
			all.tell(s.Close())
			if len(all.findings) != 1 || !strings.Contains(all.findings[0], `"certainty":"certain"`) || strings.Count(all.findings[0], `"to":`) > 6 {
				t.Errorf("skew %v, %v: got %q", skew, e.after, all.findings)
			}
			if size := len(s.engine.stores[0].Configs.All); size > 50 {
				t.Errorf("skew %v: %d configurations", skew, size)
			}
		}
	}
}

// The same where deadlines have guards: what comes after a year is judged at the
// end of its round.
func TestLongPauseOfBeats(t *testing.T) {
	const year = 365 * 24 * time.Hour
	n := props.Counter("n")
	property := props.ForAll("x").With(n).Machine("p",
		props.From("new").On(props.On("BEGUN", "x")).To("on"),
		props.From("on").On(props.On("ASKED", "x")).Do(n.Count(1)).Stay().
			After(time.Second).Given("asked", func(m props.Memory) bool { return m.Count("n") > 0 }).To(props.Violated).
			After(time.Second).To("on"))
	for _, skew := range []time.Duration{0, time.Millisecond} {
		p, err := Compile(property)
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.Stream(StreamOptions{Skew: skew})
		if err != nil {
			t.Fatal(err)
		}
		var all told
		for i, typ := range []string{"BEGUN", "ASKED", "BEGUN"} {
			x := eventAt(fmt.Sprint(i), []time.Duration{0, year + time.Second/2, year + time.Minute}[i], "s", typ, 1)
			all.tell(push(s, &x, i+1))
		}
		all.tell(s.Close())
		if len(all.findings) != 1 || !strings.Contains(all.findings[0], `"certainty":"certain","source":"s","event":"0+8760h0m1s"`) {
			t.Errorf("skew %v: got %q", skew, all.findings)
		}
		if size := len(s.engine.stores[0].Configs.All); size > 50 {
			t.Errorf("skew %v: %d configurations", skew, size)
		}
	}
}

// What a minute holds is forgotten when the next begins, at that instant; an
// instance that goes round owes nothing, and stands still at the end.
func TestFixedWindows(t *testing.T) {
	n := props.Counter("n")
	p := props.ForAll("x").With(n).Machine("p",
		props.From("none").On(props.On("SIGNED", "x")).To("minute"),
		props.From("minute").On(props.On("CALLED", "x").GivenCount(n, "2", func(n int64) bool { return n >= 2 })).To(props.Violated).
			On(props.On("CALLED", "x")).Do(n.Count(1)).Stay().After(time.Minute).Do(n.Clear()).To("minute"))
	for calls, want := range map[string][]int{"50 60 61 62": nil, "61 62 70": {70}, "119 120 121 180": nil, "118 119 120": {120}} {
		events := []event.Event{eventAt("s", 0, "a", "SIGNED", 1)}
		for _, at := range strings.Fields(calls) {
			var s int
			fmt.Sscan(at, &s)
			events = append(events, eventAt(at, time.Duration(s)*time.Second, "a", "CALLED", 1))
		}
		lines, sum := streamed(t, StreamOptions{}, events, p)
		if len(lines) != len(want) || len(want) > 0 && !strings.Contains(lines[0], fmt.Sprintf(`"event":"%d"`, want[0])) || sum.Owed > 0 {
			t.Errorf("%s: got %q, owed %d", calls, lines, sum.Owed)
		}
	}
}
