package machine

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// run is a machine with what it shares with others.
type run struct {
	Machine
	values  values.Table
	sources order.Sources
	texts   values.Texts
}

func start(t *testing.T, p *props.Property, exact bool) *run {
	t.Helper()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	x, auto := &run{}, p.Automaton()
	x.Start(auto, DeadStates(auto), &x.values, &x.sources, Options{Exact: exact, Covering: true, Configs: 4, Letters: 4})
	return x
}

// take lets an event move an instance.
func (x *run) take(t *testing.T, state uint32, name string, n, at int64) uint32 {
	t.Helper()
	i := slices.IndexFunc(x.Auto.Events, func(e props.EventType) bool { return e.Type == name })
	e := event.Event{ID: fmt.Sprint(at), Source: "s", Type: name, Data: event.Data{{Name: "n", Value: event.Int(n)}}}
	passed, err := x.Auto.Events[i].Letter(&e)
	if err != nil {
		t.Fatal(err)
	}
	if x.Configs == nil {
		return x.Move(x.Letter(i, passed), state, nil)
	}
	stamp := Stamp{At: order.Instant{Sec: at}, Source: x.sources.Number("s"), ID: e.ID}
	return x.Move(x.Configs.Stamped(x.Configs.LetterOf(i, passed, &e), stamp), state, &stamp)
}

// Without registers a configuration is a state, and transitions are told once.
func TestStates(t *testing.T) {
	x := start(t, props.NeverAfter("p", props.On("A"), props.On("B")), true)
	state := x.take(t, StartState, "A", 0, 1)
	if state != StartState || x.IsDead(state) {
		t.Errorf("got %d", state)
	}
	if state = x.take(t, x.take(t, state, "B", 0, 2), "A", 0, 3); state != props.ViolatedState || !x.IsDead(state) {
		t.Errorf("got %d", state)
	}
	told := len(x.Fresh)
	if x.take(t, StartState, "A", 0, 4); told != 3 || len(x.Fresh) != told {
		t.Errorf("%d transitions are told, then %d, want 3", told, len(x.Fresh))
	}
}

func counting() *props.Property {
	n, last := props.Counter("count"), props.Last("last")
	return props.ForAll().With(n, last).Machine("p",
		props.From("s").On(props.On("ADD")).Do(n.Count(1), last.Store("n")).Stay().
			On(props.On("END").GivenCount(n, "three", func(n int64) bool { return n >= 3 })).To(props.Violated))
}

// Registers hold what was written; equal configurations have one number, and
// those that nobody is in are forgotten.
func TestRegisters(t *testing.T) {
	x := start(t, counting(), true)
	a, b := x.take(t, StartState, "ADD", 7, 1), x.take(t, StartState, "ADD", 7, 2)
	if a != b || a == StartState {
		t.Errorf("got %d and %d", a, b)
	}
	if c := x.take(t, StartState, "ADD", 8, 3); c == a {
		t.Error("another value is the same configuration")
	}
	if got := x.take(t, a, "END", 0, 4); got != a {
		t.Errorf("got %d, want to stay in %d", got, a)
	}
	state := x.take(t, x.take(t, a, "ADD", 7, 5), "ADD", 7, 6)
	if got := x.take(t, state, "END", 0, 7); got != props.ViolatedState {
		t.Errorf("got %d", got)
	}
	if !x.Configs.Full() {
		t.Fatal("there are more than four")
	}
	x.Configs.Sweep(func(used func(uint32), _ func(uint64)) { used(state) })
	if got := x.take(t, state, "END", 0, 8); got != props.ViolatedState || len(x.Configs.All)-len(x.Configs.free) > StartState+2 {
		t.Errorf("got %d, and %d configurations of one instance", got, len(x.Configs.All)-len(x.Configs.free))
	}
}

// A deadline begins where its state is entered, and is named after the event
// that entered it.
func TestDeadline(t *testing.T) {
	for _, exact := range []bool{true, false} {
		x := start(t, props.Responds("p", props.On("A"), props.On("B"), 5*time.Second), exact)
		state := x.take(t, StartState, "A", 0, 10)
		if r := x.Configs.All[state].Running; !r.On() || r.At.Sec != 15 || r.ID != "10" || r.After != 5*time.Second {
			t.Errorf("exact %v: got %+v", exact, r)
		}
		if got := x.Configs.Expire(state); got != props.ViolatedState {
			t.Errorf("exact %v: got %d", exact, got)
		}
		if got := x.take(t, state, "B", 0, 11); x.Configs.All[got].Running.On() {
			t.Errorf("exact %v: it runs on", exact)
		}
	}
}

// What a machine knows is saved and restored.
func TestEncode(t *testing.T) {
	x := start(t, counting(), true)
	state := x.take(t, x.take(t, StartState, "ADD", 7, 1), "ADD", 9, 2)
	var saved bytes.Buffer
	e := codec.NewEncoder(&saved)
	x.Configs.Encode(e)
	if err := e.Close(&saved); err != nil {
		t.Fatal(err)
	}
	y := start(t, counting(), true)
	y.values = x.values
	d := codec.NewDecoder(&saved)
	y.Configs.Decode(d, &y.texts)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := y.take(t, state, "ADD", 9, 3), x.take(t, state, "ADD", 9, 3); got != want || y.take(t, got, "END", 0, 4) != props.ViolatedState {
		t.Errorf("got %d, want %d", got, want)
	}
}
