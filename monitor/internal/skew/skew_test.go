package skew

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// randomJudge runs a random automaton of three letters.
func randomJudge(r *rand.Rand) *Judge {
	const states = 3
	var rules []props.Rule
	for s := range states {
		rule := props.From(fmt.Sprint(s))
		for l := range 3 {
			to := fmt.Sprint(r.IntN(states))
			if r.IntN(6) == 0 {
				to = props.Violated
			}
			rule = rule.On(props.On(fmt.Sprint("E", l))).To(to)
		}
		rules = append(rules, rule)
	}
	p := props.ForAll().Machine("random", rules...)
	if err := p.Validate(); err != nil {
		panic(err)
	}
	auto := p.Automaton()
	m := &machine.Machine{}
	m.Start(auto, machine.DeadStates(auto), &values.Table{}, &order.Sources{}, machine.Options{Configs: 1 << 10, Letters: 1 << 10})
	for l := range auto.Events {
		m.Letter(l, 0)
	}
	return &Judge{Machine: m, SlideAt: 4, MaxLayer: 1 << 12}
}

// allOrders visits all orders of events that the clocks allow.
func allOrders(all []Pending, skew time.Duration, prefix []int, visit func([]int)) {
	if len(prefix) == len(all) {
		visit(prefix)
		return
	}
	for i, e := range all {
		free := !slices.Contains(prefix, i)
		for j, before := range all {
			if free && j != i && !slices.Contains(prefix, j) &&
				(before.At.Add(skew).Before(e.At) || before.Source == e.Source && j < i) {
				free = false
			}
		}
		if free {
			allOrders(all, skew, append(slices.Clip(prefix), i), visit)
		}
	}
}

func (s *Judge) run(all []Pending, order []int) uint32 {
	state := uint32(machine.StartState)
	for _, i := range order {
		state = s.Next(all[i].Letter, state, nil)
	}
	return state
}

// A front holds the states that all orders lead to, no more and no less, saved
// and restored on the way too; and the orders that are read back are possible
// and do what they are to.
func TestFront(t *testing.T) {
	possible, counters := 0, 0
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 7))
		s, skew := randomJudge(r), time.Duration(r.IntN(5)+1)*time.Second
		var all []Pending
		at := int64(0)
		for range r.IntN(7) {
			at += r.Int64N(4)
			all = append(all, Pending{At: order.Instant{Sec: at}, Letter: uint32(r.IntN(len(s.Auto.Events))), Source: r.Int32N(4)})
		}
		want := uint64(0)
		var orders [][]int
		allOrders(all, skew, nil, func(o []int) {
			want |= 1 << s.run(all, o)
			orders = append(orders, slices.Clone(o))
		})
		f, cut := NewFront(), r.IntN(len(all)+1)
		for i, e := range all {
			if i == cut {
				f = saved(t, s, f)
			}
			f.Add(s, e, skew)
		}
		if f.Finish(s, skew); f.Undecided || f.States != want {
			t.Fatalf("seed %d: states %b, want %b, of %v", seed, f.States, want, all)
		}
		never := func(machine.Running) bool { return false }
		none := End{Must: never, May: never, InTime: never}
		if o := s.OrderTo(all, skew, none); s.mayBeViolatedIn(all, orders) != (o != nil) || o != nil && s.run(all, o) != props.ViolatedState {
			t.Fatalf("seed %d: %v is to violate, of %v", seed, o, all)
		} else if o != nil {
			possible++
		}
		rest := want &^ onlyViolated
		if o := s.OrderElse(all, skew, none); len(all) > 0 && (rest != 0) != (o != nil) ||
			o != nil && (s.run(all, o) == props.ViolatedState || !slices.ContainsFunc(orders, func(x []int) bool { return slices.Equal(x, o) })) {
			t.Fatalf("seed %d: %v is not to violate, of %v", seed, o, all)
		} else if o != nil {
			counters++
		}
	}
	if possible < 500 || counters < 500 {
		t.Errorf("only %d that violate and %d that do not", possible, counters)
	}
}

// mayBeViolatedIn tells whether some order violates, at any event.
func (s *Judge) mayBeViolatedIn(all []Pending, orders [][]int) bool {
	return slices.ContainsFunc(orders, func(o []int) bool { return s.run(all, o) == props.ViolatedState })
}

func saved(t *testing.T, s *Judge, f *Front) *Front {
	t.Helper()
	names := &order.Sources{}
	for n := range 4 {
		names.Number(fmt.Sprint(n))
	}
	var b bytes.Buffer
	e := codec.NewEncoder(&b)
	f.Encode(e, s)
	if err := e.Close(&b); err != nil {
		t.Fatal(err)
	}
	d := codec.NewDecoder(&b)
	f = DecodeFront(d, s, names)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return f
}

// What is too entangled is undecided.
func TestUndecided(t *testing.T) {
	s := randomJudge(rand.New(rand.NewPCG(1, 1)))
	s.MaxLayer = 4
	f := NewFront()
	for i := range int32(12) {
		f.Add(s, Pending{At: order.Instant{Sec: int64(i)}, Letter: uint32(int(i) % len(s.Auto.Events)), Source: i}, time.Hour)
	}
	if !f.Undecided {
		f.Finish(s, time.Hour)
	}
	if !f.Undecided || !f.Over(s) {
		t.Errorf("got %+v", f)
	}
}
