package sctbench

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/wtsim/wtsim/scheduler"
)

// ends runs all plans of a bounded space, and returns the ends and partial
// orders that they have, and how many plans there are.
func ends(main func(*Task), b *scheduler.Bounded) (map[string]bool, int) {
	out := map[string]bool{}
	for n := 0; ; n++ {
		p, ok := b.Next()
		if !ok {
			return out, n
		}
		r := Run(main, scheduler.NewReplay(p))
		out[fmt.Sprintf("%s, order %x, states %q", r.Bug, r.Record.Hash, r.Record.States)] = true
	}
}

// The reduced search of a bounded space sees exactly the verdicts, states and
// partial orders that the whole one sees, with fewer schedules.
func TestReductionIsExact(t *testing.T) {
	bounds := map[string]int{"account": 3, "bluetooth_driver": 2, "carter01": 2, "deadlock01": 3, "lazy01": 3, "reorder_3": 2,
		"token_ring": 2, "twostage": 2, "wronglock_3": 2, "stringbuffer-jdk1.4": 3, "WorkStealQueue": 1}
	total, kept := 0, 0
	for _, name := range slices.Sorted(maps.Keys(bounds)) {
		p := Find(name)
		for _, main := range []func(*Task){p.Main, p.Fixed} {
			run := func(s scheduler.Source) *scheduler.Record { return Run(main, s).Record }
			whole, n := ends(main, scheduler.NewBounded(bounds[name], run).Whole())
			reduced, m := ends(main, scheduler.NewBounded(bounds[name], run))
			if !maps.Equal(whole, reduced) {
				t.Errorf("%s: %d ends with reduction, %d without", name, len(reduced), len(whole))
			}
			t.Logf("%s: %d schedules instead of %d, %d ends", name, m, n, len(whole))
			total, kept = total+n, kept+m
		}
	}
	if kept*3 > total*2 {
		t.Errorf("%d schedules instead of %d: nothing is reduced", kept, total)
	}
}
