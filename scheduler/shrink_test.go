package scheduler

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// field is a made-up program that asks all its decisions in every run, and
// violates if a plan has all deviations of one of the causes and none of
// the cures. With cures it is not monotone: less can violate where more does
// not.
type field struct {
	decisions int
	causes    [][]int
	cures     []int
}

func drawField(t *rapid.T, cures bool) field {
	f := field{decisions: rapid.IntRange(1, 10).Draw(t, "decisions")}
	index := rapid.IntRange(0, f.decisions-1)
	f.causes = rapid.SliceOfN(rapid.SliceOfNDistinct(index, 1, min(4, f.decisions), rapid.ID), 1, 3).Draw(t, "causes")
	if cures {
		f.cures = rapid.SliceOfN(index, 0, 2).Draw(t, "cures")
	}
	return f
}

func at(i int) string { return fmt.Sprintf("at %02d", i) }

// test answers as a run would: what the plan has that does not occur is no
// part of what is recorded.
func (f field) test(p Plan) (*Record, bool) {
	r := NewDecider(NewReplay(p))
	for i := range f.decisions {
		r.Choose(Decision{At: at(i), Options: []Option{{}, {Do: "a"}, {Do: "b"}}})
	}
	has := func(i int) bool {
		return slices.ContainsFunc(r.Plan, func(d Deviation) bool { return d.At == at(i) && d.Do == "a" })
	}
	if slices.ContainsFunc(f.cures, has) {
		return r.Record(), false
	}
	for _, cause := range f.causes {
		if !slices.ContainsFunc(cause, func(i int) bool { return !has(i) }) {
			return r.Record(), true
		}
	}
	return r.Record(), false
}

// drawPlan is a plan that violates, with deviations of other places.
func (f field) drawPlan(t *rapid.T) Plan {
	p := Plan{{At: "nowhere", Do: "a"}}
	cause := rapid.SampledFrom(f.causes).Draw(t, "cause")
	for i := range f.decisions {
		d := Deviation{At: at(i), Do: "b"}
		if rapid.Bool().Draw(t, "a") || slices.Contains(cause, i) {
			d.Do = "a"
		}
		if d.Do == "a" && slices.Contains(f.cures, i) || d.Do == "b" && rapid.Bool().Draw(t, "leave out") {
			continue
		}
		p = append(p, d)
	}
	if _, violates := f.test(p); !violates {
		t.Skip("the cause is a cure")
	}
	return p
}

// A shrunk plan violates and is 1-minimal, and says so, whether the field is
// monotone or not. No plan is run twice.
func TestShrinkIsMinimal(t *testing.T) {
	for _, cures := range []bool{false, true} {
		rapid.Check(t, func(t *rapid.T) {
			f := drawField(t, cures)
			runs, ran := 0, map[string]bool{}
			s := Shrink(f.drawPlan(t), func(p Plan) (*Record, bool) {
				if ran[p.Key()] {
					t.Fatalf("%q is run again", text(p))
				}
				runs++
				ran[p.Key()] = true
				return f.test(p)
			}, nil)
			if _, violates := f.test(s.Plan); !violates || !s.Minimal || s.Runs != runs {
				t.Fatalf("%q: violates %t, minimal %t, %d of %d runs", text(s.Plan), violates, s.Minimal, s.Runs, runs)
			}
			for i := range s.Plan {
				if _, violates := f.test(s.Plan.Without(i)); violates {
					t.Fatalf("%q violates without %q", text(s.Plan), s.Plan[i].At)
				}
			}
		})
	}
}

// A smaller plan that is no part of the first is found where one deviation
// does the work of two.
func TestShrinkReplaces(t *testing.T) {
	f := field{decisions: 5, causes: [][]int{{0, 1, 2}, {0, 4}}}
	s := Shrink(Plan{{At: at(0), Do: "a"}, {At: at(1), Do: "a"}, {At: at(2), Do: "a"}}, f.test, nil)
	if text(s.Plan) != "at 00=a, at 04=a" || !s.Minimal {
		t.Errorf("got %q, minimal %t", text(s.Plan), s.Minimal)
	}
}

// A shrink that is stopped, or whose runs do not repeat, keeps what it has and
// does not call it minimal.
func TestShrinkDoesNotClaim(t *testing.T) {
	f := field{decisions: 6, causes: [][]int{{1, 3}}}
	plan := Plan{{At: at(0), Do: "a"}, {At: at(1), Do: "a"}, {At: at(2), Do: "a"}, {At: at(3), Do: "a"}}
	for most := range 6 {
		left := most
		s := Shrink(plan, f.test, func() bool { left--; return left < 0 })
		if _, violates := f.test(s.Plan); !violates || s.Minimal {
			t.Errorf("stopped after %d runs: %q, violates %t, minimal %t", most, text(s.Plan), violates, s.Minimal)
		}
	}
	never := func(p Plan) (*Record, bool) { r, _ := f.test(p); return r, false }
	if s := Shrink(plan, never, nil); s.Minimal || text(s.Plan) != text(plan) {
		t.Errorf("got %q, minimal %t", text(s.Plan), s.Minimal)
	}
}
