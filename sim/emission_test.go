package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/probe"
)

// What woke up in one instant is told in one order, whichever goroutine came
// first; what one may have caused the other keeps its order.
func TestInOrder(t *testing.T) {
	// name is an event's: invocation, service, number within what keeps its order
	parse := func(text string) (out []emission) {
		for name := range strings.FieldsSeq(text) {
			f := strings.Split(name, ".")
			out = append(out, emission{invocation: f[0], service: f[1], Emitted: probe.Emitted{Type: name}})
		}
		return out
	}
	for _, c := range []struct{ goal, step, came, want string }{
		{"two that have nothing in common", "", "pack.warehouse.1 bill.books.2", "bill.books.2 pack.warehouse.1"},
		{"the step's first", "pack", "bill.books.1 pack.warehouse.2", "pack.warehouse.2 bill.books.1"},
		{"one service", "", "push.redis.1 pop.redis.2", "push.redis.1 pop.redis.2"},
		{"one invocation", "", "b.x.1 b..2 b.y.3", "b.x.1 b..2 b.y.3"},
		{"through others", "", "z.x.1 b.x.2 b.y.3 a.y.4", "z.x.1 b.x.2 b.y.3 a.y.4"},
		{"a client's own stays", "", "b.x.1 .. a.y.2", "b.x.1 .. a.y.2"},
		{"handlers' own events", "", "b..1 a..2", "a..2 b..1"},
	} {
		all := parse(c.came)
		inOrder(all, c.step)
		var got []string
		for _, e := range all {
			got = append(got, e.Type)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: got %s, want %s", c.goal, s, c.want)
		}
	}
}

// Of any interleaving of groups that have nothing in common one order comes out.
func TestInOrderIsOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var groups [][]emission
		var total int
		for g := range 1 + r.IntN(4) {
			var group []emission
			for i := range 1 + r.IntN(3) {
				group = append(group, emission{invocation: fmt.Sprintf("t%d.%d", g, r.IntN(2)), service: fmt.Sprint("s", g),
					Emitted: probe.Emitted{Type: fmt.Sprint(g, ".", i)}})
			}
			groups, total = append(groups, group), total+len(group)
		}
		var first []emission
		for n := range 5 {
			left, mixed := slices.Clone(groups), make([]emission, 0, total)
			for len(mixed) < total {
				if g := r.IntN(len(left)); len(left[g]) > 0 {
					mixed, left[g] = append(mixed, left[g][0]), left[g][1:]
				}
			}
			inOrder(mixed, "t1.1")
			if n == 0 {
				first = mixed
			}
			if !slices.EqualFunc(first, mixed, func(a, b emission) bool { return a.Type == b.Type }) {
				t.Fatalf("got %v, before %v", mixed, first)
			}
		}
	}
}
