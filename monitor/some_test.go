package monitor

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// Some replica has what is written within two seconds, unless what it had is
// taken back; a deadline is each value's, and writes that value's registers.
func TestDeadlinesOfValues(t *testing.T) {
	const s = time.Second
	written, stored, lost, asked := props.On("W", "x"), props.On("S", "x").Binding("r", "n"), props.On("L", "x").Binding("r", "n"), props.On("Q", "x")
	counter := props.Counter("waits")
	within := props.ForAll("x").Exists("r").Machine("within",
		props.From("idle").On(written).To("due"),
		props.From("due").On(stored).To("there").After(2*s).To(props.Violated),
		props.From("there").On(lost).To("due"))
	waits := props.ForAll("x").Exists("r").With(counter).Machine("waits",
		props.From("idle").On(written).To("due"),
		props.From("due").On(stored).To(props.Satisfied).After(s).Do(counter.Count(1)).To("late"),
		props.From("late").On(asked.GivenCount(counter, "1", func(n int64) bool { return n == 1 })).To(props.Violated))
	at := func(id string, seconds time.Duration, kind string, n int64) event.Event {
		e := eventAt(id, seconds*s, "a", kind, 1)
		e.Data = e.Data.With("n", event.Int(n))
		return e
	}
	for _, c := range []struct {
		p      *props.Property
		events []event.Event
		want   string
	}{
		{within, []event.Event{at("1", 0, "W", 0), at("2", 1, "S", 1), at("3", 9, "Q", 0)}, ""},
		{within, []event.Event{at("1", 0, "W", 0), at("3", 9, "Q", 0)}, "1+2s"},
		{within, []event.Event{at("1", 0, "W", 0), at("2", 1, "S", 1), at("3", 2, "L", 1), at("4", 9, "Q", 0)}, "3+2s"},
		{within, []event.Event{at("1", 0, "W", 0), at("2", 1, "S", 1), at("3", 1, "S", 2), at("4", 2, "L", 1), at("5", 9, "Q", 0)}, ""},
		{waits, []event.Event{at("1", 0, "W", 0), at("2", 2, "Q", 0)}, "2"},
		{waits, []event.Event{at("1", 0, "W", 0), at("2", 1, "Q", 0), at("3", 1, "S", 7), at("4", 2, "Q", 0)}, ""},
	} {
		lines, sum := streamed(t, StreamOptions{}, c.events, c.p)
		got := ""
		if sum.Violations > 0 {
			got = eventIn(t, lines[0])
		}
		if got != c.want {
			t.Errorf("%s of %v: violated by %q, want %q", c.p.Name(), c.events, got, c.want)
		}
	}
}

func eventIn(t *testing.T, line string) string {
	t.Helper()
	var v struct{ Event string }
	if err := json.Unmarshal([]byte(line), &v); err != nil {
		t.Fatal(err)
	}
	return v.Event
}
