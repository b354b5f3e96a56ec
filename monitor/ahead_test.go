package monitor

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"github.com/wtsim/wtsim/event"
)

// Events that are taken together violate what they violate one by one.
func TestTogetherChangesNothing(t *testing.T) {
	defer func(was int) { together = was }(together)
	found := 0
	for seed := range 3000 {
		together = 2 + seed%6
		var events []event.Event
		var p *Program
		var err error
		var stream StreamOptions
		if seed%2 == 0 {
			c := courses(seed%4 == 0).Example(seed)
			for i, a := range c.arrivals {
				events = append(events, a.event(i))
			}
			p, err = Compile(c.model.property())
			stream = StreamOptions{Skew: c.ms(c.skew), Lateness: c.ms(c.lateness), TTL: c.ms(c.ttl)}
		} else {
			c := richCourses(seed%4 == 1).Example(seed)
			for i, a := range c.arrivals {
				events = append(events, a.event(i))
			}
			p, err = Compile(c.rich.property())
			stream = StreamOptions{Skew: c.ms(c.skew), Lateness: c.ms(c.lateness), TTL: c.ms(c.ttl)}
		}
		if err != nil {
			t.Fatal(err)
		}
		found += observedTogether(t, p, events, seed) + pushedTogether(t, p, stream, events, seed)
	}
	if found < 1000 {
		t.Errorf("%d violations, wanted more", found)
	}
}

func observedTogether(t *testing.T, p *Program, events []event.Event, seed int) int {
	t.Helper()
	var want, got []Violation
	one, all := p.Start(), p.Start()
	for _, e := range events {
		want = append(want, one.Observe(e)...)
	}
	for some := range slices.Chunk(events, 1+seed%11) {
		got = append(got, all.ObserveAll(some)...)
	}
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(all.Stats(), one.Stats()) {
		t.Fatalf("seed %d, %d together:\ngot  %v\nwant %v", seed, together, got, want)
	}
	return len(got)
}

func pushedTogether(t *testing.T, p *Program, o StreamOptions, events []event.Event, seed int) int {
	t.Helper()
	type outcome struct {
		sum   Summary
		stats Stats
		told  []string
	}
	judge := func(push func(*Stream)) outcome {
		var told []string
		o.Found = func(f Finding) { told = append(told, fmt.Sprintf("%+v", f)) }
		s, err := p.Stream(o)
		if err != nil {
			t.Fatal(err)
		}
		push(s)
		return outcome{s.Close(), s.monitor.Stats(), told}
	}
	want := judge(func(s *Stream) {
		for i := range events {
			s.Push(&events[i], i)
		}
	})
	got := judge(func(s *Stream) {
		line := 0
		for some := range slices.Chunk(events, 1+seed%11) {
			inputs, text := borrowed(t, some, line)
			s.PushAll(inputs)
			clear(text) // nothing of it is kept
			line += len(some)
		}
	})
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("seed %d, %d together:\ngot  %+v\nwant %+v", seed, together, got, want)
	}
	return got.sum.Violations
}

// borrowed returns events whose strings are parts of a text.
func borrowed(t *testing.T, events []event.Event, line int) (inputs []Input, text []byte) {
	t.Helper()
	var ends []int
	for _, e := range events {
		text = e.AppendJSON(text)
		ends = append(ends, len(text))
	}
	from := 0
	for i, end := range ends {
		x := Input{Line: line + i}
		if err := event.DecodeInto(&x.Event, unsafe.String(&text[from], end-from)); err != nil {
			t.Fatal(err)
		}
		inputs, from = append(inputs, x), end
	}
	return inputs, text
}
