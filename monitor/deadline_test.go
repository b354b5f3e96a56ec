package monitor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func eventAt(id string, after time.Duration, source, typ string, x int64) event.Event {
	return event.Event{ID: id, Source: source, Type: typ, Time: epoch.Add(after), Data: event.Data{{Name: "x", Value: event.Int(x)}}}
}

func shippedInTime() *props.Property {
	return props.Responds("shipped", props.On("PLACED", "x"), props.On("SHIPPED", "x"), 5*time.Second)
}

// streamed returns what a stream tells of events, as JSON.
func streamed(t *testing.T, o StreamOptions, events []event.Event, ps ...*props.Property) (lines []string, sum Summary) {
	t.Helper()
	p, err := Compile(ps...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Stream(o)
	if err != nil {
		t.Fatal(err)
	}
	var all told
	for i := range events {
		all.tell(push(s, &events[i], i+1))
	}
	all.tell(s.Close())
	return all.findings, s.Summary()
}

// A deadline is told as an event of the source that began it; after exactly
// its duration is in time; an event of any type moves time.
func TestDeadline(t *testing.T) {
	const s = time.Second
	events := []event.Event{
		eventAt("1", 0, "a", "PLACED", 1), eventAt("2", s, "b", "PLACED", 2), eventAt("3", 5*s, "b", "SHIPPED", 1), eventAt("4", 6*s+1, "c", "OTHER", 0)}
	lines, sum := streamed(t, StreamOptions{}, events, shippedInTime())
	want := `{"kind":"violation","property":"shipped","binding":{"x":2},"certainty":"certain","source":"b","event":"2+5s","time":"2026-01-01T00:00:06Z",` +
		`"witness":[{"source":"b","id":"2","type":"PLACED","to":"owed"},{"source":"b","id":"2+5s","type":"after 5s","to":"violated"}]}`
	if len(lines) != 1 || lines[0] != want || sum.Verdict != Violated {
		t.Errorf("got  %s\nwant %s", strings.Join(lines, "\n"), want)
	}
	// Time has not moved beyond it: nothing is known yet.
	events[3].Time = epoch.Add(6 * s)
	if lines, sum := streamed(t, StreamOptions{}, events, shippedInTime()); len(lines) > 0 || sum.Verdict != Held {
		t.Errorf("got %v, %v", lines, sum.Verdict)
	}
	// With clocks that may differ by 2ms it was possibly late; 7s is too late in any case.
	events[2].Time = epoch.Add(5*s - time.Millisecond)
	events[3].Time = epoch.Add(7 * s)
	lines, _ = streamed(t, StreamOptions{Skew: 2 * time.Millisecond}, events, shippedInTime())
	if len(lines) != 2 || !strings.Contains(lines[0], `"binding":{"x":1},"certainty":"possible","source":"a","event":"1+5s"`) || !strings.Contains(lines[1], `{"x":2},"certainty":"certain"`) {
		t.Errorf("got %s", strings.Join(lines, "\n"))
	}
}

// What deadlines and events violate comes by time, at one time by property
// and binding.
func TestDeadlinesInOrder(t *testing.T) {
	never := props.Never("never", props.On("BAD", "x"))
	zero := props.Never("zz", props.On("BAD", "x"))
	var events []event.Event
	for i, x := range []int64{2, 1, 3} {
		events = append(events, eventAt(fmt.Sprint(i), 0, "a", "PLACED", x))
	}
	events = append(events, eventAt("8", 5*time.Second, "b", "BAD", 9), eventAt("9", 9*time.Second, "b", "BAD", 9))
	lines, _ := streamed(t, StreamOptions{}, events, shippedInTime(), never, zero)
	var got []string
	for _, l := range lines {
		var v struct {
			Property, Event string
			Binding         map[string]int
		}
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %d %s", v.Property, v.Binding["x"], v.Event))
	}
	want := []string{"never 9 8", "shipped 1 1+5s", "shipped 2 0+5s", "shipped 3 2+5s", "zz 9 8"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// In the simulator, deadlines pass before the event that comes after them;
// at quiescence nothing more comes, so all that run pass.
func TestDeadlinesObserved(t *testing.T) {
	p, err := Compile(shippedInTime())
	if err != nil {
		t.Fatal(err)
	}
	m := p.Monitor(Options{})
	m.Observe(eventAt("1", 0, "a", "PLACED", 1))
	if v := m.Observe(eventAt("2", 6*time.Second, "a", "SHIPPED", 1)).Violations(); len(v) != 1 || v[0].Event.ID != "1+5s" {
		t.Errorf("got %v", v)
	}
	m.Observe(eventAt("3", 7*time.Second, "a", "PLACED", 2))
	for range 2 { // it changes nothing
		if v := m.Quiesce(nil).Violations(); len(v) != 1 || v[0].Detail != `the run ended in state "owed"` {
			t.Errorf("got %v", v)
		}
	}
	if v := m.Observe(eventAt("4", 8*time.Second, "a", "SHIPPED", 2)).Violations(); len(v) > 0 {
		t.Errorf("got %v", v)
	}
	if v := m.Quiesce(nil).Violations(); len(v) > 0 {
		t.Errorf("got %v", v)
	}
}

// Deadlines follow one another, each from the last.
func TestDeadlineChain(t *testing.T) {
	p := props.ForAll("x").Machine("p", props.From("new").On(props.On("PLACED", "x")).To("fresh"),
		props.From("fresh").After(time.Second).To("stale"),
		props.From("stale").On(props.On("SHIPPED", "x")).To(props.Satisfied).After(2*time.Second).To(props.Violated))
	lines, _ := streamed(t, StreamOptions{}, []event.Event{eventAt("1", 0, "a", "PLACED", 1), eventAt("2", 9*time.Second, "a", "OTHER", 1)}, p)
	if len(lines) != 1 || !strings.Contains(lines[0], `"event":"1+3s","time":"2026-01-01T00:00:03Z"`) || !strings.Contains(lines[0], `"type":"after 1s","to":"stale"`) {
		t.Errorf("got %v", lines)
	}
}

// Many events at once of sources that begin no deadline are counted by
// letter, however many there are: no search through their orders.
func TestManyAtOnceWithDeadlines(t *testing.T) {
	p := props.ForAll("x").With(props.Counter("n")).Machine("p",
		props.From("idle").On(props.On("PLACED", "x")).To("busy"),
		props.From("busy").On(props.On("WORK", "x").GivenCount(props.Counter("n"), "40", func(n int64) bool { return n >= 40 })).To("done").
			On(props.On("WORK", "x")).Do(props.Counter("n").Count(1)).Stay().After(time.Second).To(props.Violated),
		props.From("done"))
	events := []event.Event{eventAt("0", 0, "a", "PLACED", 1)}
	for i := range 60 {
		events = append(events, eventAt("w", time.Duration(200+i)*time.Millisecond, fmt.Sprintf("s%d", i), "WORK", 1))
	}
	events = append(events, eventAt("1", 3*time.Second, "a", "OTHER", 1))
	lines, sum := streamed(t, StreamOptions{Skew: 100 * time.Millisecond}, events, p)
	if sum.Undecided > 0 || len(lines) > 0 {
		t.Errorf("got %v, %+v", lines, sum)
	}
}

// Configurations that no instance is in any more are forgotten.
func TestConfigurationsAreForgotten(t *testing.T) {
	last := props.Last("n")
	p, err := Compile(props.ForAll("x").With(last).Machine("p",
		props.From("s").On(props.On("SET", "x")).Do(last.Store("n")).Stay().On(props.On("BAD", "x")).To(props.Violated)))
	if err != nil {
		t.Fatal(err)
	}
	m := p.Monitor(Options{NoWitness: true})
	for i := range int64(20_000) {
		e := eventAt("1", 0, "a", "SET", i%10)
		e.Data = e.Data.With("n", event.Int(i))
		m.Observe(e)
	}
	if n := len(m.engine.stores[0].Configs.All); n > 2*usual().collectAt {
		t.Errorf("%d configurations of 10 instances", n)
	}
}

// Guards and registers whose letters and configurations were seen before cost
// no memory.
func TestRichAllocations(t *testing.T) {
	p, err := Compile(props.ForAll("x").With(props.Set("s")).Machine("p",
		props.From("s").On(props.On("ADD", "x").GivenNotIn(props.Set("s"), "n")).Do(props.Set("s").Add("n")).Stay().
			On(props.On("BAD", "x")).To(props.Violated)))
	if err != nil {
		t.Fatal(err)
	}
	m := p.Monitor(Options{NoWitness: true})
	e := eventAt("1", 0, "a", "ADD", 1)
	e.Data = e.Data.With("n", event.Int(7))
	m.Observe(e)
	if n := testing.AllocsPerRun(100, func() { m.Observe(e) }); n > 0 {
		t.Errorf("%v allocations an event", n)
	}
}

// An instance that is born goes on with a deadline that began before others
// did which pass later: it passes in its turn.
func TestDeadlineIsInherited(t *testing.T) {
	const s = time.Second
	begun, both, asked := props.On("BEGUN", "x"), props.On("BOTH", "x", "y"), props.On("ASKED", "x", "y")
	p := props.ForAll("x", "y").Machine("not asked too soon",
		props.From("new").On(begun).To("waiting").On(props.On("ALL")).To("waiting"),
		props.From("waiting").On(asked).To(props.Violated).After(5*s).To("over"),
		props.From("over").On(both).To("new"))
	of := func(e event.Event) event.Event {
		e.Data = e.Data.With("y", event.Int(1))
		return e
	}
	events := []event.Event{
		eventAt("1", 3*s, "a", "BEGUN", 1), eventAt("2", 7*s, "a", "ALL", 0), of(eventAt("3", 7*s, "a", "BOTH", 1)),
		of(eventAt("4", 9*s, "a", "ASKED", 1)), eventAt("5", 20*s, "a", "ALL", 0)}
	for _, skew := range []time.Duration{0, 1} {
		if lines, sum := streamed(t, StreamOptions{Skew: skew}, events, p); sum.Verdict != Held {
			t.Errorf("skew %v: %+v, %q", skew, sum, lines)
		}
	}
}
