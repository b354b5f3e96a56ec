package rewind

import "testing"

// What is before here is told by steps, and within one step by the hits of the
// line that was hit: all that came before it, and none that came after.
func TestBefore(t *testing.T) {
	var seen place
	var all []hit
	for _, x := range []struct {
		step int
		line string
	}{{1, "a"}, {3, "a"}, {3, "b"}, {3, "a"}, {5, "b"}} {
		all = append(all, seen.add(x.step, x.line))
	}
	to := func(n int) place {
		var p place
		for _, h := range all[:n] {
			p.add(h.step, h.line)
		}
		return p
	}
	moved := func(p place, step int) place {
		p.moved(step)
		return p
	}
	for name, c := range map[string]struct {
		at   place
		want int
	}{
		"the hook of a step":                  {place{step: 3, hook: true}, 1},
		"the first hit":                       {to(1), 0},
		"the first of a step":                 {to(2), 1},
		"another line in it":                  {to(3), 2},
		"its line for the second time":        {to(4), 3},
		"the last":                            {to(5), 4},
		"a move after a hit":                  {moved(to(3), 3), 3},
		"a move into a later step":            {moved(to(3), 4), 4},
		"a move from the hook":                {moved(place{step: 3, hook: true}, 3), 1},
		"after the run":                       {moved(to(5), 9), 5},
		"a line whose breakpoint is gone now": {place{step: 3, hits: []hit{{3, "c", 1}}, exact: true}, 1},
	} {
		if got := c.at.before(all); got != c.want {
			t.Errorf("%s: %d hits are before, wanted %d", name, got, c.want)
		}
	}
}
