package scheduler

import (
	"fmt"
	"testing"
)

// What is told of how many plans there are becomes true as the enumeration goes
// on, and says nothing where there is no bound to speak of.
func TestEstimateConverges(t *testing.T) {
	decisions := make([]Decision, 20)
	for i := range decisions {
		decisions[i] = Decision{At: fmt.Sprint("d", i), Options: []Option{{}, {Do: "x"}, {Do: "y"}}}
	}
	run := func(s Source) *Record {
		d := NewDecider(s)
		for _, x := range decisions {
			d.Choose(x)
		}
		return d.Record()
	}
	space := NewBounded(2, run).Whole()
	estimates := map[int]int{}
	for _, ok := space.Next(); ok; _, ok = space.Next() {
		estimates[space.count] = space.estimate()
	}
	all := space.count
	for _, at := range []int{all / 8, all / 4, all / 2, all} {
		if e := estimates[at]; e < all/2 || e > 4*all {
			t.Errorf("after %d of %d plans the estimate is %d", at, all, e)
		}
	}
	if e := estimates[all]; e < all*9/10 || e > all*11/10 {
		t.Errorf("at the end the estimate is %d, wanted about %d", e, all)
	}
	if e := NewBounded(1<<20, run).estimate(); e != 0 {
		t.Errorf("without a bound the estimate is %d, wanted none", e)
	}
}
