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
	found := 0
	for seed := range 3000 {
		few := usual()
		few.together = 2 + seed%6
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
		stream.limits = &few
		found += observedTogether(t, p, events, &few, seed) + pushedTogether(t, p, stream, events, seed)
	}
	if found < 1000 {
		t.Errorf("%d violations, wanted more", found)
	}
}

func observedTogether(t *testing.T, p *Program, events []event.Event, few *limits, seed int) int {
	t.Helper()
	var want, got []Violation
	one, all := p.Monitor(Options{limits: few}), p.Monitor(Options{limits: few})
	for _, e := range events {
		want = append(want, one.Observe(e).Violations()...)
	}
	for some := range slices.Chunk(events, 1+seed%11) {
		got = append(got, all.ObserveAll(some).Violations()...)
	}
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(all.Stats(), one.Stats()) {
		t.Fatalf("seed %d, together:\ngot  %v\nwant %v", seed, got, want)
	}
	return len(got)
}

func pushedTogether(t *testing.T, p *Program, o StreamOptions, events []event.Event, seed int) int {
	t.Helper()
	type outcome struct {
		sum   Summary
		stats []PropertyStats
		told  []string
	}
	judge := func(push func(s *Stream, tell func(Judgement))) outcome {
		var told []string
		tell := func(j Judgement) {
			for _, f := range j.Findings {
				told = append(told, fmt.Sprintf("%+v", f))
			}
		}
		s, err := p.Stream(o)
		if err != nil {
			t.Fatal(err)
		}
		push(s, tell)
		tell(s.Close())
		return outcome{s.Summary(), s.Stats(), told}
	}
	want := judge(func(s *Stream, tell func(Judgement)) {
		for i := range events {
			tell(push(s, &events[i], i))
		}
	})
	got := judge(func(s *Stream, tell func(Judgement)) {
		line := 0
		for some := range slices.Chunk(events, 1+seed%11) {
			inputs, text := borrowed(t, some, line)
			tell(s.Push(inputs))
			clear(text) // nothing of it is kept
			line += len(some)
		}
	})
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("seed %d, together:\ngot  %+v\nwant %+v", seed, got, want)
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
