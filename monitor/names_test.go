package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// Names of events are remembered for as long as they are to be, and no longer. A
// repetition within that is a duplicate, a later one is late; neither is judged
// again.
func TestNames(t *testing.T) {
	p, err := Compile(props.AtMostOnce("once", props.On("PAID", "order")))
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Stream(StreamOptions{Lateness: time.Second, Names: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	at := func(n int) event.Event {
		return event.Event{ID: "e", Source: fmt.Sprint("s", n), Type: "PAID", Time: time.Unix(int64(n), 0), Data: event.Data{{Name: "order", Value: event.Int(int64(n))}}}
	}
	const many = 30000
	for n := range many {
		s.Push([]Input{{Event: at(n)}})
		if n > 100 && n%100 == 0 {
			for _, ago := range []int{30, 90} { // of which the second is behind watermark and memory
				s.Push([]Input{{Event: at(n - ago)}})
			}
		}
	}
	s.Push([]Input{{Event: at(0)}})
	sum := s.Summary()
	if again := sum.Duplicates + sum.Late; again != 2*(many/100-2)+1 || sum.Duplicates < many/100-2 || sum.Late < 1 || sum.Violations > 0 {
		t.Errorf("%+v, wanted duplicates and late ones, and nothing judged twice", sum)
	}
	if n := s.seen.Len(); n > 1000 {
		t.Errorf("%d names are known, wanted those of two minutes", n)
	}
}
