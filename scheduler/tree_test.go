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
	r := NewDecider(source)
	path := ""
	for i := range t.depth {
		chosen := r.Choose(t.decision(path))
		path += fmt.Sprint(chosen)
		r.Did(Transition{Name: path, Task: fmt.Sprint("task ", chosen), Site: fmt.Sprint("site ", i),
			Touches: []Touch{{Resource: fmt.Sprint("r", hash(t.seed, path, "touch")%2), Read: true, Write: chosen != 0}}})
		r.Reached(fmt.Sprint("state ", hash(t.seed, path, "")%8))
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
// A bound beyond the deepest plan ends with the plans, and costs no more than
// one that the deepest plan reaches.
func TestBoundBeyondAllPlans(t *testing.T) {
	program := tree{seed: 3, depth: 5}
	count := func(bound int) (plans, runs int) {
		b := NewBounded(bound, func(s Source) *Record {
			if runs++; runs > 100000 {
				t.Fatalf("bound %d: %d plans, and 100000 runs to list them", bound, plans)
			}
			return program.run(s)
		})
		for _, ok := b.Next(); ok; _, ok = b.Next() {
			plans++
		}
		return plans, runs
	}
	plans, runs := count(program.depth + 1)
	if p, r := count(1 << 40); p != plans || r != runs || plans < 10 {
		t.Errorf("%d plans in %d runs, wanted %d in %d, and more than 10", p, r, plans, runs)
	}
}

func describe(s Schedule, r *Record) string {
	return fmt.Sprintf("%d %s %d %s", s.Number, s.Strategy, s.Seed, text(r.Plan))
}

// Whatever the number of workers, the schedule of a number is the same.
func TestWorkersShare(t *testing.T) {
	program := tree{seed: 9, depth: 6}
	for _, name := range Names {
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
				r := program.run(s.Source)
				want[n] = describe(s, r)
				alone.Learn(n, r)
			}
		}
		for workers := 2; workers <= 3; workers++ {
			for worker := range workers {
				own := strategy()
				for n := 1; n <= 300; n++ {
					if Owner(name, n, workers) != worker {
						continue
					}
					s, ok := own.Schedule(n)
					r := &Record{}
					if ok {
						r = program.run(s.Source)
						own.Learn(n, r)
					}
					if ok != (want[n] != "") || ok && describe(s, r) != want[n] {
						t.Fatalf("%s, worker %d of %d, number %d: not what one worker runs: %q", name, worker, workers, n, want[n])
					}
				}
			}
		}
	}
}

// A schedule of a strategy with feedback can be run again by itself: whoever
// asks for it anew, and was told nothing, gets the same one.
func TestScheduleAlone(t *testing.T) {
	program := tree{seed: 9, depth: 6}
	for _, name := range []string{"reads-from", "property-state", "portfolio"} {
		config := Config{Strategy: name, FirstSeed: 1, Run: program.run}
		all, _ := New(config)
		for n := 1; n <= 120; n++ {
			s, _ := all.Schedule(n)
			r := program.run(s.Source)
			all.Learn(n, r)
			if n%17 != 0 {
				continue
			}
			fresh, _ := New(config)
			again, ok := fresh.Schedule(n)
			if !ok || describe(again, program.run(again.Source)) != describe(s, r) {
				t.Errorf("%s: schedule %d is another one by itself", name, n)
			}
		}
	}
}

// The portfolio begins with the benign schedule, goes through every plan of
// one deviation, and gives a schedule that is drawn the seed of its number.
func TestPortfolio(t *testing.T) {
	program := tree{seed: 7, depth: 4}
	s, err := New(Config{Strategy: "portfolio", FirstSeed: 100, Run: program.run})
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, p := range program.all("", nil, 1) {
		left[text(p)] = true
	}
	for n := 1; len(left) > 0 && n < 400; n++ {
		got, ok := s.Schedule(n)
		if !ok || got.Number != n {
			t.Fatalf("schedule %d: got %+v, %t", n, got, ok)
		}
		r := program.run(got.Source)
		s.Learn(n, r)
		switch {
		case n == 1 && len(r.Plan) != 0:
			t.Errorf("the first is %q, wanted the benign one", text(r.Plan))
		case got.Strategy == "bounded":
			if got.Seed != 0 || len(r.Plan) > 1 || !left[text(r.Plan)] {
				t.Errorf("schedule %d: %q, seed %d, is no plan of one deviation, or one again", n, text(r.Plan), got.Seed)
			}
			delete(left, text(r.Plan))
		case got.Seed != 0 && got.Seed != uint64(100+n-1):
			t.Errorf("schedule %d: got %s with seed %d", n, got.Strategy, got.Seed)
		}
	}
	if len(left) > 0 {
		t.Errorf("%d plans of one deviation were not run", len(left))
	}
}

// A strategy that does not exist is refused by name.
func TestCheckName(t *testing.T) {
	for name, want := range map[string]string{"random": "", "pct": "", "nothing": `unknown strategy "nothing"`} {
		switch err := CheckName(name); {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A schedule that is lost is not run again, and nothing is learned from it:
// what comes after it is the same whether its strategy was told so when it
// happened, or begins anew.
func TestLost(t *testing.T) {
	program := tree{seed: 9, depth: 6}
	for _, name := range Names {
		for lost := 1; lost <= 48; lost++ {
			lostOf(t, name, program, lost)
		}
	}
}

func lostOf(t *testing.T, name string, program tree, lost int) {
	config := Config{Strategy: name, Bound: 2, FirstSeed: 1, Run: program.run}
	told, _ := New(config)
	config.Lost = map[int]bool{lost: true}
	for n := 1; n <= lost+48; n++ {
		s, ok := told.Schedule(n)
		if !ok {
			return
		}
		r := program.run(s.Source)
		if n == lost {
			told.Learn(n, nil)
			continue
		}
		told.Learn(n, r)
		if n < lost || n%16 != lost%16 {
			continue
		}
		anew, _ := New(config)
		again, ok := anew.Schedule(n)
		if !ok || describe(again, program.run(again.Source)) != describe(s, r) {
			t.Errorf("%s: schedule %d after %d, which is lost, is another one anew", name, n, lost)
		}
	}
}

// Every schedule has one owner, whatever the number of parts, and parts of
// parts are parts: shards have workers.
func TestOwner(t *testing.T) {
	for _, name := range Names {
		for n := 1; n <= 100; n++ {
			for shards := 1; shards <= 5; shards++ {
				for workers := 1; workers <= 5; workers++ {
					owner := Owner(name, n, shards*workers)
					if owner%shards != Owner(name, n, shards) {
						t.Fatalf("%s: schedule %d is of worker %d of %d, but of shard %d of %d", name, n, owner, shards*workers, Owner(name, n, shards), shards)
					}
				}
			}
		}
	}
}
