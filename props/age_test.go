package props_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/props"
)

// A stack gives back what was put on it last; where it is full, what would push
// violates, and the drawing says so.
func TestStacks(t *testing.T) {
	const machine = "properties:\n  - name: p\n    registers: {n: counter, s: {stack: 2}}\n    states:\n      a:\n        - {on: A(x), do: {s: push %s, n: +1}}\n" +
		"        - {on: B(x), when: \"%s\", to: violated}\n        - {on: B(x), do: {s: pop, n: -1}}\n        - {on: C(x), do: {s: clear}}\n"
	for _, c := range []struct{ push, guard, runs string }{
		{"event.n", "top(s) != event.n", "A1 A2 B2 B1|  A1 A2 B1+  A1 B1 A2 B2|  A1 A2 A3+  A1 A2 C A3 A4|  A1 A2 C B2+  B1+  A1 A2.0 B2|"},
		{"n", "size(s) == 0 ? false : top(s) != n - 1", "A A B B B|  A A A+  A A B A B B|"},
		{"context.type", "size(s) == 2 && top(s) == 'A'", "A1 B1|  A1 A1 B1+"},
		{"event.n", "top(s) == null", "A1 B1|  B1+"},
	} {
		ps, err := props.Parse("p.yaml", fmt.Appendf(nil, machine, c.push, c.guard))
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range strings.Split(c.runs, "  ") {
			if got := play(t, ps[0], run); got != run {
				t.Errorf("push %s, %s: got %q, want %q", c.push, c.guard, got, run)
			}
		}
		if want := "A(x) when s is 2 deep -> violated"; !strings.Contains(ps[0].Text(), want) {
			t.Errorf("got %s, want %s", ps[0].Text(), want)
		}
	}
}

// The age of a state is compared exactly, whatever the operator and its sides. An
// event that stays, and a deadline, make nothing young; where no event has led,
// all is old. A register of the name stands in the way.
func TestAges(t *testing.T) {
	const machine = "properties:\n  - name: p\n    states:\n      a:\n        - {on: A(x), to: b}\n        - {on: C(x), when: \"%[1]s\", to: violated}\n" +
		"      b:\n        - {on: A(x), to: b}\n        - {on: B(x)}\n        - {on: C(x), when: \"%[1]s\", to: violated}\n        - {after: 5s, to: late}\n" +
		"      late:\n        - {on: C(x), when: \"%[1]s\", to: violated}\n"
	for guard, runs := range map[string][]string{
		"age < duration('2s')":                          {"A C+", "A.C|", "A..A C+", "C|", "A B C|"},
		"duration('2s') > age":                          {"A C+", "A.C|"},
		"age <= duration('2s')":                         {"A.C+", "A..C|", "C|"},
		"age >= duration('2s')":                         {"A C|", "A.C+", "A B C+", "A.A C|", "C+"},
		"duration('2s') <= age":                         {"A C|", "A.C+"},
		"age > duration('2s')":                          {"A.C|", "A..C+", "C+"},
		"age > duration('1.999999999s')":                {"A C|", "A.C+"},
		"age > duration('1s') && age < duration('3s')":  {"A C|", "A.C+", "A..C|"},
		"age < duration('8s') && age >= duration('7s')": {"A......C+", "A.......C|"},
		"age < duration('2s') && event.n > 1":           {"A C1 C2|", "A C2+"},
		"age < duration('2s') && context.type == 'C'":   {"A C+"},
	} {
		ps, err := props.Parse("p.yaml", fmt.Appendf(nil, machine, guard))
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range runs {
			if got := play(t, ps[0], run); got != run {
				t.Errorf("%s: got %q, want %q", guard, got, run)
			}
		}
	}
	_, err := props.Parse("p.yaml", []byte("properties:\n  - name: p\n    registers: {age: counter, context: last}\n    states:\n      a:\n        - {on: C(x), when: \"age > 1 && context == 2\", to: violated}\n"))
	if err != nil {
		t.Error(err)
	}
	byTime := props.MustParse("p.yaml", []byte("properties:\n  - name: p\n    never: {on: A, when: context.time.getHours() < 6}\n"))[0].Automaton()
	if a := props.Never("p", letterA).Automaton(); a.LooksAtTime() || !byTime.LooksAtTime() || byTime.Timed() {
		t.Errorf("who looks at the time: %v %v %v", a.LooksAtTime(), byTime.LooksAtTime(), byTime.Timed())
	}
}
