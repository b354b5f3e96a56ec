package sim_test

import (
	"testing"

	"github.com/wtsim/wtsim/scenarios/checkout"
	"github.com/wtsim/wtsim/scenarios/checkout/checkoutsim"
	"github.com/wtsim/wtsim/sim"
)

// A stress test finds, now and then, what is often wrong, and nothing in what
// copes.
func TestStress(t *testing.T) {
	share := uint64(1)
	if testing.Short() {
		share = 4
	}
	violated := func(v checkout.Variant, runs uint64) int {
		s, err := sim.Compile(checkoutsim.Scenario(v))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for seed := range runs / share {
			switch r := s.Stress(seed); r.Verdict {
			case sim.Violated:
				n++
			case sim.Inconclusive:
				t.Fatal(r.Why)
			}
		}
		return n
	}
	if n := violated(checkout.Variant{NoIdempotencyKey: true}, 300); n == 0 && share == 1 {
		t.Error("300 runs without an idempotency key, and no order is charged twice")
	}
	if n := violated(checkout.Correct, 100); n > 0 {
		t.Errorf("%d of 100 runs violate a property of the correct shop", n)
	}
}
