package monitor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// outcome is what an instance's slice comes to with some skew, over all
// orders; skew 0 leaves equal times without an order.
func (c course) outcome(p placed, slice []int, skew int) Outcome {
	s := spread{slice: slice, precedes: func(a, b int) bool {
		if c.arrivals[a].source == c.arrivals[b].source {
			order := sourceOrder(c.arrivals, c.arrivals[a].source, p)
			return slices.Index(order, a) < slices.Index(order, b)
		}
		return p.effective[a]+skew < p.effective[b]
	}}
	some, all := false, true
	s.orders(nil, func(order []int) {
		violated := c.model.violatingEvent(c.arrivals, order) >= 0
		some, all = some || violated, all && violated
	})
	switch {
	case all:
		return BecomesCertain
	case some:
		return BecomesPossible
	}
	return BecomesUnreported
}

// flip is the reference: the outcome for each skew, one after the other.
func (c course) flip(p placed, slice []int, certain bool, beyond int) Flip {
	if !certain {
		for skew := c.skew; skew > 0; skew-- {
			if o := c.outcome(p, slice, skew-1); o != BecomesPossible {
				return Flip{c.ms(skew), o}
			}
		}
		return Flip{}
	}
	for n := range slice {
		last := n == len(slice)-1
		if (last || p.effective[slice[n]]+2*c.skew < p.effective[slice[n+1]]) && c.outcome(p, slice[:n+1], c.skew) == BecomesCertain {
			slice = slice[:n+1]
			break
		}
	}
	for skew := c.skew + 1; skew <= 2*c.skew+beyond; skew++ {
		if c.outcome(p, slice, skew) == BecomesPossible {
			return Flip{c.ms(skew), BecomesPossible}
		}
	}
	return Flip{}
}

// wrongCounter says what is wrong with a counter-order.
func (c course) wrongCounter(s spread, v Violation) string {
	state, dead := 2, c.model.dying()
	var order []int
	for _, step := range v.Counter {
		var e int
		fmt.Sscan(step.ID, &e)
		for _, other := range s.slice {
			if s.precedes(other, e) && !slices.Contains(order, other) {
				return fmt.Sprintf("%d must come before %d", other, e)
			}
		}
		if !slices.Contains(s.slice, e) || slices.Contains(order, e) {
			return fmt.Sprintf("%d is not of the slice, or comes twice", e)
		}
		order = append(order, e)
		if state = c.model.after(state, c.arrivals[e].happening); stateName(state) != step.To || state == 0 {
			return fmt.Sprintf("%d leads to %s, got %s", e, stateName(state), step.To)
		}
	}
	if len(order) < len(s.slice) && !dead[state] {
		return "it ends where a violation may follow"
	}
	return ""
}

// explained compares all explanations of a course with the reference.
func (c course) explained(beyond int) (flips map[Outcome]int, diff string, err error) {
	p, err := Compile(c.model.property())
	if err != nil {
		return nil, "", err
	}
	s, err := p.Stream(StreamOptions{Skew: c.ms(c.skew), Lateness: c.ms(c.lateness), limits: c.limits()})
	if err != nil {
		return nil, "", err
	}
	c.pushAll(s, 0, len(c.arrivals)) // with skew, violations are told at the end
	all := s.Close().Violations()
	pl := placeAll(c.arrivals, c.skew, c.lateness, 0)
	instances := c.model.spreads(c.arrivals, pl, c.skew, sound)
	flips = map[Outcome]int{}
	for _, v := range all {
		j := c.model.judged(v)
		i := slices.IndexFunc(instances, func(s spread) bool { return slices.Equal(s.in, j.in) })
		want := c.flip(pl, instances[i].slice, j.certain, beyond)
		if v.Flips != want {
			return nil, fmt.Sprintf("%v %s: flips %+v, want %+v", v.Binding, v.Certainty, v.Flips, want), nil
		}
		if j.certain != (v.Counter == nil) {
			return nil, fmt.Sprintf("%v %s: counter %v", v.Binding, v.Certainty, v.Counter), nil
		}
		if why := c.wrongCounter(instances[i], v); why != "" && !j.certain {
			return nil, fmt.Sprintf("%v: counter %v: %s", v.Binding, v.Counter, why), nil
		}
		flips[v.Flips.To]++
	}
	return flips, "", nil
}

// Explanations are what the reference says: counter-orders that are possible
// and do not violate, and the exact skew at which the verdict flips.
func TestExplanationsAgreeWithReference(t *testing.T) {
	seen := map[Outcome]int{}
	for seed := range 3000 {
		c := courses(true).Example(seed)
		flips, diff, err := c.explained(0)
		if err != nil || diff != "" {
			t.Fatalf("course %d, skew %d: %s, %v\n%s%+v", seed, c.skew, diff, err, showArrivals(c.arrivals), c.model)
		}
		for to, n := range flips {
			seen[to] += n
		}
	}
	for _, to := range []Outcome{"", BecomesCertain, BecomesPossible, BecomesUnreported} {
		if seen[to] < 10 {
			t.Errorf("only %d flips to %q", seen[to], to)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		c := courses(true).Draw(t, "course")
		if _, diff, err := c.explained(0); err != nil || diff != "" {
			t.Fatalf("skew %d: %s, %v\n%s%+v", c.skew, diff, err, showArrivals(c.arrivals), c.model)
		}
	})
	noticedIn(t, "a longer horizon", func(seed int) (string, error) {
		_, diff, err := courses(true).Example(seed).explained(3)
		return diff, err
	})
}

// The explanation as objects: after the fields of the contract, in this order.
func TestExplanationJSON(t *testing.T) {
	v := Violation{Property: "p", Certainty: Possible, Counter: []WitnessEvent{{"s", "1", "A", "a"}}, Flips: Flip{3200 * time.Microsecond, BecomesCertain}}
	got, err := v.MarshalJSON()
	want := `{"kind":"violation","property":"p","binding":{},"certainty":"possible","counter":[{"source":"s","id":"1","type":"A","to":"a"}],"flips":{"at":"3.2ms","to":"certain"}}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
