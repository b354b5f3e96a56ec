package monitor

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// dying tells which states of a model no violation can be reached from.
func (mo *model) dying() []bool {
	live := make([]bool, len(mo.next))
	for range mo.next {
		for s := 2; s < len(mo.next); s++ {
			live[s] = live[s] || mo.atEnd[s]
			for _, targets := range mo.next[s] {
				live[s] = live[s] || targets[0] == 0 || targets[1] == 0 || live[targets[0]] || live[targets[1]]
			}
		}
	}
	dead := make([]bool, len(live))
	for s := range live {
		dead[s] = !live[s]
	}
	return dead
}

// uses collects the transitions along one order, until the instance can no
// longer be violated.
func (mo *model) uses(as []arrival, order []int, dead []bool, into map[string]bool) {
	state := 2
	for _, e := range order {
		if dead[state] {
			return
		}
		to := mo.after(state, as[e].happening)
		into[fmt.Sprintf("%s T%d %s", stateName(state), as[e].kind, stateName(to))] = true
		state = to
	}
}

// usedBy is the reference: all orders of all instances; of those that events
// name alone where joins are not stored.
func (c course) usedBy(lazy bool) []string {
	p := placeAll(c.arrivals, c.skew, c.lateness, c.ttl)
	named := map[string]bool{fmt.Sprint(slices.Repeat(bound{-1}, c.model.vars)): true}
	for e, a := range c.arrivals {
		if b, ok := c.model.binding(a.happening); ok && !p.late[e] {
			named[fmt.Sprint(b)] = true
		}
	}
	used, dead := map[string]bool{}, c.model.dying()
	for _, s := range c.model.instances(c.arrivals, p, c.skew, sound) {
		switch {
		case lazy && !named[fmt.Sprint(s.in)]:
		case c.skew == 0:
			c.model.uses(c.arrivals, s.slice, dead, used)
		default:
			s.orders(nil, func(order []int) { c.model.uses(c.arrivals, order, dead, used) })
		}
	}
	return slices.Sorted(maps.Keys(used))
}

// covered returns what the engine says was used, and whether it stores joins.
func (c course) covered() (used []string, lazy bool, err error) {
	p, err := Compile(c.model.property())
	if err != nil {
		return nil, false, err
	}
	s, err := p.Stream(StreamOptions{Skew: c.ms(c.skew), Lateness: c.ms(c.lateness), TTL: c.ms(c.ttl), Coverage: true})
	if err != nil {
		return nil, false, err
	}
	c.pushAll(s, 0, len(c.arrivals))
	s.Close()
	for _, t := range s.Coverage()[0].Transitions {
		if t.Taken {
			used = append(used, fmt.Sprintf("%s %s %s", t.From, t.Event, t.To))
		}
	}
	slices.Sort(used)
	return used, p.plans[0].lazy, nil
}

// limits are such that some courses slide and sweep all the time.
func (c course) limits() *limits {
	few := usual()
	if c.slideAt == 4 {
		few.slideAt, few.firstSweep = 4, 1
	}
	return &few
}

func (c course) ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// pushAll pushes some arrivals; their numbers are their lines.
func (c course) pushAll(s *Stream, from, to int) Judgement {
	return s.Push(c.inputs(from, to))
}

func (c course) inputs(from, to int) (all []Input) {
	for i, a := range c.arrivals[from:to] {
		all = append(all, Input{Event: a.event(from + i), Line: from + i})
	}
	return all
}

// What the engine says was used is what the reference finds, in one order and
// in all; the first courses are the same every time.
func TestCoverageAgreesWithReference(t *testing.T) {
	check := func(t rapid.TB, c course) {
		got, lazy, err := c.covered()
		if err != nil {
			t.Fatal(err)
		}
		if want := c.usedBy(lazy); !slices.Equal(got, want) {
			t.Fatalf("lazy %v, skew %d\ngot  %q\nwant %q\n%s%+v", lazy, c.skew, got, want, showArrivals(c.arrivals), c.model)
		}
	}
	lazies := 0
	for _, skewed := range []bool{false, true} {
		for seed := range 1000 {
			c := courses(skewed).Example(seed)
			check(t, c)
			if p, err := Compile(c.model.property()); err == nil && p.plans[0].lazy {
				lazies++
			}
		}
		rapid.Check(t, func(t *rapid.T) { check(t, courses(skewed).Draw(t, "course")) })
	}
	if lazies < 20 {
		t.Errorf("only %d properties whose joins are not stored", lazies)
	}
}

// A property that cannot fail, and one whose events never came, are noticed.
func TestCoverageOfAVacuousProperty(t *testing.T) {
	never := props.ForAll("x").Machine("never fails",
		props.From("a").On(props.On("A", "x")).To("b"), props.From("b").On(props.On("B", "x")).To("a"))
	p, err := Compile(never, props.AtMostOnce("once", props.On("C", "x")))
	if err != nil {
		t.Fatal(err)
	}
	m := p.Monitor(Options{Coverage: true})
	m.Observe(parse(t, 1, "A x=1"))
	m.Observe(parse(t, 2, "A x=2"))
	all := m.Coverage()
	if all[0].CanFail || !all[1].CanFail {
		t.Errorf("got %v and %v", all[0].CanFail, all[1].CanFail)
	}
	if !slices.Equal(all[0].Types, []TypeUse{{"A", 2}, {"B", 0}}) || !slices.Equal(all[1].Types, []TypeUse{{"C", 0}}) {
		t.Errorf("got %v and %v", all[0].Types, all[1].Types)
	}
	for _, u := range all[1].Transitions {
		if u.Taken {
			t.Errorf("%v is taken", u)
		}
	}
}

// Created instances are alive, settled or expired.
func TestStatsAddUp(t *testing.T) {
	for seed := range 500 {
		c := courses(seed%2 == 0).Example(seed)
		p, err := Compile(c.model.property())
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.Stream(StreamOptions{Skew: c.ms(c.skew), Lateness: c.ms(c.lateness), TTL: c.ms(seed % 7)})
		if err != nil {
			t.Fatal(err)
		}
		c.pushAll(s, 0, len(c.arrivals))
		sum, st := finish(s), s.Stats()[0]
		if st.Created != st.Instances+st.Settled+st.Expired {
			t.Fatalf("course %d: %+v", seed, st)
		}
		if got := st.Events + st.Malformed + st.Late; got != len(c.arrivals) {
			t.Fatalf("course %d: %+v, want %d events", seed, st, len(c.arrivals))
		}
		if sum.Instances != st.Created {
			t.Fatalf("course %d: %+v and %+v", seed, sum, st)
		}
	}
}
