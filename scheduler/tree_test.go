package scheduler

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// tree is a made-up program: which decisions it asks, and with which options,
// depends on what it was answered before.
type tree struct {
	seed  uint64
	depth int
}

// run asks the source on the way from the root to a leaf.
func (t tree) run(source Source) *Record {
	r := NewRecorder(source)
	path := ""
	for range t.depth {
		i := r.Choose(t.decision(path))
		path += fmt.Sprint(i)
	}
	return r.Record()
}

// decision has one to four options; one with one option is none.
func (t tree) decision(path string) Decision {
	d := Decision{At: "at " + path}
	for i := range 1 + hash(t.seed, path, "")%4 {
		o := Option{Do: fmt.Sprint("do", i)}
		if i == 0 {
			o = Option{}
		}
		d.Options = append(d.Options, o)
	}
	return d
}

// all returns every plan of at most bound deviations below a path.
func (t tree) all(path string, plan Plan, bound int) []Plan {
	if len(path) == t.depth {
		return []Plan{plan}
	}
	out := t.all(path+"0", plan, bound)
	d := t.decision(path)
	for i, o := range d.Options[1:] {
		if len(plan) < bound {
			more := append(slices.Clone(plan), Deviation{At: d.At, Do: o.Do})
			out = append(out, t.all(path+fmt.Sprint(i+1), more, bound)...)
		}
	}
	return out
}

func text(p Plan) string {
	var parts []string
	for _, d := range p {
		parts = append(parts, d.At+"="+d.Do)
	}
	return strings.Join(parts, ", ")
}

// Bounded enumerates every plan of at most K deviations once, fewest first,
// and nothing else; compared with an enumeration of all answers.
func TestBoundedIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		program := tree{seed: rapid.Uint64().Draw(t, "seed"), depth: rapid.IntRange(0, 6).Draw(t, "depth")}
		bound := rapid.IntRange(0, 3).Draw(t, "bound")
		var got, want []string
		b := NewBounded(bound, program.run)
		fewest := 0
		for {
			p, ok := b.Next()
			if !ok {
				break
			}
			if len(p) < fewest {
				t.Fatalf("%q comes after a plan of %d", text(p), fewest)
			}
			fewest = len(p)
			got = append(got, text(p))
		}
		for _, p := range program.all("", nil, bound) {
			want = append(want, text(p))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("got %d plans, want %d:\n%s\n\n%s", len(got), len(want), strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if _, ok := b.Next(); ok {
			t.Fatal("there is a plan after the last")
		}
	})
}

// describe tells a schedule apart from others.
func describe(t *testing.T, program tree, s Schedule) string {
	t.Helper()
	return fmt.Sprintf("%d %s %d %s", s.Number, s.Strategy, s.Seed, text(program.run(s.Source).Plan))
}

// Whatever the number of workers, the schedule of a number is the same.
func TestWorkersShare(t *testing.T) {
	program := tree{seed: 7, depth: 5}
	for _, name := range built {
		strategy := func() Strategy {
			s, err := New(Config{Strategy: name, Bound: 2, FirstSeed: 10, Run: program.run})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		want := map[int]string{}
		for alone, n := strategy(), 1; n <= 300; n++ {
			if s, ok := alone.Schedule(n); ok {
				want[n] = describe(t, program, s)
			}
		}
		for workers := 2; workers <= 3; workers++ {
			for worker := range workers {
				own := strategy()
				for n := worker + 1; n <= 300; n += workers {
					s, ok := own.Schedule(n)
					if ok != (want[n] != "") || ok && describe(t, program, s) != want[n] {
						t.Fatalf("%s, worker %d of %d, number %d: not what one worker runs: %q", name, worker, workers, n, want[n])
					}
				}
			}
		}
	}
}

// The portfolio begins with the benign schedule, takes turns, and gives a
// random schedule the seed of its number.
func TestPortfolio(t *testing.T) {
	program := tree{seed: 7, depth: 4}
	s, err := New(Config{Strategy: "portfolio", FirstSeed: 100, Run: program.run})
	if err != nil {
		t.Fatal(err)
	}
	ones := len(program.all("", nil, 1))
	for n := 1; n <= 2*ones+10; n++ {
		got, ok := s.Schedule(n)
		if !ok || got.Number != n {
			t.Fatalf("schedule %d: got %+v, %t", n, got, ok)
		}
		switch plan := program.run(got.Source).Plan; {
		case n == 1 && len(plan) != 0:
			t.Errorf("the first is %q, wanted the benign one", text(plan))
		case n == 1 || n%2 == 0 && n/2 < ones:
			if got.Strategy != "bounded" || n > 1 && len(plan) != 1 {
				t.Errorf("schedule %d: got %s with %q, wanted a plan of one deviation", n, got.Strategy, text(plan))
			}
		case got.Strategy != "random" || got.Seed != uint64(100+n-1):
			t.Errorf("schedule %d: got %s with seed %d, wanted random with seed %d", n, got.Strategy, got.Seed, 100+n-1)
		}
	}
}

// A strategy that does not exist, or not yet, is refused by name.
func TestCheckName(t *testing.T) {
	for name, want := range map[string]string{"random": "", "pct": `"pct" is not built yet`, "nothing": `unknown strategy "nothing"`} {
		switch err := CheckName(name); {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v", name, err)
		}
	}
}
