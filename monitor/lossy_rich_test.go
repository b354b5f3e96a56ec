package monitor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
)

// within reports whether a binding is a part of another.
func (b Binding) within(c Binding) bool {
	return !slices.ContainsFunc(b, func(f event.Field) bool {
		v, ok := c.Get(f.Name)
		return !ok || !v.Equal(f.Value)
	})
}

// Properties with registers, deadlines, windows and roles: what is told as a
// violation although events may be missing is one whatever is put between the
// events, then or before, of it or of a part of its binding.
func TestLossyRichIsSound(t *testing.T) {
	certain, undone := 0, 0
	for seed := range 2600 {
		c := richCourses(false).Example(seed)
		if seed%2 == 0 { // fewer ways out, so that more is certain
			for s := range c.rich.steps {
				for kind := range c.rich.steps[s] {
					for i := range c.rich.steps[s][kind] {
						if x := &c.rich.steps[s][kind][i]; x.to == 1 {
							x.to = 0
						}
					}
				}
			}
		}
		p, err := Compile(c.rich.property())
		if err != nil {
			t.Fatal(err)
		}
		var events []event.Event
		for i, a := range c.arrivals {
			e := a.event(i)
			e.Source, e.Sequence, e.Time = "s", "", epoch.Add(time.Duration(i)*4*time.Millisecond)
			events = append(events, e)
		}
		sure := violationsOf(t, p, events, true)
		certain += len(sure)
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		for range 5 {
			more := violationsOf(t, p, withMore(r, events), false)
			for _, v := range sure {
				if !slices.ContainsFunc(more, func(w Violation) bool { return w.Binding.within(v.Binding) && !w.Event.Time.After(v.Event.Time) }) {
					t.Fatalf("seed %d: %v is told, and is none if more events are there\n%+v", seed, v, c)
				}
			}
			for _, v := range violationsOf(t, p, events, false) {
				if !slices.ContainsFunc(more, func(w Violation) bool { return w.Binding.within(v.Binding) && !w.Event.Time.After(v.Event.Time) }) {
					undone++
				}
			}
		}
	}
	if t.Logf("%d certain, %d were undone", certain, undone); certain < 100 || undone < 100 {
		t.Error("wanted both")
	}
}

// withMore puts some events between others.
func withMore(r *rand.Rand, events []event.Event) (all []event.Event) {
	for i, e := range events {
		for n := range r.IntN(3) {
			more := events[r.IntN(len(events))]
			more.ID, more.Time = fmt.Sprint(i, "+", n), e.Time.Add(time.Duration(n-4)*time.Millisecond+time.Microsecond)
			all = append(all, more)
		}
		all = append(all, e)
	}
	return all
}

func violationsOf(t *testing.T, p *Program, events []event.Event, lossy bool) []Violation {
	t.Helper()
	s, err := p.Stream(StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var all []Violation
	for i := range events {
		e := events[i]
		e.Lossy = lossy
		all = append(all, push(s, &e, i).Violations()...)
	}
	return append(all, s.Close().Violations()...)
}
