package pipelinesim

import (
	"slices"
	"testing"

	"github.com/wtsim/wtsim/event"
)

// What the shares are compared with is not nothing, and no shard alone can find
// it: who is served where is for several of them.
func TestSharesAreSpread(t *testing.T) {
	ids, err := ofOneEngine(diningRoom())
	if err != nil || len(ids) != 4 {
		t.Errorf("%d violations, %v, wanted four", len(ids), err)
	}
	var parts, several []int
	for _, line := range diningRoom() {
		var e event.Event
		if err := event.DecodeInto(&e, line); err != nil {
			t.Fatal(err)
		}
		to := served.Parts(shards).Route(nil, &e)
		if e.Type == "SERVED" {
			parts = append(parts, to...)
		} else {
			several = append(several, len(to))
		}
	}
	slices.Sort(parts)
	if n := len(slices.Compact(parts)); n < 3 || slices.Min(several) < 2 {
		t.Errorf("what is served goes to %d shards, and what binds one variable to %v of them", n, several)
	}
}
