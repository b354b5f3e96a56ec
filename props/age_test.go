package props_test

import (
	"fmt"
	"testing"

	"github.com/wtsim/wtsim/props"
)

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
