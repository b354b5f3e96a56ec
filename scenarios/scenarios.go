// Package scenarios registers the example scenarios by name.
package scenarios

import (
	"slices"

	"github.com/wtsim/wtsim/scenarios/checkout/checkoutsim"
	"github.com/wtsim/wtsim/scenarios/samples/samplessim"
	"github.com/wtsim/wtsim/sim"
)

// All returns the example scenarios, sorted by name within an application.
func All() []sim.Scenario {
	return slices.Concat(checkoutsim.Scenarios(), samplessim.Scenarios())
}
