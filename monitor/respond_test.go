package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// The next response after each trigger comes neither too early nor too late: what
// is told first is what the definition finds, trigger by trigger.
func TestResponsesAgreeWithTheDefinition(t *testing.T) {
	early, late := 0, 0
	for seed := range uint64(2000) {
		next := random(seed)
		least, most := time.Duration(1+next(4))*time.Second, time.Duration(4+next(6))*time.Second
		var events []event.Event
		at := time.Duration(0)
		for i := range 12 {
			at += time.Duration(next(4)) * time.Second
			events = append(events, eventAt(fmt.Sprint(i), at, "s", []string{"A", "B", "C"}[next(3)], 1))
		}
		p, err := Compile(props.RespondsAged("p", props.On("A", "x"), props.On("B", "x"), least, most))
		if err != nil {
			t.Fatal(err)
		}
		got, m := "", p.Monitor(Options{})
		for _, e := range events {
			for _, v := range m.Observe(e).Violations() {
				got = v.Event.ID
			}
		}
		want, isLate := firstMissing(events, least, most)
		if got != want {
			t.Fatalf("seed %d, from %v to %v: got %q, want %q of %v", seed, least, most, got, want, events)
		}
		if isLate {
			late++
		} else if want != "" {
			early++
		}
	}
	if early < 300 || late < 300 {
		t.Errorf("%d too early and %d too late, wanted more", early, late)
	}
}

// firstMissing names the first response that is too early, or the deadline that
// passes before; at one time the response.
func firstMissing(events []event.Event, least, most time.Duration) (name string, late bool) {
	var first time.Time
	for i, e := range events {
		if e.Type != "A" {
			continue
		}
		due := e.Time.Add(most)
		for _, r := range events[i+1:] {
			early := r.Type == "B" && r.Time.Before(e.Time.Add(least))
			switch {
			case r.Type == "B" && !early && !r.Time.After(due):
			case early && (name == "" || r.Time.Before(first) || late && !r.Time.After(first)):
				name, late, first = r.ID, false, r.Time
			case r.Time.After(due) && (name == "" || due.Before(first)):
				name, late, first = e.ID+"+"+length(most), true, due
			case r.Type != "B" && !r.Time.After(due):
				continue
			}
			break
		}
	}
	return name, late
}
