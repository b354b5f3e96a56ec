package monitor_test

import (
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
)

// Each transition is told when it is taken first, and what is told is what
// coverage lists; afterwards an event costs no allocation for it.
func TestTaken(t *testing.T) {
	program, err := monitor.Compile(
		props.NeverAfter("after", props.On("A", "k"), props.On("B", "k")),
		props.Responds("soon", props.On("A", "k"), props.On("C", "k"), time.Second))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]map[monitor.TransitionUse]int{}
	m := program.Monitor(monitor.Options{Coverage: true})
	for i, name := range []string{"A", "C", "A", "C", "B", "A", "", "", "", "A"} {
		data, err := event.DataOf(map[string]any{"k": "x"})
		if err != nil {
			t.Fatal(err)
		}
		j := m.Observe(event.Event{ID: name, Source: "s", Type: name, Time: time.Unix(int64(i)/2, 0), Data: data})
		for _, u := range j.Used {
			if told[u.Property] == nil {
				told[u.Property] = map[monitor.TransitionUse]int{}
			}
			told[u.Property][u.TransitionUse]++
		}
	}
	if told["soon"][monitor.TransitionUse{From: "waiting", Event: "after 1s", To: "violated", Taken: true}] > 1 {
		t.Error("a deadline is told twice")
	}
	for _, c := range m.Coverage() {
		if len(told[c.Property]) == 0 {
			t.Errorf("%s: nothing is told", c.Property)
		}
		for _, u := range c.Transitions {
			if n := told[c.Property][u]; u.Taken != (n == 1) {
				t.Errorf("%s: %+v was told %d times", c.Property, u, n)
			}
		}
	}
}
