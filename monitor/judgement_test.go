package monitor

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

func consented(t *testing.T, o StreamOptions) (*Program, *Stream) {
	t.Helper()
	p := consent(t)
	s, err := p.Stream(o)
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

func processed(source, id string, at time.Duration, user int64) Input {
	e := eventAt(id, at, source, "PROCESSED", user)
	e.Data = event.Data{{Name: "user", Value: event.Int(user)}}
	return Input{Event: e}
}

// A push returns what was found, what was lost, and up to where the input is
// judged; a tick is an input, and lets time pass.
func TestPush(t *testing.T) {
	_, s := consented(t, StreamOptions{Lateness: time.Second})
	j := s.Push([]Input{processed("a", "1", 10*time.Second, 7), processed("a", "1", 10*time.Second, 7), {Line: 3, Why: "no event"}, processed("b", "2", 0, 8)})
	if len(j.Violations()) > 0 || j.Lost != (Lost{Malformed: 1, Late: 1, Duplicates: 1}) {
		t.Errorf("got %+v", j)
	}
	if want := (Position{4, epoch.Add(9 * time.Second)}); j.Position != want || s.Position() != want {
		t.Errorf("got %v, want %v", j.Position, want)
	}
	j = s.Push([]Input{{Tick: true, Event: event.Event{Time: epoch.Add(11 * time.Second)}}})
	if len(j.Violations()) > 0 {
		t.Errorf("the watermark is at the event, got %+v", j)
	}
	j = s.Push([]Input{{Tick: true}, {Tick: true, Event: event.Event{Time: epoch.Add(11*time.Second + 1)}}})
	if v := j.Violations(); len(v) != 1 || v[0].Event.ID != "1" || j.Lost != (Lost{}) || j.Position.Inputs != 7 {
		t.Errorf("got %+v", j)
	}
	if sum := finish(s); sum.Events != 2 || sum.Late != 1 || sum.Duplicates != 1 || sum.Malformed != 1 || sum.Violations != 1 {
		t.Errorf("got %+v", sum)
	}
}

// What is malformed for a property is told with its event.
func TestMalformedIsNamed(t *testing.T) {
	_, s := consented(t, StreamOptions{})
	x := processed("a", "1", 0, 7)
	x.Event.Data = nil
	j := s.Push([]Input{x})
	if len(j.Findings) != 1 || j.Findings[0].Kind != FoundMalformed || j.Findings[0].Source != "a" || j.Findings[0].Event != "1" {
		t.Errorf("got %+v", j)
	}
}

// A checkpoint holds the position: who restores it knows what comes next.
func TestCheckpointHoldsThePosition(t *testing.T) {
	p, s := consented(t, StreamOptions{Lateness: time.Second})
	want := s.Push([]Input{processed("a", "1", 10*time.Second, 7), {Tick: true, Event: event.Event{Time: epoch.Add(20 * time.Second)}}}).Position
	var saved bytes.Buffer
	if err := s.Checkpoint(&saved); err != nil {
		t.Fatal(err)
	}
	s, err := p.Restore(&saved, s.options)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Position(); got != want || got.Inputs != 2 {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The name of a violation hangs on property, binding and event, and on nothing
// else: not on how a number was written, nor on what is told beside it.
func TestID(t *testing.T) {
	v := Violation{Property: "p", Binding: Binding{{Name: "x", Value: num("1")}}, Event: event.Event{Source: "s", ID: "1"}}
	if got, want := v.ID(), "e59f3dc40fbc8772d9d3b446d3d4373a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	same := v
	same.Binding, same.Certainty, same.Witness = Binding{{Name: "x", Value: num("1.0")}}, Possible, []WitnessEvent{{}}
	if same.ID() != v.ID() {
		t.Error("what says the same has another name")
	}
	seen := map[string]bool{v.ID(): true}
	for _, other := range []Violation{
		{Property: "p1", Binding: v.Binding, Event: v.Event}, {Property: "p", Event: v.Event}, {Property: "p", Binding: v.Binding},
		{Property: "p", Binding: Binding{{Name: "x", Value: event.Str("1")}}, Event: v.Event},
		{Property: "p", Binding: v.Binding, Event: event.Event{Source: "s1", ID: ""}},
	} {
		if seen[other.ID()] {
			t.Errorf("%+v has the name of another", other)
		}
		seen[other.ID()] = true
	}
}

// An event goes to the parts of its properties, the same whoever asks; what
// lacks the variable goes to its property's own.
func TestRoute(t *testing.T) {
	p, err := Compile(props.AtMostOnce("by user", props.On("A", "user")), props.AtMostOnce("by order", props.On("A", "order")),
		props.AtMostOnce("of all", props.On("B")))
	if err != nil {
		t.Fatal(err)
	}
	of := func(kind string, user, order event.Value) event.Event {
		return event.Event{Type: kind, Data: event.Data{{Name: "order", Value: order}, {Name: "user", Value: user}}}
	}
	got := map[string]int{}
	for i := range int64(100) {
		e := of("A", event.Int(i), event.Int(-i))
		route := p.Parts(8).Route(nil, &e)
		if again := p.Parts(8).Route([]int{9}, &e); !reflect.DeepEqual(again[1:], route) || again[0] != 9 {
			t.Fatalf("%v and %v", route, again)
		}
		if len(route) == 0 || len(route) > 2 || !slices.IsSorted(route) || route[0] < 0 || route[len(route)-1] > 7 {
			t.Fatalf("got %v", route)
		}
		got[fmt.Sprint(route)]++
	}
	if len(got) < 20 {
		t.Errorf("only %d routes: %v", len(got), got)
	}
	for want, e := range map[string]event.Event{
		"[3]": of("B", event.Int(1), event.Int(1)), "[0]": of("A", event.Value{}, event.Value{}), "[]": of("C", event.Int(1), event.Int(1)),
	} {
		if route := p.Parts(8).Route(nil, &e); fmt.Sprint(route) != want {
			t.Errorf("%s: got %v, want %s", e.Type, route, want)
		}
	}
	alone, b := p.Only([]string{"of all"}), of("B", event.Int(1), event.Int(1))
	if route := alone.Parts(8).Route(nil, &b); fmt.Sprint(route) != "[3]" || !slices.Equal(alone.Properties(), []string{"of all"}) {
		t.Errorf("alone: %v of %v, want the same part", route, alone.Properties())
	}
	if !p.Same(alone, "of all") || p.Same(alone, "by user") {
		t.Error("a property is the same in a program of its own, and what is not there is not")
	}
}

// A part is given the data of its own events alone.
func TestShare(t *testing.T) {
	p := consent(t)
	var all []Input
	for i := range int64(100) {
		all = append(all, processed("a", fmt.Sprint(i), time.Duration(i)*time.Millisecond, i))
	}
	own := 0
	for part := range 4 {
		for _, x := range p.Parts(4).Share(nil, all, part) {
			if x.Tick != (x.Event.Data == nil) || x.Tick != (x.Event.ID == "") || x.Event.Time.IsZero() || x.Event.Source == "" {
				t.Fatalf("got %+v", x)
			}
			if !x.Tick {
				own++
			}
		}
	}
	if own != len(all) {
		t.Errorf("%d events are some part's, want %d", own, len(all))
	}
}
