package simtest_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/wtsim/wtsim/scenarios/checkout"
	"github.com/wtsim/wtsim/scenarios/checkout/checkoutsim"
	"github.com/wtsim/wtsim/sim/simtest"
)

// A test of a shop, with the workload that its package declares.
func ExampleCheck() {
	_ = func(t *testing.T) { // func TestCheckout(t *testing.T)
		simtest.Check(t, checkoutsim.Scenario(checkout.Correct))
	}
}

// A test of a shop whose customers rapid draws: inputs and schedule shrink
// together.
func ExampleRun() {
	_ = func(t *testing.T) { // func TestCheckout(t *testing.T)
		rapid.Check(t, func(rt *rapid.T) {
			names := rapid.SampledFrom([]string{"alice", "bob", "dave"})
			customers := rapid.SliceOfNDistinct(names, 1, 3, rapid.ID[string]).Draw(rt, "customers")
			simtest.Run(rt, checkoutsim.ScenarioWith(checkout.Correct, customers))
		})
	}
}
