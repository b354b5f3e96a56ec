package search

import "testing"

// A curve is inevitable from where all continuations violate for good, and turns
// where it rises most; what could not be judged does not count.
func TestCurve(t *testing.T) {
	curve := func(violating ...int) *Cause {
		c := &Cause{}
		for i, n := range violating {
			c.Points = append(c.Points, Point{Steps: i, Ran: 5, Unjudged: 1, Violating: n})
		}
		return c
	}
	for _, x := range []struct {
		c                *Cause
		inevitable, turn int
	}{
		{curve(0, 1, 4, 3, 4, 4), 4, 2},
		{curve(4, 4), 0, -1},
		{curve(0, 1, 2), -1, 1},
		{curve(3, 2, 1), -1, -1},
	} {
		if i, turn := x.c.Inevitable(), x.c.Turn(); i != x.inevitable || turn != x.turn {
			t.Errorf("%+v: inevitable at %d and turns at %d, wanted %d and %d", x.c.Points, i, turn, x.inevitable, x.turn)
		}
	}
}
